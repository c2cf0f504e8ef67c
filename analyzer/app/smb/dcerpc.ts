import type { Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { hex, u16, u16le, u32, u32le } from '../bytes.js';
import { Stage, type AppContext, type AppParser, type ProtocolEntry, type Transaction } from '../parser.js';
import type { Direction } from '../../flow/flow.js';
import { addString } from '../tls/tls.js';

/** Anomalies of DCE/RPC. */
export type DcerpcAnomaly = 'invalid_header' | 'fragment_too_long';

/** Contexts of one association; Windows binds one to five. */
const MAX_CONTEXTS = 32;
const MAX_FRAGMENT = 65535;

/** Interfaces attackers use, by UUID. */
const INTERFACES: Record<string, string> = {
  '367abb81-9844-35f1-ad32-98f038001003': 'svcctl',
  '86d35949-83c9-4044-b424-db363231fd0c': 'ITaskSchedulerService',
  '1ff70682-0a51-30e8-076d-740be8cee98b': 'atsvc',
  'e3514235-4b06-11d1-ab04-00c04fc2dcd2': 'drsuapi',
  '12345778-1234-abcd-ef00-0123456789ac': 'samr',
  '12345778-1234-abcd-ef00-0123456789ab': 'lsarpc',
  '4b324fc8-1670-01d3-1278-5a47bf6ee188': 'srvsvc',
  '6bffd098-a112-3610-9833-46c3f87e345a': 'wkssvc',
  '12345678-1234-abcd-ef00-0123456789ab': 'spoolss',
  '338cd001-2244-31f1-aaaa-900038001003': 'winreg',
  '12345678-1234-abcd-ef00-01234567cffb': 'netlogon',
  'c681d488-d850-11d0-8c52-00c04fd90f7e': 'efsrpc',
  'e1af8308-5d1f-11c9-91a4-08002b14a0fa': 'epmapper',
  '99fcfec4-5260-101b-bbcb-00aa0021347a': 'IOXIDResolver',
  '000001a0-0000-0000-c000-000000000046': 'IRemoteSCMActivator',
  '9556dc99-828c-11cf-a37e-00aa003240c7': 'IWbemServices',
  'f309ad18-d86a-11d0-a075-00c04fb68820': 'IWbemLevel1Login',
  '82273fdc-e32a-18c3-3f78-827929dc23ea': 'eventlog',
};
const TYPES = [
  'REQUEST',
  'PING',
  'RESPONSE',
  'FAULT',
  'WORKING',
  'NOCALL',
  'REJECT',
  'ACK',
  'CL_CANCEL',
  'FACK',
  'CANCEL_ACK',
  'BIND',
  'BINDACK',
  'BINDNAK',
  'ALTER_CONTEXT',
  'ALTER_CONTEXT_RESP',
  'AUTH3',
  'SHUTDOWN',
  'CO_CANCEL',
  'ORPHANED',
];

export function uuid(u8: Uint8Array, at: number, le: boolean): string {
  const a = (le ? u32le(u8, at) : u32(u8, at)).toString(16).padStart(8, '0');
  const w = (p: number): string => (le ? u16le(u8, p) : u16(u8, p)).toString(16).padStart(4, '0');
  return `${a}-${w(at + 4)}-${w(at + 6)}-${hex(u8, at + 8, 2)}-${hex(u8, at + 10, 6)}`;
}

class RpcTransaction implements Transaction {
  readonly protocol = 'dcerpc';
  matcher: unknown;
  interfaces: Record<string, unknown>[] = [];
  opnum = -1;
  fragments = 0;
  size = 0;
  response = '';
  answered = 0;
  answerSize = 0;
  context: Context | undefined;
  constructor(
    readonly id: number,
    private readonly type: number,
    readonly call: number,
  ) {}
  detail(): Record<string, unknown> {
    return {
      request: TYPES[this.type] ?? String(this.type),
      ...(this.interfaces.length > 0 && { interfaces: this.interfaces.map((one) => ({ ...one })) }), // answered later: what was told stays as it was
      ...(this.opnum >= 0 && { req: { opnum: this.opnum, frag_cnt: this.fragments, stub_data_size: this.size } }),
      response: this.response === '' ? 'UNREPLIED' : this.response,
      ...(this.answered > 0 && { res: { frag_cnt: this.answered, stub_data_size: this.answerSize } }),
      call_id: this.call,
      rpc_version: '5.0',
    };
  }
}

/** An interface that a client has asked for. */
interface Context { readonly id: string; readonly version: number; readonly first: boolean; taken: boolean }

/** Calls waiting for their answer in one association. */
const MAX_CALLS = 64;

/** One DCE/RPC association (C706 12): over TCP, or inside a named pipe of SMB. */
export class RpcAssociation {
  private readonly contexts = new Map<number, Context>();
  /** Contexts of the bind under way, in its order: its answer says of each whether it is taken. */
  private asked: Context[] = [];
  private readonly calls = new Map<number, RpcTransaction>();
  private nextId = 0;
  /** What the newest PDU belongs to, for the event of the protocol around it. */
  last: Record<string, unknown> | undefined;

  /**
   * Takes PDUs at `at`.
   * @param carrier Transaction of the protocol around it, when there is one: its rules see the buffers too.
   * @returns bytes consumed, -1 when this is no DCE/RPC.
   */
  pdus(c: AppContext, flow: Flow, direction: Direction, at: number, length: number, carrier?: Transaction): number {
    const { u8 } = c.arena;
    let used = 0;
    while (length - used >= 16) {
      const p = at + used;
      if (u8[p] !== 5 || u8[p + 1]! > 1 || u8[p + 2]! > 19) return used === 0 ? -1 : length;
      const le = (u8[p + 4]! & 0x10) !== 0;
      const size = le ? u16le(u8, p + 8) : u16(u8, p + 8);
      if (size < 16 || size > MAX_FRAGMENT) return -1;
      if (length - used < size) break;
      this.pdu(c, flow, direction, p, size, le, carrier);
      used += size;
    }
    return used;
  }

  private pdu(
    c: AppContext,
    flow: Flow,
    direction: Direction,
    at: number,
    size: number,
    le: boolean,
    carrier?: Transaction,
  ): void {
    const { u8 } = c.arena;
    const type = u8[at + 2]!;
    const call = le ? u32le(u8, at + 12) : u32(u8, at + 12);
    const r16 = le ? u16le : u16;
    const flags = u8[at + 3]!;
    const end = at + size;
    if ((type === 11 || type === 14) && size >= 28) {
      const tx = this.open(c, flow, type, call);
      let p = at + 28;
      for (let i = u8[at + 24]!; i > 0 && p + 24 <= end && tx.interfaces.length < MAX_CONTEXTS; i--) {
        const id = uuid(u8, p + 4, le);
        if (i === u8[at + 24]!) this.asked = [];
        const context: Context = { id, version: r16(u8, p + 20), first: (flags & 1) !== 0, taken: false };
        if (this.contexts.size < MAX_CONTEXTS || this.contexts.has(r16(u8, p))) this.contexts.set(r16(u8, p), context);
        this.asked.push(context);
        tx.interfaces.push(named(id, `${r16(u8, p + 20)}.${r16(u8, p + 22)}`));
        addString(c, B['dcerpc.iface'], id);
        p += 24 + u8[p + 2]! * 20;
      }
      this.last = tx.detail();
      return c.inspect(flow, carrier ?? tx, Stage.RequestHead);
    }
    if (type === 0 && size >= 24) {
      const stub = at + 24 + ((flags & 0x80) !== 0 ? 16 : 0);
      const first = (flags & 1) !== 0;
      const tx = (first ? undefined : this.calls.get(call)) ?? this.open(c, flow, type, call);
      tx.fragments++;
      tx.size += Math.max(0, end - stub);
      tx.opnum = r16(u8, at + 22);
      const context = this.contexts.get(r16(u8, at + 20));
      if (context !== undefined) {
        if (tx.interfaces.length === 0) tx.interfaces.push(named(context.id));
        tx.context = context;
        addString(c, B['dcerpc.iface'], context.id);
      }
      callBuffers(c, tx);
      c.buffers.addNumber(B['dcerpc.opnum'], tx.opnum);
      if (stub <= end) c.buffers.add(B['dcerpc.stub_data'], stub, end - stub);
      this.last = tx.detail();
      return c.inspect(flow, carrier ?? tx, Stage.RequestBody);
    }
    if (type === 16 || type === 1 || type > 16) return;
    const tx = this.calls.get(call);
    if (!tx) return;
    tx.response = TYPES[type]!;
    callBuffers(c, tx);
    if (type === 2 && size >= 24) {
      tx.answered++;
      tx.answerSize += size - 24;
      c.buffers.add(B['dcerpc.stub_data'], at + 24, size - 24);
    } else if (type === 12 || type === 15) acknowledged(u8, at, end, le, tx, this.asked);
    this.last = tx.detail();
    c.inspect(flow, carrier ?? tx, Stage.ResponseBody);
    if ((flags & 2) === 0) return;
    this.calls.delete(call);
    c.event(flow, 'dcerpc', tx.detail(), tx.id, (1 - direction) as Direction);
  }

  private open(c: AppContext, flow: Flow, type: number, call: number): RpcTransaction {
    const tx = new RpcTransaction(this.nextId++, type, call);
    const old = this.calls.get(call) ?? (this.calls.size >= MAX_CALLS ? this.calls.values().next().value : undefined);
    if (old) {
      this.calls.delete(old.call);
      c.event(flow, 'dcerpc', old.detail(), old.id, 0);
    }
    this.calls.set(call, tx);
    return tx;
  }

  /** Tells of calls that got no answer. */
  end(c: AppContext, flow: Flow): void {
    for (const tx of this.calls.values()) c.event(flow, 'dcerpc', tx.detail(), tx.id, 0);
    this.calls.clear();
  }
}

function named(id: string, version?: string): Record<string, unknown> {
  return { uuid: id, ...(version !== undefined && { version }), ...(INTERFACES[id] !== undefined && { name: INTERFACES[id] }) };
}

/** Interface and operation of a call: `uuid,version,first`, where `first` says that its bind began a message. */
function callBuffers(c: AppContext, tx: RpcTransaction): void {
  if (tx.opnum < 0) return;
  c.buffers.addNumber(B['dcerpc.call_opnum'], tx.opnum);
  const { context } = tx;
  if (context?.taken) addString(c, B['dcerpc.call'], `${context.id},${context.version},${context.first ? 1 : 0}`);
}

/** The results of a bind, one a context, after the secondary address (C706 12.6.4.4). */
function acknowledged(u8: Uint8Array, at: number, end: number, le: boolean, tx: RpcTransaction, asked: readonly Context[]): void {
  if (at + 26 > end) return;
  const r16 = le ? u16le : u16;
  const p = at + ((26 + r16(u8, at + 24) + 3) & ~3);
  for (let i = 0; i < Math.min(tx.interfaces.length, u8[p] ?? 0) && p + 6 + i * 24 <= end; i++) {
    const result = r16(u8, p + 4 + i * 24);
    tx.interfaces[i]!['ack_result'] = result;
    const context = asked[i];
    if (context) context.taken = result === 0;
  }
}

class RpcParser implements AppParser {
  readonly protocol = 'dcerpc';
  private readonly association = new RpcAssociation();
  private readonly lost: [boolean, boolean] = [false, false];
  private ends = 0;

  data(c: AppContext, flow: Flow, direction: Direction, at: number, length: number): number {
    let skipped = 0;
    if (this.lost[direction]) {
      const found = nextPdu(c.arena.u8, at, at + length);
      if (found < 0) return Math.max(0, length - 15);
      this.lost[direction] = false;
      skipped = found - at;
    }
    const n = this.association.pdus(c, flow, direction, at + skipped, length - skipped);
    return n < 0 ? -1 : skipped + n;
  }
  gap(_c: AppContext, _flow: Flow, direction: Direction): boolean {
    this.lost[direction] = true;
    return true;
  }
  end(c: AppContext, flow: Flow): void {
    if (++this.ends === 2) this.association.end(c, flow);
  }
}

/** After a gap: the next place that looks like a PDU's header, or -1. */
function nextPdu(u8: Uint8Array, at: number, end: number): number {
  for (let p = at; p + 16 <= end; p++) {
    if (u8[p] !== 5 || u8[p + 1]! > 1 || u8[p + 2]! > 19) continue;
    if ((u8[p + 4] === 0x10 || u8[p + 4] === 0) && u8[p + 5] === 0 && u8[p + 6] === 0 && u8[p + 7] === 0) return p;
  }
  return -1;
}

export const dcerpc: ProtocolEntry = {
  protocol: 'dcerpc',
  transport: 'tcp',
  ports: [135],
  identify: (u8, at, length) => {
    if (length > 0 && u8[at] !== 5) return -1;
    if (length > 1 && u8[at + 1]! > 1) return -1;
    if (length < 10) return 0;
    return u8[at + 2]! <= 19 && u8[at + 5]! < 4 && (u8[at + 4] === 0x10 || u8[at + 4] === 0) ? 1 : -1;
  },
  isServers: (u8, at, length) => length > 2 && (u8[at + 2] === 2 || u8[at + 2] === 3 || u8[at + 2] === 12 || u8[at + 2] === 13 || u8[at + 2] === 15),
  create: () => new RpcParser(),
};
