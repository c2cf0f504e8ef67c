import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { indexOf, text, u16le, u24, u32le, utf16 } from '../bytes.js';
import {
  Stage,
  type AppContext,
  type AppParser,
  type FileInFlight,
  type ProtocolEntry,
} from '../parser.js';
import { addString } from '../tls/tls.js';
import { RpcAssociation } from './dcerpc.js';
import { dialectName, SMB1, SMB2, statusName } from './names.js';
import { findNtlm, ntlmType, readAuthenticate } from './ntlm.js';
import { SmbTransaction } from './transaction.js';

/** Anomalies of SMB, named as Suricata names its smb events where it has one. */
export type SmbAnomaly =
  | 'record_overflow'
  | 'malformed_data'
  | 'malformed_ntlmssp_request'
  | 'negotiate_malformed_dialects'
  | 'compressed_header';

/** Largest message read whole; the protocol allows 16 MiB, reads and writes beyond are followed by their first part. */
const MAX_WHOLE = 131072;
/** Commands of one AndX chain; real ones have two or three. */
const MAX_CHAIN = 16;
/** Commands of SMB 1 that another may follow in the same message: locking, open, read, write, session setup, logoff, tree connect, NT create. */
const CHAINED = new Set([0x24, 0x2d, 0x2e, 0x2f, 0x73, 0x74, 0x75, 0xa2]);
/** MS-SMB2 2.2.10, 2.2.13. */
const SHARE_TYPES: Record<number, string> = { 1: 'FILE', 2: 'PIPE', 3: 'PRINT' };
const DISPOSITIONS = ['FILE_SUPERSEDE', 'FILE_OPEN', 'FILE_CREATE', 'FILE_OPEN_IF', 'FILE_OVERWRITE', 'FILE_OVERWRITE_IF'];
const DELETE_ON_CLOSE = 0x1000;
/** MS-FSCC 2.4: renaming, disposition (deletion). */
const FILE_CLASSES = new Set([10, 13]);
const MAX_OPEN = 256;
const MAX_WAITING = 128;

interface Open {
  name: string;
  pipe: boolean;
  rpc: RpcAssociation | undefined;
  file: FileInFlight | undefined;
}

/** SMB 1 to 3 over NetBIOS sessions or direct TCP (MS-SMB, MS-SMB2), with what pipes carry. */
export class SmbParser implements AppParser {
  readonly protocol = 'smb';
  private nextId = 0;
  private dialect = 'NT LM 0.12';
  private readonly waiting = new Map<string, SmbTransaction>();
  private readonly opens = new Map<string, Open>();
  private readonly trees = new Map<number, string>();
  private readonly skip: [number, number] = [0, 0];
  /** After a gap: looking for the next message. */
  private readonly lost: [boolean, boolean] = [false, false];
  private valid = false;

  data(c: AppContext, flow: Flow, direction: Direction, at: number, length: number): number {
    const { u8 } = c.arena;
    let used = 0;
    while (used < length) {
      if (this.skip[direction] > 0) {
        const n = Math.min(this.skip[direction], length - used);
        this.skip[direction] -= n;
        used += n;
        continue;
      }
      if (length - used < 8) break;
      if (this.lost[direction]) {
        const found = nextMessage(u8, at + used, at + length);
        used = (found < 0 ? at + length - 7 : found) - at;
        if (found < 0) break;
        this.lost[direction] = false;
      }
      const p = at + used;
      if (u8[p] !== 0) {
        if (u8[p]! < 0x81 || u8[p]! > 0x85) {
          c.anomaly(flow, 'smb', 'record_overflow');
          return -1;
        }
        const n = 4 + (((u8[p + 1]! & 1) << 16) | (u8[p + 2]! << 8) | u8[p + 3]!);
        if (length - used < n) break;
        used += n;
        continue;
      }
      const size = u24(u8, p + 1);
      if (size < 4 && size > 0) return -1;
      const whole = Math.min(size, MAX_WHOLE);
      if (length - used < 4 + whole) break;
      if (size > 0 && !this.message(c, flow, direction, p + 4, whole) && !this.valid) return -1;
      used += 4 + whole;
      this.skip[direction] = size - whole;
    }
    return used;
  }

