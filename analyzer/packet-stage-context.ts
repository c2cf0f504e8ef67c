import type { Alert } from '../contracts/alert.js';
import type { EveEvent, EventType } from '../contracts/event.js';
import type { FileInFlight, Leaving, Stage, Transaction } from './app/parser.js';
import type { Arena } from './arena.js';
import { type Packet, PROTOCOL } from './decode/packet.js';
import { addressText } from './flow/address.js';
import { communityId } from './flow/community-id.js';
import { eveTime } from './flow/eve-time.js';
import type { Direction, Flow } from './flow/flow.js';
import { communityIdOf } from './flow/flow-identity.js';
import { BufferTable } from './match/buffers.js';
import { type MatchContext, type Matcher, type PacketSourceInfo, Wants } from './match/matcher.js';
import type { Evidence, Outputs } from './outputs.js';
import type { PacketStageConfig } from './packet-stage-config.js';
import { PassingFile, UNSEEN } from './packet-stage-files.js';
import { FileKeeper } from './packet-stage-store.js';

/** Room for what parsers and transforms decode during one inspection: several bodies of the largest size they decode. */
const SCRATCH_BYTES = 4 << 20;

const PROTOCOL_NAMES = new Map<number, string>([
  [PROTOCOL.Icmp, 'ICMP'], [PROTOCOL.Igmp, 'IGMP'], [PROTOCOL.Ipip, 'IP-IP'], [PROTOCOL.Tcp, 'TCP'], [PROTOCOL.Udp, 'UDP'],
  [PROTOCOL.Ipv6, 'IPv6'], [PROTOCOL.Gre, 'GRE'], [PROTOCOL.Esp, 'ESP'], [PROTOCOL.Ah, 'AH'],
  [PROTOCOL.Icmpv6, 'IPv6-ICMP'], [PROTOCOL.Sctp, 'SCTP'], [0, 'HOPOPT'], [8, 'EGP'], [9, 'IGP'], [33, 'DCCP'], [43, 'IPv6-Route'],
  [44, 'IPv6-Frag'], [46, 'RSVP'], [59, 'IPv6-NoNxt'], [60, 'IPv6-Opts'], [88, 'EIGRP'], [89, 'OSPF'], [97, 'ETHERIP'], [98, 'ENCAP'], [103, 'PIM'],
  [108, 'IPComp'], [112, 'VRRP'], [115, 'L2TP'], [124, 'ISIS'], [135, 'Mobility-Header'], [136, 'UDPLite'], [137, 'MPLS-in-IP'], [139, 'HIP'], [140, 'Shim6'],
]);

/** EVE `proto` of an IP protocol number. */
export function protocolName(protocol: number): string {
  return PROTOCOL_NAMES.get(protocol) ?? String(protocol).padStart(3, '0');
}

/** What the context asks of the stage that owns it. */
export interface StageHooks {
  flowOf(): Flow | undefined;
  evidence(flow: Flow | undefined, maxBytes: number): Evidence | undefined;
  totals(flow: Flow): readonly [number, number, number, number, number, number];
}

/** What parsers and matcher see of the packet stage. */
export class StageContext implements MatchContext {
  readonly buffers = new BufferTable();
  direction: Direction = 0;
  reassembled = false;
  source: PacketSourceInfo = { node: '', unit: '', iface: '' };
  /** Time of what is under way: the packet's, or the clock's when a flow ends by itself. */
  nowUs = 0;
  anomalies = 0;
  anomaliesUnsaid = 0;
  private readonly wanted = new Map<EventType, boolean>();
  private anomalySecond = -1;
  private anomalyBudget = 0;
  private readonly room: number;
  private roomUsed = 0;
  private depth = 0;
  private readonly leaving: Leaving[] = [];
  /** Of files that rules may store; where nobody takes them, there is none. */
  private readonly keeper: FileKeeper | undefined;
  /** False while flows end outside any packet: then events carry no packet number. */
  inPacket = false;

  constructor(
    readonly arena: Arena,
    readonly packet: Packet,
    private readonly config: PacketStageConfig,
    private readonly matcher: Matcher,
    private readonly outputs: Outputs,
    private readonly hooks: StageHooks,
  ) {
    this.room = arena.reserve(SCRATCH_BYTES);
    this.keeper = outputs.file && new FileKeeper((file) => outputs.file!(file));
  }

  scratch(bytes: number): number {
    if (this.roomUsed + bytes > SCRATCH_BYTES) return 0;
    const at = this.room + this.roomUsed;
    this.roomUsed += (bytes + 15) & ~15;
    return at;
  }

  inspect(flow: Flow, tx: Transaction, stage: Stage): void {
    this.depth++;
    this.matcher.inspect(this, flow, tx, stage);
    this.depth--;
    this.buffers.clear();
    if (this.depth === 0) this.roomUsed = 0;
  }

