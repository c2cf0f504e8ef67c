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
  iface = '';
  opnum = -1;
  constructor(
    readonly id: number,
    private readonly type: number,
    private readonly call: number,
    private readonly size: number,
  ) {}
  detail(): Record<string, unknown> {
    return {
      request: TYPES[this.type] ?? String(this.type),
      rpc_version: '5.0',
      call_id: this.call,
      ...(this.iface !== '' && {
        interfaces: [
          { uuid: this.iface, ...(INTERFACES[this.iface] !== undefined && { name: INTERFACES[this.iface] }) },
        ],
      }),
      ...(this.opnum >= 0 && { req: { opnum: this.opnum, frag_cnt: 1, stub_data_size: this.size } }),
    };
  }
}

/** One DCE/RPC association (C706 12): over TCP, or inside a named pipe of SMB. */
export class RpcAssociation {
  private readonly contexts = new Map<number, string>();
  private nextId = 0;

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
    if ((type === 11 || type === 14) && size >= 28) {
      const tx = new RpcTransaction(this.nextId++, type, call, 0);
      let p = at + 28;
      const end = at + size;
      for (let i = u8[at + 24]!; i > 0 && p + 24 <= end && this.contexts.size < MAX_CONTEXTS; i--) {
        const id = uuid(u8, p + 4, le);
        this.contexts.set(r16(u8, p), id);
        tx.iface ||= id;
        addString(c, B['dcerpc.iface'], id);
        p += 24 + u8[p + 2]! * 20;
      }
      c.inspect(flow, carrier ?? tx, Stage.RequestHead);
      c.event(flow, 'dcerpc', tx.detail(), tx.id, direction);
      return;
    }
    if (type !== 0 || size < 24) return;
    const flags = u8[at + 3]!;
    let stub = at + 24;
    if (flags & 0x80) stub += 16;
    const tx = new RpcTransaction(this.nextId++, type, call, Math.max(0, at + size - stub));
    tx.opnum = r16(u8, at + 22);
    tx.iface = this.contexts.get(r16(u8, at + 20)) ?? '';
    if (tx.iface !== '') addString(c, B['dcerpc.iface'], tx.iface);
    c.buffers.addNumber(B['dcerpc.opnum'], tx.opnum);
    if (stub <= at + size) c.buffers.add(B['dcerpc.stub_data'], stub, at + size - stub);
    c.inspect(flow, carrier ?? tx, Stage.RequestBody);
    if (flags & 1) c.event(flow, 'dcerpc', tx.detail(), tx.id, direction);
  }
}

class RpcParser implements AppParser {
  readonly protocol = 'dcerpc';
  private readonly association = new RpcAssociation();
  data(c: AppContext, flow: Flow, direction: Direction, at: number, length: number): number {
    return this.association.pdus(c, flow, direction, at, length);
  }
  gap(): boolean {
    return false;
  }
  end(): void {
    // nothing is kept
  }
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
  create: () => new RpcParser(),
};