  private message(c: AppContext, flow: Flow, d: Direction, at: number, length: number): boolean {
    const { u8 } = c.arena;
    if (u8[at + 1] !== 0x53 || u8[at + 2] !== 0x4d || u8[at + 3] !== 0x42) return false;
    this.valid = true;
    const kind = u8[at];
    if (kind === 0xff) {
      if (length >= 35) this.smb1(c, flow, d, at, length);
    } else if (kind === 0xfe) {
      const end = at + length;
      for (let p = at, n = 0; p + 64 <= end && n < 64 && u8[p] === 0xfe; n++) {
        const next = u32le(u8, p + 20);
        const stop = next >= 64 && p + next < end ? p + next : end;
        this.smb2(c, flow, d, p, stop - p);
        if (next < 64) break;
        p = stop;
      }
    } else if (kind === 0xfc) {
      // MS-SMB2 2.2.42: the header of CVE-2020-0796
      c.anomaly(flow, 'smb', 'compressed_header');
      const tx = new SmbTransaction(this.nextId++, 2);
      tx.command = 'COMPRESSED';
      tx.dialect = '3.11';
      c.buffers.add(B['smb.command'], at, Math.min(length, 32));
      c.inspect(flow, tx, Stage.RequestHead);
    }
    return true;
  }

  private begin(mid: string, command: string, version: 1 | 2): SmbTransaction {
    const tx = new SmbTransaction(this.nextId++, version);
    tx.command = command;
    tx.dialect = this.dialect;
    if (this.waiting.size >= MAX_WAITING) this.waiting.delete(this.waiting.keys().next().value!);
    this.waiting.set(mid, tx);
    return tx;
  }

  /** One message: its command and those that an AndX chain adds (MS-CIFS 2.2.3.4). */
  private smb1(c: AppContext, flow: Flow, d: Direction, at: number, length: number): void {
    const { u8 } = c.arena;
    const end = at + length;
    let code = u8[at + 4]!;
    let block = at + 32;
    for (let n = 0; n < MAX_CHAIN && this.command1(c, flow, d, at, end, code, block); n++) {
      // Word count, the next command, a reserved byte, and where its block lies.
      if (!CHAINED.has(code) || u8[block]! < 2 || u8[block + 1] === 0xff) return;
      const next = at + u16le(u8, block + 3);
      if (next <= block || next + 3 > end) {
        if (next !== at) c.anomaly(flow, 'smb', 'malformed_data');
        return;
      }
      code = u8[block + 1]!;
      block = next;
    }
  }

