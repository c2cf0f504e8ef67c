import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { indexOf, isWord, latin, printable, u16 } from '../bytes.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type AppParser, type FileInFlight, type ProtocolEntry } from '../parser.js';

/** Transfers announced and not seen yet, over all flows of a worker; the oldest is forgotten. */
const MAX_EXPECTED = 256;
const MAX_NAME = 255;
const enum Op { Read = 1, Write = 2, Data = 3, Ack = 4, Error = 5, Options = 6 }
const MODES = ['octet', 'netascii', 'mail'];

interface Transfer {
  packet: 'read' | 'write';
  file: string;
  mode: string;
}
/** By the client's port: the server answers from a port of its own. */
const expected = new Map<number, Transfer>();

/** TFTP (RFC 1350, 2347). The transfer is a flow of its own, tied to its request by the client's port. */
class TftpParser implements AppParser {
  readonly protocol = 'tftp';
  private nextId = 0;
  private tx: PlainTransaction | undefined;
  private file: FileInFlight | undefined;
  private block = 0;
  private blockSize = 0;

  data(c: AppContext, flow: Flow, d: Direction, at: number, length: number): number {
    const { u8 } = c.arena;
    if (length < 4) return length;
    const op = u16(u8, at);
    if (!this.tx && op === Op.Data && !expected.has(flow.serverPort) && !expected.has(flow.clientPort)) return -1;
    if (op === Op.Read || op === Op.Write) this.request(c, flow, at, length, op);
    else if (op === Op.Data) this.taken(c, flow, d, at, length);
    else if (op === Op.Error && this.tx) {
      this.tx.fields['error_code'] = u16(u8, at + 2);
      this.file?.close(false);
      this.file = undefined;
    }
    return length;
  }

  private request(c: AppContext, flow: Flow, at: number, length: number, op: number): void {
    const { u8 } = c.arena;
    const e = indexOf(u8, 0, at + 2, at + length);
    if (e < 0) return;
    const m = indexOf(u8, 0, e + 1, at + length);
    const transfer: Transfer = {
      packet: op === Op.Read ? 'read' : 'write',
      file: printable(u8, at + 2, Math.min(e - at - 2, MAX_NAME)),
      mode: m < 0 ? '' : latin(u8, e + 1, Math.min(m - e - 1, 16)).toLowerCase(),
    };
    if (expected.size >= MAX_EXPECTED) expected.delete(expected.keys().next().value!);
    expected.set(flow.clientPort, transfer);
    const tx = (this.tx = new PlainTransaction(this.nextId++, 'tftp', { ...transfer }));
    c.buffers.add(B['tftp.file'], at + 2, e - at - 2);
    c.inspect(flow, tx, Stage.RequestHead);
    c.event(flow, 'tftp', tx.fields, tx.id, 0);
  }

  private taken(c: AppContext, flow: Flow, d: Direction, at: number, length: number): void {
    const { u8 } = c.arena;
    const number = u16(u8, at + 2);
    const n = length - 4;
    if (number === 1 && !this.file && this.block === 0) {
      const transfer = expected.get(flow.serverPort) ?? expected.get(flow.clientPort);
      this.tx ??= new PlainTransaction(this.nextId++, 'tftp', transfer ? { ...transfer } : {});
      this.file = c.file(flow, this.tx, d, transfer?.file ?? String(this.tx.fields['file'] ?? ''));
      this.blockSize = n;
    }
    if (!this.tx || !this.file || number !== ((this.block + 1) & 0xffff)) return; // sent again
    this.block = number;
    if (n > 0) {
      this.file.data(at + 4, n);
      c.buffers.add(B['file.data'], at + 4, n);
      c.inspect(flow, this.tx, d === 0 ? Stage.RequestBody : Stage.ResponseBody);
    }
    if (n < this.blockSize || n < 8) {
      this.file.close(true);
      this.file = undefined;
    }
  }

  gap(): boolean {
    return true;
  }
  end(): void {
    this.file?.close(false);
    this.file = undefined;
  }
}

export const tftp: ProtocolEntry = {
  protocol: 'tftp',
  transport: 'udp',
  ports: [69],
  identify: (u8, at, length, _d, onPort) => {
    if (length < 4 || u8[at] !== 0) return -1;
    const op = u8[at + 1]!;
    if (op === Op.Read || op === Op.Write) {
      const e = indexOf(u8, 0, at + 2, at + Math.min(length, 2 + 512));
      if (e < 0 || (e === at + 2 && !onPort)) return -1;
      for (let p = at + 2; p < e; p++) if (u8[p]! < 32) return -1;
      return onPort || MODES.some((mode) => isWord(u8, e + 1, at + length, mode)) ? 1 : -1;
    }
    // the transfer comes from a new port; its first packet is DATA 1, an option acknowledgement or an error
    if (op === Op.Data && u16(u8, at + 2) === 1) return expected.size > 0 ? 1 : -1;
    return -1;
  },
  create: () => new TftpParser(),
};
