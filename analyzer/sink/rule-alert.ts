import type { Alert } from '../../contracts/alert.js';
import type { EveEvent } from '../../contracts/event.js';
import type { Direction } from '../flow/flow.js';
import type { RuleHit } from '../match/hit.js';
import type { MatchContext } from '../match/matcher.js';
import { eveTimestamp, toAlert, type FindingRule } from './finding.js';
import { PROTOCOL, TUNNELS } from '../decode/packet.js';
import type { RuleInfo } from '../match/signature.js';

/** Payload shown of the packet that fired. */
const PAYLOAD_PRINTABLE = 4096;

/** What an alert says of its rule; built once a rule. */
export function findingRule(info: RuleInfo): FindingRule {
  return {
    id: info.id, sid: info.sid, gid: info.gid, rev: info.revision, message: info.message, title: info.title,
    class: info.class, techniques: info.techniques, references: info.references, action: info.action,
    ...(info.category && { category: info.category }), ...(info.phase && { phase: info.phase }),
    ...(info.gb2007 && { gb2007: info.gb2007 }), ...(info.gb2023 && { gb2023: info.gb2023 }),
    ...(info.metadata && { metadata: info.metadata }), ...(info.text && !info.suricata && { text: info.text }),
  };
}

const rules = new WeakMap<RuleInfo, FindingRule>();

/** The alert of a rule's hit, before aggregation. To be called while the hit is valid. */
export function alertOfHit(hit: RuleHit, context: MatchContext): Alert {
  const { info } = hit.signature;
  let rule = rules.get(info);
  if (!rule) rules.set(info, (rule = findingRule(info)));
  const header = context.header('alert', hit.flow, hit.direction);
  if (hit.tx) header.tx_id = hit.tx.id;
  const detail: Record<string, unknown> = {};
  if (hit.tx) {
    const own = hit.tx.detail();
    // EVE shows a mail beside the protocol that carried it.
    if (own['email'] === undefined) detail[hit.tx.protocol] = own;
    else {
      const { email, ...rest } = own;
      detail[hit.tx.protocol] = rest;
      detail['email'] = email;
    }
  }
  const printable = payloadPrintable(context);
  if (printable !== '') detail.payload_printable = printable;
  const [client, server] = sides(hit, header as { src_ip?: string; dest_ip?: string; src_port?: number; dest_port?: number });
  const { source } = context;
  if (hit.suricata) suricataDetail(hit, context, header, detail);
  const alert = toAlert({
    rule, header, detail,
    attacker: hit.attacker === 'client' ? client : server,
    victim: hit.attacker === 'client' ? server : client,
    verdict: hit.verdict, severity: hit.severity, because: hit.because,
    firstUs: hit.timeUs, lastUs: hit.timeUs, matched: hit.matched(), occurrence: hit.key,
    ...(source.node && { node: source.node }), ...(source.unit && { unit: source.unit }), ...(source.demo && { demo: true }),
  });
  // Suricata's severity is the rule's priority, and it says nothing of classes that it doesn't know.
  if (hit.signature.program) alert.alert.severity = hit.signature.program.priority;
  if (hit.suricata && hit.signature.info.references.length > 0) (alert.alert as unknown as Record<string, unknown>)['references'] = hit.signature.info.references.map(link);
  if (hit.suricata?.about) (alert.alert as unknown as Record<string, unknown>)['context'] = hit.suricata.about;
  return alert;
}

/** A reference as an address: those of CVE numbers are well known. */
const link = (reference: string): string => (reference.startsWith('CVE-') ? `https://cve.mitre.org/cgi-bin/cvename.cgi?name=${reference.slice(4)}` : reference);

/** Length of the headers in front of the outermost network layer, for link types whose headers have one. */
function linkHeader(linktype: number, vlans: number): number {
  return linktype === 1 ? 14 + 4 * vlans : linktype === 101 || linktype === 228 || linktype === 229 ? 0 : -1;
}

const mac = (u8: Uint8Array, at: number): string => Array.from(u8.subarray(at, at + 6), (b) => b.toString(16).padStart(2, '0')).join(':');

/** The packet under way; of a datagram put together from fragments, all of it behind the last one's link header. */
function packetBytes({ packet, arena }: MatchContext): Buffer {
  const { u8 } = arena;
  const whole = packet.ipVersion === 0 || (packet.ipOffset >= packet.start && packet.ipOffset < packet.end);
  const header = linkHeader(packet.linktype, packet.vlanDepth);
  if (whole || header < 0 || packet.tunnelDepth > 0) return Buffer.from(u8.subarray(packet.start, packet.end));
  return Buffer.concat([u8.subarray(packet.start, packet.start + header), u8.subarray(packet.ipOffset, packet.ipEnd)]);
}