  /** One command of a message. @param block where its word count lies. @returns false when it doesn't hold what it says. */
  private command1(c: AppContext, flow: Flow, d: Direction, at: number, end: number, code: number, block: number): boolean {
    const { u8 } = c.arena;
    const response = (u8[at + 9]! & 0x80) !== 0;
    const unicode = (u16le(u8, at + 10) & 0x8000) !== 0;
    const status = u32le(u8, at + 5);
    const mid = `1:${u16le(u8, at + 30)}:${code}`;
    const wc = u8[block]!;
    const words = block + 1;
    if (words + wc * 2 + 2 > end) {
      c.anomaly(flow, 'smb', 'malformed_data');
      return false;
    }
    const bytes = words + wc * 2 + 2;
    const count = Math.min(u16le(u8, words + wc * 2), end - bytes);
    const name = SMB1[code] ?? `0x${code.toString(16)}`;
    if (response) {
      const tx = this.waiting.get(mid) ?? this.begin(mid, name, 1);
      tx.status = status;
      tx.tree = u16le(u8, at + 24);
      if (code === 0x72 && wc === 17) {
        this.dialect = 'NT LM 0.12';
        // extended security (MS-SMB 2.2.4.5.2.1)
        if ((u8[words + 22]! & 0x80) !== 0 && count >= 16) tx.guid = eveGuid(u8, bytes);
      }
      if (code === 0xa2 && status === 0 && wc >= 34 && tx.filename !== undefined) {
        this.remember(`1:${u16le(u8, words + 5)}`, tx.filename, !/\.|\\.*\\/.test(tx.filename));
        Object.assign(tx.more, {
          created: seconds(u8, words + 11), accessed: seconds(u8, words + 19), modified: seconds(u8, words + 27), changed: seconds(u8, words + 35),
          size: u32le(u8, words + 59) * 0x100000000 + u32le(u8, words + 55), fuid: fid(u8, words + 5),
        });
      }
      if (code === 0x2e && wc >= 12)
        this.carried(c, flow, d, tx.readKey, at + u16le(u8, words + 12), u16le(u8, words + 10), end, tx);
      else if ((code === 0x25 || code === 0x26) && wc >= 10)
        this.carried(c, flow, d, tx.readKey, at + u16le(u8, words + 14), u16le(u8, words + 12), end, tx);
      this.ended(c, flow, mid, tx);
      return true;
    }
    const tx = this.begin(mid, name, 1);
    tx.tree = u16le(u8, at + 24);
    tx.session = u16le(u8, at + 28);
    if (tx.session === 0xffff || code === 0x72) tx.session = 0;
    addString(c, B['smb.command'], name);
    const str = (p: number, n: number): string => {
      if (!unicode) return text(u8, p, Math.max(0, Math.min(n, end - p))).split('\0')[0]!;
      const q = (p - at) & 1 ? p + 1 : p;
      return utf16(u8, q, Math.max(0, Math.min(n, end - q))).split('\0')[0]!;
    };
    if (code === 0x75 && wc >= 4) tx.share = str(bytes + u16le(u8, words + 6), count - u16le(u8, words + 6));
    else if (code === 0xa2 && wc >= 24) {
      tx.filename = str(bytes, u16le(u8, words + 5) + 2);
      opening(tx, u32le(u8, words + 35), u32le(u8, words + 39));
    }
    else if (code === 0x73) {
      this.session(c, flow, tx, bytes, bytes + count);
      // MS-CIFS 2.2.4.53.1: two responses, then the account.
      if (wc === 13) {
        const responses = u16le(u8, words + 14) + u16le(u8, words + 16);
        if (responses > 1 && responses < count) tx.account = str(bytes + responses, Math.min(count - responses, 512));
      }
    }
    else if (code === 0x72) {
      tx.dialects = dialects(u8, bytes, bytes + count);
      this.negotiating = mid;
    }
    else if (code === 0x04 && wc >= 3) this.closeHandle(`1:${u16le(u8, words)}`);
    else if (code === 0x2e && wc >= 10) {
      tx.readKey = `1:${u16le(u8, words + 4)}`;
      this.ofFile(tx, tx.readKey, fid(u8, words + 4));
    } else if (code === 0x2f && wc >= 12) {
      this.ofFile(tx, `1:${u16le(u8, words + 4)}`, fid(u8, words + 4));
      this.carried(c, flow, d, `1:${u16le(u8, words + 4)}`, at + u16le(u8, words + 22), u16le(u8, words + 20), end, tx);
    } else if (code === 0x25 && wc >= 14) {
      tx.pipe = str(bytes, count);
      const fid = wc >= 16 ? u16le(u8, words + 30) : 0;
      tx.readKey = `1:${fid}`;
      this.carried(c, flow, d, `1:${fid}`, at + u16le(u8, words + 24), u16le(u8, words + 22), end, tx);
    }
    this.inspectRequest(c, flow, tx);
    return true;
  }

