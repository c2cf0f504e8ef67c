import type { MatchContext } from '../matcher.js';
import type { Scene, SuricataThreshold } from './program.js';

/** Bits of addresses, and counts of thresholds; beyond it the one set longest ago goes. */
const MAX_ENTRIES = 65_536;

interface Count { sinceUs: number; count: number; next: number; seen: Set<string> | undefined }

/** What rules keep beyond one flow, in packet time. One a worker. */
export class SharedState {
  private readonly bits = new Map<string, number>();
  private readonly counts = new Map<string, Count>();
  evicted = 0;

  isSet(key: string, nowUs: number): boolean {
    const until = this.bits.get(key);
    return until !== undefined && nowUs < until;
  }

  set(key: string, nowUs: number, seconds: number): void {
    this.bits.delete(key);
    this.room(this.bits);
    this.bits.set(key, nowUs + seconds * 1e6);
  }

  unset(key: string): void {
    this.bits.delete(key);
  }

  /** @returns whether this match of a rule alerts */
  pass(t: SuricataThreshold, key: string, nowUs: number, distinct?: string): boolean {
    const windowUs = t.seconds * 1e6;
    let c = this.counts.get(key);
    if (!c) {
      this.room(this.counts);
      c = { sinceUs: nowUs, count: 0, next: t.count, seen: undefined };
      this.counts.set(key, c);
    }
    if (t.kind === 'backoff') {
      c.count++;
      if (c.count !== c.next) return false;
      c.next *= t.multiplier;
      return true;
    }
    const within = nowUs - c.sinceUs <= windowUs;
    if (t.kind === 'threshold' && !within) {
      c.sinceUs = nowUs;
      c.count = 0;
      c.seen = undefined;
    } else if (!within) {
      c.sinceUs = nowUs;
      c.count = 0;
      c.seen = undefined;
    }
    if (distinct !== undefined) {
      c.seen ??= new Set();
      if (c.seen.size < MAX_ENTRIES) c.seen.add(distinct);
      c.count = c.seen.size;
    } else c.count++;
    switch (t.kind) {
      case 'limit': return c.count <= t.count;
      case 'both': return c.count === t.count;
      case 'detection_filter': return c.count > t.count;
      default:
        if (c.count < t.count) return false;
        c.count = 0;
        c.sinceUs = nowUs;
        return true;
    }
  }

  private room<T>(map: Map<string, T>): void {
    if (map.size < MAX_ENTRIES) return;
    const oldest = map.keys().next();
    if (!oldest.done) map.delete(oldest.value);
    this.evicted++;
  }
}

/** Where a flow has the server's address, of either version. */
export const SERVER = 16;

const states = new WeakMap<object, SharedState>();

/** The state of the worker whose context this is. */
export function sharedState(context: MatchContext): SharedState {
  let state = states.get(context);
  if (!state) states.set(context, (state = new SharedState()));
  return state;
}

/** Addresses of the packet's source, destination or both (the lower first). */
export function hostKey(s: Scene, track: 'src' | 'dst' | 'pair'): string {
  const { u8, packet } = s;
  const hex = (bytes: Uint8Array, at: number, n: number) => Buffer.from(bytes.buffer, bytes.byteOffset + at, n).toString('hex');
  let source: string;
  let destination: string;
  if (s.flow) {
    const n = s.flow.ipVersion === 6 ? 16 : 4;
    source = hex(s.flow.addresses, s.direction === 0 ? 0 : SERVER, n);
    destination = hex(s.flow.addresses, s.direction === 0 ? SERVER : 0, n);
  } else {
    const n = packet.ipVersion === 6 ? 16 : 4;
    source = packet.ipVersion === 0 ? '' : hex(u8, packet.srcOffset, n);
    destination = packet.ipVersion === 0 ? '' : hex(u8, packet.dstOffset, n);
  }
  if (track === 'src') return source;
  if (track === 'dst') return destination;
  return source < destination ? `${source}${destination}` : `${destination}${source}`;
}
