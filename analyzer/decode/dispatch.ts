import { A } from './anomalies.js';
import type { Packet } from './packet.js';

/**
 * Decodes the layer at `at`; may read up to `p.limit`. Notes what it finds in `p` and hands on to the next layer.
 * Never throws: what is too short or makes no sense is an anomaly, and the packet stays as far as it was understood.
 */
export type Layer = (u8: Uint8Array, p: Packet, at: number) => void;

/** Most layers of one packet, tunnels included (Suricata's `decoder.max-layers`); real nestings stay under ten. */
export const MAX_LAYERS = 16;
/** Most tunnels inside one another: beyond two or three nobody sends but who wants to hide. */
export const MAX_TUNNELS = 4;

const nothing: Layer = () => undefined;
const layers: Layer[] = [nothing];
const byType = new Uint8Array(65536);
const byProtocol = new Uint8Array(256);
const byUdpPort = new Uint8Array(65536);
const byLink = new Map<number, Layer>();

function numberOf(layer: Layer): number {
  const known = layers.indexOf(layer);
  return known >= 0 ? known : layers.push(layer) - 1;
}

export const bind = {
  etherType(type: number, layer: Layer): void { byType[type] = numberOf(layer); },
  ipProtocol(protocol: number, layer: Layer): void { byProtocol[protocol] = numberOf(layer); },
  /** Tunnels over UDP: tried when either port is bound; the layer itself decides whether the bytes are its own. */
  udpPort(port: number, layer: Layer): void { byUdpPort[port] = numberOf(layer); },
  linkType(linktype: number, layer: Layer): void { byLink.set(linktype, layer); },
};

function enter(number: number, u8: Uint8Array, p: Packet, at: number): void {
  if (++p.layers > MAX_LAYERS) p.flag(A.too_many_layers);
  else layers[number](u8, p, at);
}

/** @returns false when nothing is bound to the EtherType. */
export function toEtherType(u8: Uint8Array, p: Packet, at: number, type: number): boolean {
  const number = byType[type];
  if (number === 0) return false;
  p.etherType = type;
  enter(number, u8, p, at);
  return true;
}

/** @returns false when nothing is bound to the IP protocol. */
export function toIpProtocol(u8: Uint8Array, p: Packet, at: number, protocol: number): boolean {
  const number = byProtocol[protocol];
  if (number === 0) return false;
  enter(number, u8, p, at);
  return true;
}

/** @returns false when neither port carries a tunnel. */
export function toUdpPort(u8: Uint8Array, p: Packet): boolean {
  const number = byUdpPort[p.dstPort] || byUdpPort[p.srcPort];
  if (number === 0) return false;
  enter(number, u8, p, p.payloadOffset);
  return true;
}

/** Whether a UDP port is a tunnel's. */
export function opensTunnel(port: number): boolean {
  return byUdpPort[port] !== 0;
}

export function linkLayer(linktype: number): Layer | undefined {
  return byLink.get(linktype);
}

/**
 * Notes that a tunnel was entered: the outermost IP header is kept, what was known of the layer outside is dropped.
 * @returns false when tunnels are too deep.
 */
export function enterTunnel(p: Packet, kind: number): boolean {
  if (p.tunnelDepth >= MAX_TUNNELS) {
    p.flag(A.too_many_layers);
    return false;
  }
  if (p.tunnelDepth === 0) {
    p.outerVersion = p.ipVersion;
    p.outerProtocol = p.protocol;
    p.outerSrcOffset = p.srcOffset;
    p.outerDstOffset = p.dstOffset;
    p.outerSrcPort = p.srcPort;
    p.outerDstPort = p.dstPort;
  }
  p.tunnelDepth++;
  p.tunnelKind = kind;
  p.ipVersion = 0;
  p.protocol = 0;
  p.srcPort = 0;
  p.dstPort = 0;
  p.transportOffset = 0;
  p.payloadLength = 0;
  p.payloadMissing = 0;
  p.tcpFlags = 0;
  return true;
}

/** Whether the bytes at `at` look like an Ethernet frame that carries something we decode. */
export function looksLikeEthernet(u8: Uint8Array, p: Packet, at: number): boolean {
  return at + 14 <= p.limit && byType[(u8[at + 12] << 8) | u8[at + 13]] !== 0;
}