  private inspectRequest(c: AppContext, flow: Flow, tx: SmbTransaction): void {
    if (tx.share !== undefined) {
      addString(c, B['smb.share'], tx.share);
      treeConnect(c, tx);
      if (tx.pipe === undefined && /IPC\$$/i.test(tx.share)) {
        // the share of pipes: EVE and rules call it a pipe
        addString(c, B['smb.named_pipe'], tx.share);
        if (tx.command.startsWith('TREE_CONNECT')) tx.pipe = tx.share;
      }
    }
    c.buffers.addNumber(B['smb.version'], tx.version);
    if (tx.filename !== undefined) addString(c, B['smb.filename'], tx.filename);
    if (tx.pipe !== undefined) addString(c, B['smb.named_pipe'], tx.pipe);
    if (tx.ntlm) {
      addString(c, B['smb.ntlmssp_user'], tx.ntlm.user);
      addString(c, B['smb.ntlmssp_domain'], tx.ntlm.domain);
      addString(c, B['ntlmssp.workstation'], tx.ntlm.host);
      addString(c, B['auth.user'], tx.ntlm.user);
    }
    c.inspect(flow, tx, Stage.RequestHead);
  }

  private session(c: AppContext, flow: Flow, tx: SmbTransaction, at: number, end: number): void {
    const n = findNtlm(c.arena.u8, at, end);
    if (n < 0 || ntlmType(c.arena.u8, n) !== 3) return;
    tx.ntlm = readAuthenticate(c.arena.u8, n, end);
    if (!tx.ntlm) c.anomaly(flow, 'smb', 'malformed_ntlmssp_request', tx.id);
  }

  private ended(c: AppContext, flow: Flow, mid: string, tx: SmbTransaction): void {
    if (tx.status === 0x103) return;
    this.waiting.delete(mid);
    tx.told = true;
    addString(c, B['smb.command'], tx.command);
    treeConnect(c, tx);
    c.buffers.addNumber(B['smb.version'], tx.version);
    c.buffers.addNumber(B['smb.status'], tx.status);
    addString(c, B['smb.status'], statusName(tx.status));
    c.inspect(flow, tx, Stage.ResponseHead);
    c.event(flow, 'smb', tx.detail(), tx.id, 0);
    const user = tx.ntlm ? (tx.ntlm.domain === '' ? tx.ntlm.user : `${tx.ntlm.domain}\\${tx.ntlm.user}`) : tx.account;
    if (user !== undefined && user !== '' && tx.ntlm?.anonymous !== true && tx.status !== 0xc0000016) {
      c.event(
        flow,
        'auth',
        {
          protocol: 'smb',
          user,
          result: tx.status === 0 ? 'success' : 'failure',
          confidence: 0.95,
          method: 'ntlm',
        },
        tx.id,
        0,
      );
    }
  }

  private remember(key: string, name: string, pipe: boolean): void {
    if (this.opens.size >= MAX_OPEN) this.closeHandle(this.opens.keys().next().value!);
    this.opens.set(key, { name, pipe, rpc: undefined, file: undefined });
  }
  /** What is read, written, renamed or deleted: an open file, as EVE names it. */
  private ofFile(tx: SmbTransaction, key: string, fuid: string): void {
    const open = this.opens.get(key);
    if (!open || open.pipe) return;
    const share = this.trees.get(tx.tree);
    // for the event alone: rules have seen the name where the file was opened
    Object.assign(tx.more, { filename: open.name, ...(share !== undefined && { share }), fuid });
  }
  private closeHandle(key: string): void {
    this.opens.get(key)?.file?.close(true);
    this.opens.delete(key);
  }

