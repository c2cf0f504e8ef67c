import type { Arena } from '../arena.js';
import type { Packet } from '../decode/packet.js';
import type { Direction, Flow } from '../flow/flow.js';
import type { BufferTable } from '../match/buffers.js';
import type { EventType } from '../../contracts/event.js';

/**
 * Moments at which a transaction's buffers are inspected, in order within a direction. A parser calls `inspect` at each
 * moment it reaches, with every buffer of that moment in the table; a rule's request part is decided at request stages,
 * its response part at response stages.
 */
export const enum Stage {
  RequestHead = 0,
  RequestBody = 1,
  RequestEnd = 2,
  ResponseHead = 3,
  ResponseBody = 4,
  ResponseEnd = 5,
}

/** One request with its response (or one message, where the protocol has no pairs). */
export interface Transaction {
  /** From 0 within its flow. */
  readonly id: number;
  /** EVE name of the protocol: http, dns, tls … */
  readonly protocol: string;
  /** As the headers of Suricata's rules name it, where that differs (`http2` beside EVE's http). */
  readonly ruleProtocol?: string;
  /** The EVE object of this transaction as far as it is known now; becomes `alert.http` and the event's body. */
  detail(): Record<string, unknown>;
  /** `detail` without evidence and header lists, for events that only name their transaction; cheaper where it exists. */
  summary?(): Record<string, unknown>;
  /** DER of the certificates seen, as far as `AppContext.keepsCertificates` asked for them. */
  certificates?(): readonly Uint8Array[];
  /** Free for the matcher: rules whose request part has matched, alerts raised for this transaction. */
  matcher: unknown;
}

/** What the pipeline hands to a parser. One instance a worker; `flow`, `packet` are those of the call under way. */
export interface AppContext {
  readonly arena: Arena;
  readonly packet: Packet;
  /** Cleared by `inspect`. */
  readonly buffers: BufferTable;
  /** Takes room in the arena until the next `inspect` returns; 0 when there is none (then leave the buffer out). */
  scratch(bytes: number): number;
  /** Packet time, µs. */
  readonly nowUs: number;
  inspect(flow: Flow, tx: Transaction, stage: Stage): void;
  /** Whether anybody wants events of this type: what only goes into others need not be made. */
  wants(type: EventType): boolean;
  /** Whether a rule looks at this buffer: one that is costly to make need not be made otherwise. */
  reads(buffer: number): boolean;
  /**
   * Whether these bytes of the chunk that is being parsed were looked through with their stream, and hold nothing that
   * rules on response bodies and files begin with. Absent: nobody looks.
   */
  barren?(flow: Flow, direction: Direction, at: number, length: number): boolean;
  /** Whether a rule has begun with this transaction and may yet tell of it. */
  pursued(tx: Transaction): boolean;
  /** Keeps what a finished transaction is made of until the packet under way is through: alerts may tell of it. */
  leave(tx: Leaving): void;
  /** Certificates may be stored: a transaction keeps a copy. */
  readonly keepsCertificates?: boolean;
  /** Emits an EVE event of this flow; `detail` goes under the key `type`. Direction says who is `src_ip`. */
  event(flow: Flow, type: EventType, detail: Record<string, unknown>, txId?: number, direction?: Direction): void;
  /** Emits an `anomaly` event and runs the rules on `app-layer-event:<protocol>.<name>`. Names form a closed union per protocol. */
  anomaly(flow: Flow, protocol: string, name: string, txId?: number): void;
  /** Opens a file in flight; feed it, then close it. Hashing, magic and `fileinfo` happen there. */
  file(flow: Flow, tx: Transaction, direction: Direction, name: string): FileInFlight;
}

/** A transaction that is over. */
export interface Leaving {
  /** Its bytes go. */
  gone(): void;
}

export interface FileInFlight {
  data(at: number, length: number): void;
  /** @param complete false when bytes are missing. */
  close(complete: boolean): void;
}

/** Parses both directions of one flow. Never throws on bytes; bounded by named limits. */
export interface AppParser {
  readonly protocol: string;
  /**
   * Takes in-order bytes at `at` (arena) of one direction.
   * @returns how many were consumed, 0…length. What is left is kept by the stream and presented again, in one piece
   * with what follows. -1: this is not the protocol after all or is beyond repair; the flow goes on as raw payload.
   */
  data(context: AppContext, flow: Flow, direction: Direction, at: number, length: number): number;
  /** Bytes are missing for good. @returns true when parsing can go on after the gap. */
  gap(context: AppContext, flow: Flow, direction: Direction, missing: number): boolean;
  /** Just before `end`: the bytes of a message that the end of the stream has cut off. */
  rest?(context: AppContext, flow: Flow, direction: Direction, at: number, length: number): void;
  /** No more bytes in this direction (FIN, RST, timeout, end of capture). Called once per direction at most. */
  end(context: AppContext, flow: Flow, direction: Direction): void;
  /** The parser is let go: it failed (with or without `end`), or its flow is over. Gives back what it took of the arena. */
  close?(context: AppContext): void;
}

/** How a protocol is recognised by its bytes, on any port. */
export interface ProtocolEntry {
  readonly protocol: string;
  readonly transport: 'tcp' | 'udp';
  /** Ports that make it likelier when the bytes alone are not enough. */
  readonly ports: readonly number[];
  /**
   * Looks at the first bytes of one direction.
   * @returns 1 it is, 0 cannot say yet (needs more), -1 it is not. `onPort`: one of `ports` is the server's.
   */
  identify(u8: Uint8Array, at: number, length: number, direction: Direction, onPort: boolean): 1 | 0 | -1;
  /**
   * Whether first bytes that `identify` takes in either direction are the server's. Asked for flows picked up in their
   * middle; without it the ports decide.
   */
  isServers?(u8: Uint8Array, at: number, length: number): boolean;
  /** Whether another flow announced this one (FTP's data channels): asked before the bytes are looked at. */
  expects?(flow: Flow): boolean;
  create(flow: Flow): AppParser;
}