/** Bytes of payload that EVE shows. */
const PAYLOAD_BYTES = 4096;

/** What Suricata's EVE says of an alert beside ours: the packet, the payload, the direction, the flow. */
function suricataDetail(hit: RuleHit, context: MatchContext, header: EveEvent, detail: Record<string, unknown>): void {
  const { packet, arena } = context;
  const { flow } = hit;
  const { pseudo, stream, streamBytes } = hit.suricata as NonNullable<RuleHit['suricata']>;
  if (pseudo) delete header.pcap_cnt;
  else if (flow && !hit.tx && flow.protocol !== packet.protocol && (packet.protocol === PROTOCOL.Icmp || packet.protocol === PROTOCOL.Icmpv6)) errorOf(context, header);
  const bytes = streamBytes ?? (pseudo ? new Uint8Array(0) : arena.u8.subarray(packet.payloadOffset, packet.payloadOffset + packet.payloadLength));
  const shown = bytes.subarray(0, PAYLOAD_BYTES);
  delete detail['payload_printable'];
  if (shown.length > 0) {
    detail['payload'] = Buffer.from(shown).toString('base64');
    detail['payload_printable'] = printable(shown);
  }
  if (packet.protocol === 6) detail['stream'] = stream ? 1 : 0;
  if (!pseudo) {
    detail['packet'] = packetBytes(context).toString('base64');
    if (packet.vlanDepth > 2) header.vlan = [packet.vlan0, packet.vlan1, packet.vlan2];
    if (packet.linktype === 1) detail['ether'] = { src_mac: mac(arena.u8, packet.start + 6), dest_mac: mac(arena.u8, packet.start) };
    detail['packet_info'] = { linktype: packet.linktype };
  }
  detail['pkt_src'] = pseudo ? 'stream (flow timeout)' : packet.tunnelDepth > 0 ? `${TUNNELS[packet.tunnelKind] ?? 'tunnel'} encapsulation` : 'wire/pcap';
  if (flow) {
    detail['direction'] = hit.direction === 0 ? 'to_server' : 'to_client';
    const totals = context.flowTotals?.(flow);
    detail['flow'] = {
      ...(totals && { pkts_toserver: totals[0], pkts_toclient: totals[1], bytes_toserver: totals[2], bytes_toclient: totals[3] }),
      start: eveTimestamp(flow.startUs), src_ip: flow.clientIp, dest_ip: flow.serverIp,
      ...((flow.protocol === 6 || flow.protocol === 17) && { src_port: flow.clientPort, dest_port: flow.serverPort }),
    };
  }
}

/** An ICMP error is told as the packet that it is, under the flow that it quotes. */
function errorOf(context: MatchContext, header: EveEvent): void {
  const { src_ip, dest_ip, proto, icmp_type, icmp_code } = context.header('alert', undefined, 0);
  Object.assign(header, { src_ip, dest_ip, proto, icmp_type, icmp_code });
  delete header.src_port;
  delete header.dest_port;
}

function printable(bytes: Uint8Array): string {
  let out = '';
  for (const c of bytes) out += (c >= 0x20 && c < 0x7f) || c === 0x0a || c === 0x0d || c === 0x09 ? String.fromCharCode(c) : '.';
  return out;
}

function sides(hit: RuleHit, header: { src_ip?: string; dest_ip?: string; src_port?: number; dest_port?: number }) {
  const source = { ip: header.src_ip ?? '', port: header.src_port };
  const destination = { ip: header.dest_ip ?? '', port: header.dest_port };
  const fromServer: Direction = 1;
  // Without a flow the packet's source is the client, whatever way it went.
  return hit.flow && hit.direction === fromServer ? [destination, source] : [source, destination];
}

/** Printable ASCII and line ends as they are, every other byte as a dot: EVE's `payload_printable`. */
function payloadPrintable({ packet, arena }: MatchContext): string {
  const length = Math.min(packet.payloadLength, PAYLOAD_PRINTABLE);
  let out = '';
  for (let i = 0; i < length; i++) {
    const c = arena.u8[packet.payloadOffset + i];
    out += (c >= 0x20 && c < 0x7f) || c === 0x0a || c === 0x0d || c === 0x09 ? String.fromCharCode(c) : '.';
  }
  return out;
}