  /** Bytes written to or read from an open pipe or file. */
  private carried(
    c: AppContext,
    flow: Flow,
    d: Direction,
    key: string,
    at: number,
    length: number,
    end: number,
    tx: SmbTransaction,
  ): void {
    if (length <= 0 || at + length > end) return;
    const open = this.opens.get(key);
    const { u8 } = c.arena;
    if (length >= 16 && u8[at] === 5 && u8[at + 1]! <= 1 && (!open || open.pipe || tx.pipe !== undefined)) {
      if (open) {
        tx.pipe = open.name;
        open.rpc ??= new RpcAssociation();
      }
      const rpc = open?.rpc ?? (this.loose ??= new RpcAssociation());
      if (tx.pipe !== undefined) addString(c, B['smb.named_pipe'], tx.pipe);
      rpc.pdus(c, flow, d, at, length, tx);
      tx.rpc = rpc.last;
      return;
    }
    if (open && !open.pipe) {
      tx.filename = open.name;
      addString(c, B['smb.filename'], open.name);
      open.file ??= c.file(flow, tx, d, open.name);
      open.file.data(at, length);
    }
    c.buffers.add(B['file.data'], at, length);
    if (open) addString(c, B['file.name'], open.name);
    c.inspect(flow, tx, d === 0 ? Stage.RequestBody : Stage.ResponseBody);
  }
  private loose: RpcAssociation | undefined;

