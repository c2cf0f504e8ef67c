import type { Flow } from '../../flow/flow.js';
import type { MatchContext } from '../matcher.js';
import type { SuricataTag } from './program.js';

/** Flows and hosts under watch; beyond it the one tagged longest ago is let go. */
const MAX_TAGGED = 16_384;

interface Tagged { readonly tag: SuricataTag; readonly gid: number; readonly sid: number; sinceUs: number; packets: number; bytes: number; readonly from: number }

/** The packets that follow a match, logged as EVE events of type `packet`. One a worker. */
export class Tags {
  private readonly tagged = new Map<string, Tagged>();
  /** Packets logged, tags set, and those that the bound has ended. */
  readonly counters = { packets: 0, set: 0, evicted: 0 };

  get any(): boolean {
    return this.tagged.size > 0;
  }

  /** A rule has matched on the packet under way: what follows is logged, under the newest rule. */
  add(context: MatchContext, tag: SuricataTag, rule: { gid: number; sid: number }, key: string): void {
    this.counters.set++;
    this.tagged.delete(key);
    if (this.tagged.size >= MAX_TAGGED) {
      this.tagged.delete(this.tagged.keys().next().value!);
      this.counters.evicted++;
    }
    this.tagged.set(key, { tag, gid: rule.gid, sid: rule.sid, sinceUs: context.nowUs, packets: 1, bytes: context.packet.wireLength, from: context.packet.number });
  }

  /** Logs the packet under way where its flow or one of its ends is tagged. */
  packet(context: MatchContext, flow: Flow | undefined): void {
    const { packet, arena } = context;
    const keys = flow ? [sessionKey(flow)] : [];
    if (packet.ipVersion !== 0) {
      const n = packet.ipVersion === 6 ? 16 : 4;
      const at = (offset: number) => addressKey(Buffer.from(arena.u8.buffer, arena.u8.byteOffset + offset, n).toString('hex'));
      keys.push(at(packet.srcOffset), at(packet.dstOffset));
    }
    for (const key of keys) {
      const t = this.tagged.get(key);
      if (!t || packet.number === t.from) continue;
      t.packets++;
      t.bytes += packet.wireLength;
      const { metric, count } = t.tag;
      const over = metric === 'packets' ? t.packets > count : metric === 'bytes' ? t.bytes > count : context.nowUs - t.sinceUs > count * 1e6;
      if (over) {
        this.tagged.delete(key);
        continue;
      }
      this.log(context, flow, t);
      return;
    }
  }

  private log(context: MatchContext, flow: Flow | undefined, { gid, sid }: Tagged): void {
    if (!context.wants('packet')) return;
    this.counters.packets++;
    const { packet, arena } = context;
    const event = context.header('packet', flow, context.direction);
    event.packet = Buffer.from(arena.u8.subarray(packet.start, packet.end)).toString('base64');
    event.packet_info = { linktype: packet.linktype };
    event.tag = { gid, signature_id: sid };
    context.emit(event);
  }

  flowEnd(flow: Flow): void {
    this.tagged.delete(sessionKey(flow));
  }
}

export const sessionKey = (flow: Flow): string => `f${flow.id}`;
export const addressKey = (digits: string): string => `h${digits}`;