  wants(type: EventType): boolean {
    let wanted = this.wanted.get(type);
    if (wanted === undefined) this.wanted.set(type, (wanted = this.outputs.wants?.(type) ?? true));
    return wanted;
  }

  reads(buffer: number): boolean {
    return this.matcher.reads(buffer);
  }

  barren(flow: Flow, direction: Direction, at: number, length: number): boolean {
    return this.matcher.barren?.(flow, direction, at, length) ?? false;
  }

  pursued(tx: Transaction): boolean {
    return this.matcher.pursued(tx);
  }

  leave(tx: Leaving): void {
    if (this.inPacket) this.leaving.push(tx);
    else tx.gone();
  }

  /** The packet under way is through. */
  packetEnd(): void {
    this.inPacket = false;
    while (this.leaving.length > 0) this.leaving.pop()!.gone();
  }

  event(flow: Flow, type: EventType, detail: Record<string, unknown>, txId?: number, direction: Direction = 0): void {
    if (!this.wants(type)) return;
    const event = this.header(type, flow, direction);
    if (txId !== undefined) event.tx_id = txId;
    // EVE shows a mail beside the protocol that carried it
    if (detail.email !== undefined && (type === 'smtp' || type === 'imap' || type === 'pop3')) {
      const { email, ...own } = detail;
      event[type] = own;
      event.email = email;
    } else event[type] = detail;
    this.outputs.event(event);
  }

  anomaly(flow: Flow, protocol: string, name: string, txId?: number): void {
    if (this.mayReport()) {
      const event = this.header('anomaly', flow, this.direction);
      if (txId !== undefined) event.tx_id = txId;
      event.anomaly = { app_proto: protocol, type: 'applayer', event: name, layer: 'proto_parser' };
      this.outputs.event(event);
    }
    this.matcher.appEvent(this, flow, protocol, name, txId);
  }

  /** An anomaly of a packet or stream, in Suricata's name. */
  packetAnomaly(flow: Flow | undefined, name: string): void {
    if (!this.mayReport()) return;
    const event = this.header('anomaly', flow, this.direction);
    event.anomaly = { type: name.startsWith('stream.') ? 'stream' : 'decode', event: name };
    this.outputs.event(event);
  }

  file(flow: Flow, tx: Transaction, direction: Direction, name: string): FileInFlight {
    const keeper = (this.matcher.wants & Wants.Files) !== 0 ? this.keeper : undefined;
    if (!keeper && !this.wants('fileinfo')) return UNSEEN;
    return new PassingFile(this, flow, tx, direction, name, this.wants('fileinfo') ? this.config.fileHashes : [], keeper);
  }

  get keepsCertificates(): boolean {
    return this.keeper !== undefined && (this.matcher.wants & Wants.Certificates) !== 0;
  }

  storeFiles(flow: Flow, tx: Transaction | undefined, directions: number): void {
    this.keeper?.want(flow, tx, directions);
  }

  storeCertificates(_flow: Flow, tx: Transaction): void {
    this.keeper?.certificates(tx);
  }

  filesOver(flow: Flow): void {
    this.keeper?.flowEnd(flow);
  }

  flowOf(): Flow | undefined { return this.hooks.flowOf(); }

  flowTotals(flow: Flow): readonly [number, number, number, number, number, number] { return this.hooks.totals(flow); }

  emit(event: EveEvent): void { this.outputs.event(event); }

  alert(alert: Alert, flow: Flow | undefined): void {
    if (flow !== undefined) flow.alerts++;
    this.outputs.alert(alert, (maxBytes) => this.hooks.evidence(flow, maxBytes));
  }

  header(type: EventType, flow: Flow | undefined, direction: Direction): EveEvent {
    const { packet, source, config } = this;
    const event: EveEvent = { timestamp: eveTime(this.nowUs), event_type: type };
    if (flow !== undefined) event.flow_id = flow.id;
    if (source.node !== '') event.host = source.node;
    if (source.iface !== '') event.in_iface = source.iface;
    if (source.file !== undefined) event.pcap_filename = source.file;
    if (this.inPacket) event.pcap_cnt = packet.number;
    if (flow !== undefined) this.flowFields(event, flow, direction);
    else this.packetFields(event);
    if (this.inPacket && packet.tunnelDepth > 0) event.tunnel = this.tunnel();
    if (source.demo === true) event.demo = true;
    if (flow !== undefined) {
      event.community_id = communityIdOf(flow, config.communityIdSeed);
    } else if (this.inPacket && packet.ipVersion !== 0) {
      event.community_id = this.packetCommunityId();
    }
    return event;
  }