  private smb2(c: AppContext, flow: Flow, d: Direction, at: number, length: number): void {
    const { u8 } = c.arena;
    const end = at + length;
    const code = u16le(u8, at + 12);
    const response = (u8[at + 16]! & 1) !== 0;
    const mid = `2:${u32le(u8, at + 24)}:${code}`;
    const name = SMB2[code] ?? `0x${code.toString(16)}`;
    const b = at + 64;
    if (response) {
      // an SMB 1 negotiation may be answered in SMB 2
      const own = this.waiting.has(mid) || code !== 0 || !this.waiting.has(this.negotiating) ? mid : this.negotiating;
      const tx = this.waiting.get(own) ?? this.begin(mid, name, 2);
      tx.status = u32le(u8, at + 8);
      tx.session = u32le(u8, at + 44) * 0x100000000 + u32le(u8, at + 40);
      if (code === 0 && length >= 70) {
        const v = u16le(u8, b + 4);
        this.dialect = dialectName(v);
        if (length >= 64 + 24) tx.guid = eveGuid(u8, b + 8);
        if (length >= 64 + 40) Object.assign(tx.more, { max_read_size: u32le(u8, b + 32), max_write_size: u32le(u8, b + 36) });
        tx.dialect = this.dialect;
      } else if (code === 3 && tx.share !== undefined) {
        if (this.trees.size < MAX_OPEN) this.trees.set(u32le(u8, at + 36), tx.share);
        tx.more['share_type'] = (tx.status === 0 && length >= 64 + 3 && SHARE_TYPES[u8[b + 2]!]) || 'UNKNOWN';
      }
      else if (code === 5 && tx.status === 0 && length >= 64 + 88 && tx.filename !== undefined) {
        const share = this.trees.get(tx.tree) ?? '';
        this.remember(
          `2:${u32le(u8, b + 64)}:${u32le(u8, b + 72)}`,
          tx.filename,
          /IPC\$$/i.test(share) || share === '',
        );
        if (/IPC\$$/i.test(share)) tx.pipe = tx.filename;
        Object.assign(tx.more, {
          created: seconds(u8, b + 8), accessed: seconds(u8, b + 16), modified: seconds(u8, b + 24), changed: seconds(u8, b + 32),
          size: u32le(u8, b + 52) * 0x100000000 + u32le(u8, b + 48), fuid: eveGuid(u8, b + 64),
        });
      } else if (code === 8 && tx.status === 0 && length >= 64 + 16)
        this.carried(c, flow, d, tx.readKey, at + u8[b + 2]!, u32le(u8, b + 4), end, tx);
      else if (code === 11 && length >= 64 + 48)
        this.carried(c, flow, d, tx.readKey, at + u32le(u8, b + 32), u32le(u8, b + 36), end, tx);
      this.ended(c, flow, own, tx);
      return;
    }
    const tx = this.begin(mid, name, 2);
    tx.tree = u32le(u8, at + 36);
    tx.session = u32le(u8, at + 44) * 0x100000000 + u32le(u8, at + 40);
    addString(c, B['smb.command'], name);
    const str = (off: number, n: number): string => (at + off + n <= end ? utf16(u8, at + off, Math.min(n, 1024)) : '');
    if (code === 0 && length >= 64 + 36) {
      for (let p = b + 36, n = Math.min(u16le(u8, b + 2), 16); n > 0 && p + 2 <= end; n--, p += 2) tx.dialects.push(dialectName(u16le(u8, p)));
      tx.more['client_guid'] = eveGuid(u8, b + 12);
    } else if (code === 1 && length >= 64 + 24) this.session(c, flow, tx, b, end);
    else if (code === 3 && length >= 64 + 8) tx.share = str(u16le(u8, b + 4), u16le(u8, b + 6));
    else if (code === 5 && length >= 64 + 56) {
      tx.filename = str(u16le(u8, b + 44), u16le(u8, b + 46));
      opening(tx, u32le(u8, b + 36), u32le(u8, b + 40));
      const share = this.trees.get(tx.tree);
      if (share !== undefined && /IPC\$$/i.test(share)) tx.pipe = tx.filename;
      tx.share = share;
    } else if (code === 6 && length >= 64 + 24) this.closeHandle(`2:${u32le(u8, b + 8)}:${u32le(u8, b + 16)}`);
    else if (code === 9 && length >= 64 + 48) {
      this.ofFile(tx, `2:${u32le(u8, b + 16)}:${u32le(u8, b + 24)}`, eveGuid(u8, b + 16));
      this.carried(
        c,
        flow,
        d,
        `2:${u32le(u8, b + 16)}:${u32le(u8, b + 24)}`,
        at + u16le(u8, b + 2),
        u32le(u8, b + 4),
        end,
        tx,
      );
      addString(c, B['smb.command'], name);
    } else if (code === 8 && length >= 64 + 48) {
      tx.readKey = `2:${u32le(u8, b + 16)}:${u32le(u8, b + 24)}`;
      this.ofFile(tx, tx.readKey, eveGuid(u8, b + 16));
    } else if (code === 17 && length >= 64 + 32 && u8[b + 2] === 1 && FILE_CLASSES.has(u8[b + 3]!)) this.ofFile(tx, `2:${u32le(u8, b + 16)}:${u32le(u8, b + 24)}`, eveGuid(u8, b + 16));
    else if (code === 11 && length >= 64 + 56) {
      tx.readKey = `2:${u32le(u8, b + 8)}:${u32le(u8, b + 16)}`;
      this.carried(c, flow, d, tx.readKey, at + u32le(u8, b + 24), u32le(u8, b + 28), end, tx);
      addString(c, B['smb.command'], name);
    }
    this.inspectRequest(c, flow, tx);
  }

  gap(_c: AppContext, _flow: Flow, direction: Direction, missing: number): boolean {
    if (this.skip[direction] < missing) {
      this.skip[direction] = 0;
      this.lost[direction] = true;
    } else this.skip[direction] -= missing;
    return true;
  }

  end(c: AppContext, flow: Flow): void {
    if (++this.ends < 2) return;
    for (const open of this.opens.values()) open.file?.close(false);
    this.opens.clear();
    // what was never answered is told of as it was asked
    for (const tx of this.waiting.values()) if (!tx.told) c.event(flow, 'smb', tx.detail(), tx.id, 0);
    this.waiting.clear();
  }
  private ends = 0;
  private negotiating = '';

  close(): void {
    for (const open of this.opens.values()) open.file?.close(false);
    this.opens.clear();
  }
}

