import { Arena } from '../../analyzer/arena.js';
import type { Direction } from '../../analyzer/flow/flow.js';
import { type Matcher, Wants } from '../../analyzer/match/matcher.js';
import { PacketStage } from '../../analyzer/pipeline.js';
import { CaptureParser } from '../../collector/capture-parser.js';

/** What two hosts said to each other, in turn. */
export type Talk = [direction: Direction, bytes: Uint8Array][];

/** Of one conversation, more says nothing new. */
const MAX_TALK = 24 * 1024;

/** Talks as one run of bytes: direction, length (16 bits), bytes. */
export function packTalk(talk: Talk): Uint8Array {
  return Buffer.concat(talk.flatMap(([d, b]) => [Buffer.from([d, b.length >> 8, b.length & 255]), b.subarray(0, 65535)]));
}

/** The reverse for any bytes: lengths are cut to what is there. */
export function unpackTalk(u8: Uint8Array): Talk {
  const talk: Talk = [];
  for (let at = 0; at + 3 <= u8.length && talk.length < 512;) {
    const length = Math.min((u8[at + 1]! << 8) | u8[at + 2]!, u8.length - at - 3);
    talk.push([(u8[at]! & 1) as Direction, u8.subarray(at + 3, at + 3 + length)]);
    at += 3 + length;
  }
  return talk;
}

/** Collects conversations from captures by protocol, as seeds for mutation. */
export class TalkReader {
  /** By `transport/protocol`. */
  readonly found = new Map<string, Uint8Array[]>();
  private readonly arena = new Arena(96 << 20);
  private readonly input = this.arena.reserve(4 << 20);
  private readonly open = new Map<object, { talk: Talk; size: number }>();
  private readonly stage: PacketStage;

  constructor(private readonly perProtocol = 60) {
    const note = (flow: object, d: Direction, at: number, length: number): void => {
      let entry = this.open.get(flow);
      if (!entry) this.open.set(flow, (entry = { talk: [], size: 0 }));
      if (entry.size > MAX_TALK || length === 0) return;
      entry.size += length;
      entry.talk.push([d, this.arena.u8.slice(at, at + Math.min(length, 16_000))]);
    };
    const matcher: Matcher = {
      wants: Wants.Stream | Wants.Udp,
      packet: (c, flow, d) => { if (flow ?? c.flowOf()) note((flow ?? c.flowOf())!, d, c.packet.payloadOffset, c.packet.payloadLength); },
      stream: (_c, flow, d, at, length) => note(flow, d, at, length),
      reads: () => false, idleEpoch: 0, idle: () => true, pursued: () => false, inspect() {}, appEvent() {}, packetEvent() {}, appDecided() {},
      flowEnd: (_c, flow) => {
        const entry = this.open.get(flow);
        this.open.delete(flow);
        if (!entry || flow.app === 'unknown' || flow.app === 'failed') return;
        const key = `${flow.protocol === 6 ? 'tcp' : 'udp'}/${flow.app}`;
        const list = this.found.get(key) ?? [];
        if (list.length < this.perProtocol) list.push(packTalk(entry.talk));
        this.found.set(key, list);
      },
    };
    this.stage = new PacketStage({ arena: this.arena, config: { flows: 4096, flowEvents: 'none' }, matcher, outputs: { wants: () => false, event() {}, alert() {}, connections() {} } });
    this.stage.source({ node: 'corpus', unit: '', iface: '' });
  }

  /** Takes in a whole capture; what is none is passed over. */
  capture(bytes: Uint8Array): void {
    try {
      const parser = new CaptureParser({ u8: this.arena.u8, at: this.input, bytes: 4 << 20 }, {
        packet: (offset, captured, wire, timeUs, nanos, linktype) => this.stage.packet(offset, captured, wire, timeUs, nanos, linktype),
      });
      void parser.push(bytes);
    } catch { /* not a capture that we read: no seeds in it */ }
    this.stage.flush();
  }
}
