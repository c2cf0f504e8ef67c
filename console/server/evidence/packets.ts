import type { PacketDetail, PacketPage, PacketSummary, StreamView } from '../../model/evidence.js';
import { iso } from '../store/cursor.js';
import { readCapture, type Capture, type Captured } from './capture.js';
import { dissect, printable, type Dissected } from './dissect.js';

interface Conversation { stream: number; protocol: string; client: string; server: string; packets: number; bytes: number; first: number; last: number; numbers: number[] }
export interface Opened { file: Buffer; capture: Capture; conversations: Conversation[]; ofPacket: (number | undefined)[] }

const CONVERSATIONS_MAX = 2_000;
/** Bytes of one stream that are shown; the capture itself can be downloaded. */
const STREAM_MAX = 512 * 1024;
const PIECES_MAX = 5_000;

const bytesOf = (file: Buffer, p: Captured): Buffer => file.subarray(p.offset, p.offset + p.bytes);
const end = (address: string, port: number): string => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);

/** @returns undefined where the file is no capture */
export function openCapture(file: Buffer): Opened | undefined {
  const capture = readCapture(file);
  if (!capture) return undefined;
  const conversations: Conversation[] = [];
  const byKey = new Map<string, Conversation>();
  const ofPacket = capture.packets.map((p, i) => {
    const d = dissect(bytesOf(file, p), capture.link);
    if (!d.ports) return undefined;
    const [a, b] = [end(d.source, d.ports[0]), end(d.destination, d.ports[1])];
    const kind = d.tcp ? 'TCP' : 'UDP';
    const key = `${kind} ${a < b ? `${a} ${b}` : `${b} ${a}`}`;
    let c = byKey.get(key);
    // A bare SYN after the start begins the same ports anew.
    if (!c || (d.tcp && (d.tcp.flags & 0x12) === 0x02 && c.client === a && c.packets > 2)) {
      if (conversations.length >= CONVERSATIONS_MAX) return undefined;
      // Who answers a SYN is the server, though its packet comes first.
      const answered = d.tcp && (d.tcp.flags & 0x12) === 0x12;
      c = { stream: conversations.length, protocol: kind, client: answered ? b : a, server: answered ? a : b, packets: 0, bytes: 0, first: p.at, last: p.at, numbers: [] };
      conversations.push(c);
      byKey.set(key, c);
    }
    c.packets++;
    c.bytes += p.wire;
    c.last = p.at;
    c.numbers.push(i);
    if (d.protocol !== 'TCP' && d.protocol !== 'UDP') c.protocol = d.protocol;
    return c.stream;
  });
  return { file, capture, conversations, ofPacket };
}

function summary(o: Opened, i: number, d: Dissected): PacketSummary {
  const p = o.capture.packets[i];
  const stream = o.ofPacket[i];
  return {
    number: i + 1, at: iso(p.at), since: Math.round((p.at - o.capture.packets[0].at) * 1000) / 1e6, source: d.source, destination: d.destination, protocol: d.protocol, bytes: p.wire,
    info: d.info, ...(stream === undefined ? {} : { stream }),
  };
}

export function packetPage(o: Opened, from: number, limit: number, stream?: number): PacketPage {
  const numbers = stream === undefined ? o.capture.packets.map((_, i) => i) : o.conversations[stream]?.numbers ?? [];
  return {
    packets: numbers.slice(from - 1, from - 1 + limit).map((i) => summary(o, i, dissect(bytesOf(o.file, o.capture.packets[i]), o.capture.link))), total: numbers.length, cut: o.capture.cut,
    conversations: o.conversations.map((c) => ({ stream: c.stream, protocol: c.protocol, client: c.client, server: c.server, packets: c.packets, bytes: c.bytes, firstAt: iso(c.first), lastAt: iso(c.last) })),
  };
}

export function packetDetail(o: Opened, number: number): PacketDetail | undefined {
  const p = o.capture.packets[number - 1];
  if (!p) return undefined;
  const bytes = bytesOf(o.file, p);
  const d = dissect(bytes, o.capture.link);
  return { ...summary(o, number - 1, d), layers: d.layers, data: bytes.toString('base64'), wireBytes: p.wire };
}

/** What both sides said, in the order of its first packet; bytes that came again are shown once, holes are counted. */
export function streamView(o: Opened, stream: number): StreamView | undefined {
  const c = o.conversations[stream];
  if (!c) return undefined;
  const view: StreamView = { stream, protocol: c.protocol, client: c.client, server: c.server, pieces: [], clientBytes: 0, serverBytes: 0, cut: o.capture.cut };
  const next: Record<'client' | 'server', number | undefined> = { client: undefined, server: undefined };
  const pieces: { from: 'client' | 'server'; at: number; gap: number; parts: Buffer[] }[] = [];
  let shown = 0;
  for (const i of c.numbers) {
    const p = o.capture.packets[i];
    const bytes = bytesOf(o.file, p);
    const d = dissect(bytes, o.capture.link);
    if (!d.ports || !d.payload) continue;
    const from = end(d.source, d.ports[0]) === c.client ? 'client' as const : 'server' as const;
    let data = bytes.subarray(d.payload[0], d.payload[1]);
    let gap = 0;
    if (d.tcp) {
      const first = (d.tcp.seq + (d.tcp.flags & 2 ? 1 : 0)) >>> 0;
      const expected = next[from];
      if (expected !== undefined) {
        // Sequence numbers compare within half their range (RFC 9293, section 3.4).
        const ahead = (first - expected) | 0;
        if (ahead < 0) data = data.subarray(Math.min(data.length, -ahead));
        else gap = ahead;
      }
      const after = (first + d.payload[1] - d.payload[0]) >>> 0;
      if (expected === undefined || ((after - expected) | 0) > 0) next[from] = after;
    }
    if (data.length === 0) continue;
    view[`${from}Bytes`] += data.length;
    if (pieces.length >= PIECES_MAX || shown >= STREAM_MAX) { view.cut = true; continue; }
    data = data.subarray(0, STREAM_MAX - shown);
    shown += data.length;
    const last = pieces[pieces.length - 1];
    if (last && last.from === from && gap === 0 && d.tcp) last.parts.push(data);
    else pieces.push({ from, at: p.at, gap, parts: [data] });
  }
  for (const { from, at, gap, parts } of pieces) {
    const data = Buffer.concat(parts);
    view.pieces.push({ from, at: iso(at), bytes: data.length, data: data.toString('base64'), printable: printable(data), gap });
  }
  return view;
}