  private flowFields(event: EveEvent, flow: Flow, direction: Direction): void {
    const back = direction === 1;
    if (flow.vlan0 !== 0) event.vlan = flow.vlan1 !== 0 ? [flow.vlan0, flow.vlan1] : [flow.vlan0];
    event.src_ip = back ? flow.serverIp : flow.clientIp;
    event.dest_ip = back ? flow.clientIp : flow.serverIp;
    const { protocol } = flow;
    if (protocol === PROTOCOL.Tcp || protocol === PROTOCOL.Udp || protocol === PROTOCOL.Sctp) {
      event.src_port = back ? flow.serverPort : flow.clientPort;
      event.dest_port = back ? flow.clientPort : flow.serverPort;
      event.proto = protocolName(protocol);
      if (flow.app !== 'unknown') event.app_proto = flow.app;
    } else {
      event.proto = protocolName(protocol);
      if (this.inPacket && (protocol === PROTOCOL.Icmp || protocol === PROTOCOL.Icmpv6)) {
        event.icmp_type = this.packet.icmpType;
        event.icmp_code = this.packet.icmpCode;
      }
    }
    event.ip_v = flow.ipVersion;
    if (flow.node !== '') event.host = flow.node;
    if (flow.iface !== '') event.in_iface = flow.iface;
  }

  private packetFields(event: EveEvent): void {
    if (!this.inPacket) return;
    const { packet, arena } = this;
    const { u8 } = arena;
    if (packet.vlanDepth > 0) event.vlan = [packet.vlan0, packet.vlan1, packet.vlan2].slice(0, packet.vlanDepth);
    if (packet.arp !== 0) {
      event.src_ip = addressText(u8, packet.srcOffset, 4);
      event.dest_ip = addressText(u8, packet.dstOffset, 4);
      event.proto = 'ARP';
      return;
    }
    if (packet.ipVersion === 0) return;
    event.src_ip = addressText(u8, packet.srcOffset, packet.ipVersion);
    event.dest_ip = addressText(u8, packet.dstOffset, packet.ipVersion);
    event.proto = protocolName(packet.protocol);
    event.ip_v = packet.ipVersion as 4 | 6;
    if (packet.transportOffset === 0) return;
    const { protocol } = packet;
    if (protocol === PROTOCOL.Tcp || protocol === PROTOCOL.Udp || protocol === PROTOCOL.Sctp) {
      event.src_port = packet.srcPort;
      event.dest_port = packet.dstPort;
    } else if (protocol === PROTOCOL.Icmp || protocol === PROTOCOL.Icmpv6) {
      event.icmp_type = packet.icmpType;
      event.icmp_code = packet.icmpCode;
    }
  }

  private packetCommunityId(): string {
    const { packet, arena } = this;
    const size = packet.ipVersion === 4 ? 4 : 16;
    const addresses = new Uint8Array(32);
    addresses.set(arena.u8.subarray(packet.srcOffset, packet.srcOffset + size));
    addresses.set(arena.u8.subarray(packet.dstOffset, packet.dstOffset + size), 16);
    const icmp = packet.protocol === PROTOCOL.Icmp || packet.protocol === PROTOCOL.Icmpv6;
    return communityId(
      addresses, 0, packet.ipVersion, packet.protocol, icmp ? packet.icmpType : packet.srcPort,
      icmp ? packet.icmpCode : packet.dstPort, this.config.communityIdSeed,
    );
  }

  /** The outermost IP header of the packet under way. */
  tunnel(): NonNullable<EveEvent['tunnel']> {
    const { packet, arena } = this;
    const tunnel: NonNullable<EveEvent['tunnel']> = {
      src_ip: packet.outerVersion === 0 ? '' : addressText(arena.u8, packet.outerSrcOffset, packet.outerVersion),
      dest_ip: packet.outerVersion === 0 ? '' : addressText(arena.u8, packet.outerDstOffset, packet.outerVersion),
      proto: protocolName(packet.outerProtocol),
      depth: packet.tunnelDepth,
    };
    if (packet.outerProtocol === PROTOCOL.Udp) {
      tunnel.src_port = packet.outerSrcPort;
      tunnel.dest_port = packet.outerDstPort;
    }
    return tunnel;
  }

  private mayReport(): boolean {
    this.anomalies++;
    if (!this.wants('anomaly')) return false;
    const second = Math.floor(this.nowUs / 1e6);
    if (second !== this.anomalySecond) {
      this.anomalySecond = second;
      this.anomalyBudget = this.config.anomaliesPerSecond;
    }
    if (this.anomalyBudget > 0) {
      this.anomalyBudget--;
      return true;
    }
    this.anomaliesUnsaid++;
    return false;
  }
}