/** What a request to open asks for; what its answer says of the file is nothing until then, as in EVE. */
function opening(tx: SmbTransaction, disposition: number, options: number): void {
  Object.assign(tx.more, {
    disposition: DISPOSITIONS[disposition] ?? 'UNKNOWN', access: (options & DELETE_ON_CLOSE) !== 0 ? 'delete on close' : 'normal',
    created: 0, accessed: 0, modified: 0, changed: 0, size: 0, fuid: '',
  });
}

/** A GUID in EVE's order of bytes, which reverses the last eight in pairs and fours (Suricata's `guid_to_string`). */
function eveGuid(u8: Uint8Array, at: number): string {
  const order = [3, 2, 1, 0, -1, 5, 4, -1, 7, 6, -1, 9, 8, -1, 11, 10, 15, 14, 13, 12];
  return order.map((i) => (i < 0 ? '-' : u8[at + i]!.toString(16).padStart(2, '0'))).join('');
}

/** A FID of SMB 1, as EVE writes it. */
const fid = (u8: Uint8Array, at: number): string => u16le(u8, at).toString(16).padStart(4, '0');

/** FILETIME (MS-DTYP 2.3.3) as seconds since 1970; 0 where there is none. */
function seconds(u8: Uint8Array, at: number): number {
  const ticks = u32le(u8, at + 4) * 0x100000000 + u32le(u8, at);
  return ticks === 0 ? 0 : Math.floor(ticks / 1e7) - 11_644_473_600;
}

/** The share that a client connects to, pipes left out: Suricata's `smb.share`. */
function treeConnect(c: AppContext, tx: SmbTransaction): void {
  if (tx.share !== undefined && tx.command.startsWith('TREE_CONNECT') && !/IPC\$$/i.test(tx.share)) addString(c, B['smb.tree_connect'], tx.share);
}

/** The next session message with an SMB header in [at, end), or -1. */
function nextMessage(u8: Uint8Array, at: number, end: number): number {
  for (let p = at; p + 8 <= end; p++) {
    if (u8[p + 5] !== 0x53 || u8[p + 6] !== 0x4d || u8[p + 7] !== 0x42) continue;
    if (u8[p] === 0 && (u8[p + 4] === 0xfe || u8[p + 4] === 0xff || u8[p + 4] === 0xfd)) return p;
  }
  return -1;
}

/** Dialect strings of an SMB 1 negotiation, each after a 2. */
function dialects(u8: Uint8Array, at: number, end: number): string[] {
  const list: string[] = [];
  for (let p = at; p < end && u8[p] === 2 && list.length < 16;) {
    const e = indexOf(u8, 0, p + 1, end);
    if (e < 0) break;
    list.push(text(u8, p + 1, e - p - 1));
    p = e + 1;
  }
  return list;
}

export const smb: ProtocolEntry = {
  protocol: 'smb',
  transport: 'tcp',
  ports: [445, 139],
  identify: (u8, at, length) => {
    if (length < 1) return 0;
    if (u8[at] !== 0 && (u8[at]! < 0x81 || u8[at]! > 0x85)) return -1;
    if (length < 8) return length > 1 && u8[at + 1]! > 1 && u8[at] !== 0 ? -1 : 0;
    if (u8[at] === 0x81) return u24(u8, at + 1) === 68 && u8[at + 4] === 32 ? 1 : -1;
    return (u8[at + 4] === 0xff || u8[at + 4] === 0xfe || u8[at + 4] === 0xfd || u8[at + 4] === 0xfc) &&
      u8[at + 5] === 0x53 &&
      u8[at + 6] === 0x4d &&
      u8[at + 7] === 0x42
      ? 1
      : -1;
  },
  isServers: (u8, at, length) =>
    u8[at + 4] === 0xff ? length > 13 && (u8[at + 13]! & 0x80) !== 0 : length > 20 && (u8[at + 20]! & 1) !== 0,
  create: () => new SmbParser(),
};
