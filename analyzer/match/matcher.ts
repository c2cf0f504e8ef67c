import type { Alert } from '../../contracts/alert.js';
import type { EveEvent, EventType } from '../../contracts/event.js';
import type { AppContext, Stage, Transaction } from '../app/parser.js';
import type { Direction, Flow } from '../flow/flow.js';

/** Where the packets under way come from; the same object until the source changes. */
export interface PacketSourceInfo {
  node: string;
  unit: string;
  iface: string;
  /** Name of the capture file, where there is one. */
  file?: string;
  demo?: boolean;
}

/** Bits of `Matcher.wants`: the per-packet calls somebody has rules for. The packet path skips the others. */
export const enum Wants {
  /** `packet` for TCP, UDP, ICMP (v4, v6), SCTP, any other IP protocol, ARP. */
  Tcp = 1,
  Udp = 2,
  Icmp = 4,
  Sctp = 8,
  OtherIp = 16,
  Arp = 32,
  /** `stream` for chunks of reassembled TCP. */
  Stream = 64,
  /** `packetEvent` for decoder and stream anomalies. */
  PacketEvents = 128,
  /** Rules store files, certificates. */
  Files = 512,
  Certificates = 1024,
  /** With `Tcp`: TCP packets without payload too (flags, window rules). */
  TcpEmpty = 256,
  /** Some rules ask only which protocol a flow turned out to be, `failed` among them. */
  Protocol = 2048,
}

/** What the packet stage hands to the matcher. One instance a worker; it is the parsers' `AppContext` too. */
export interface MatchContext extends AppContext {
  readonly source: PacketSourceInfo;
  /** Direction of the packet under way within its flow. */
  readonly direction: Direction;
  /** The flow of the packet under way; made on the first call, undefined when the packet belongs to none. */
  flowOf(): Flow | undefined;
  /**
   * An EVE event with what every event carries (timestamp, flow_id, addresses as of `direction`, proto, app_proto,
   * community_id, vlan, host, in_iface, pcap_cnt, pcap_filename, tunnel); without a flow the packet's own addresses.
   */
  header(type: EventType, flow: Flow | undefined, direction: Direction): EveEvent;
  /** Sends an event as it is. */
  emit(event: EveEvent): void;
  /** Sends an alert; the packets of `flow` (or the packet under way) are its evidence. */
  alert(alert: Alert, flow: Flow | undefined): void;
  /** Packets to server and to client, their bytes, and the bytes of both streams, of a flow. */
  flowTotals?(flow: Flow): readonly [number, number, number, number, number, number];
  /** A rule stores the files of a transaction (without one: of the flow); `directions`: 1 to server, 2 to client. */
  storeFiles?(flow: Flow, tx: Transaction | undefined, directions: number): void;
  /** No rule will store files of this flow any more. */
  filesOver?(flow: Flow): void;
  /** A rule stores the certificates of a transaction. */
  storeCertificates?(flow: Flow, tx: Transaction): void;
  /** The packet under way comes from a TCP stream whose bytes were put together (EVE `pkt_src`). */
  readonly reassembled: boolean;
}

/** What rules see of a packet. One instance a worker; it never throws on bytes. */
export interface Matcher {
  /** Bit set of `Wants`; may change between packets when rules are reloaded. */
  readonly wants: number;
  /** Changes when an answer of `idle` may no longer hold for reasons outside its flow. */
  readonly idleEpoch: number;
  /**
   * Whether `packet` would do nothing with packets of the flow that carry nothing, or only what is sealed. It holds until
   * the matcher is told anything else of the flow, or `idleEpoch` changes.
   */
  idle(flow: Flow, direction: Direction): boolean;
  /** Whether a rule looks at this buffer; may change as `wants` may. */
  reads(buffer: number): boolean;
  /** As `AppContext.barren`; of the chunk that `stream` was given last. */
  barren?(flow: Flow, direction: Direction, at: number, length: number): boolean;
  /** Whether a rule has begun with this transaction and may yet raise an alert of it. */
  pursued(tx: Transaction): boolean;
  /**
   * Inspects `context.packet`. Called once a packet of a wanted kind, after its stream and parser have run.
   * @param flow undefined when the packet belongs to none, or when nothing has made its flow yet: `context.flowOf()`.
   */
  packet(context: MatchContext, flow: Flow | undefined, direction: Direction): void;
  /** In-order bytes of a TCP stream, each byte once, before the parser sees them. */
  stream(context: MatchContext, flow: Flow, direction: Direction, at: number, length: number): void;
  /** Buffers of a transaction's stage are in `context.buffers`. */
  inspect(context: MatchContext, flow: Flow, tx: Transaction, stage: Stage): void;
  /** An anomaly that a parser named: `app-layer-event:<protocol>.<name>`. */
  appEvent(context: MatchContext, flow: Flow, protocol: string, name: string, txId: number | undefined): void;
  /** A decoder or stream anomaly in Suricata's name (`decoder.ipv4.trunc_pkt`, `stream.est_packet_out_of_window`). */
  packetEvent(context: MatchContext, flow: Flow | undefined, direction: Direction, name: string): void;
  /** The flow's application protocol was decided (`flow.app`). */
  appDecided(context: MatchContext, flow: Flow, direction: Direction): void;
  /** Both streams of the flow have ended; packets that carry nothing may still come. */
  streamsEnd?(flow: Flow): void;
  /** The flow is over; let go of what hangs on it. */
  flowEnd(context: MatchContext, flow: Flow): void;
}
