import { ACK, type Frame, PSH, RST, SYN } from './frame.js';

/** A source of numbers in [0, n), handed in so that a variant can be made again. */
export type Pick = (n: number) => number;
export type Rewrite = (frames: readonly Frame[], pick: Pick) => Frame[];

/** Bytes that would hide an attack if they were believed. */
const harmless = (length: number): Uint8Array => new Uint8Array(length).fill(0x41);
const hasData = (f: Frame): boolean => f.protocol === 6 && f.payload.length > 0 && (f.flags & (SYN | RST)) === 0;
const part = (f: Frame, from: number, to: number): Frame => ({
  ...f, seq: (f.seq + from) >>> 0, payload: f.payload.subarray(from, to), flags: to === f.payload.length ? f.flags : f.flags & ~1,
});

/** Cuts each segment into pieces of the sizes that `size` gives. */
export function cut(frames: readonly Frame[], size: () => number): Frame[] {
  return frames.flatMap((f) => {
    if (!hasData(f)) return [f];
    const out: Frame[] = [];
    for (let at = 0; at < f.payload.length; ) {
      const to = Math.min(f.payload.length, at + size());
      out.push(part(f, at, to));
      at = to;
    }
    return out;
  });
}

/** Runs of data segments of one sender, each rewritten as a whole. */
function bursts(frames: readonly Frame[], rewrite: (burst: Frame[]) => Frame[]): Frame[] {
  const out: Frame[] = [];
  let burst: Frame[] = [];
  const close = (): void => {
    if (burst.length > 0) out.push(...rewrite(burst));
    burst = [];
  };
  for (const f of frames) {
    if (!hasData(f) || (burst.length > 0 && (f.sport !== burst[0]!.sport || f.dport !== burst[0]!.dport))) close();
    if (hasData(f) && (f.flags & 1) === 0) burst.push(f);
    else {
      close();
      out.push(f);
    }
  }
  close();
  return out;
}

function shuffled<T>(list: readonly T[], pick: Pick): T[] {
  const out = [...list];
  for (let i = out.length - 1; i > 0; i--) {
    const j = pick(i + 1);
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}

/** Whose bytes the receiver keeps when two segments that both wait cover the same bytes. */
export type Keeps = 'first' | 'last';

/** Each data segment waits behind a hole beside a false twin; which comes first decides, by the receiver's policy. */
function twins(keeps: Keeps): Rewrite {
  return (frames) => bursts(cut(frames, () => 160), (burst) => burst.flatMap((f) => {
    if (f.payload.length < 3) return [f];
    const rest = part(f, 1, f.payload.length);
    const lie = { ...rest, payload: harmless(rest.payload.length) };
    return [...(keeps === 'first' ? [rest, lie] : [lie, rest]), part(f, 0, 1)];
  }));
}

/** What a lie that starts behind (or before) the waiting truth does: Linux and Windows keep what came first then. */
const lateOverlap: Rewrite = (frames) => bursts(cut(frames, () => 160), (burst) => burst.flatMap((f) => {
  if (f.payload.length < 8) return [f];
  const rest = part(f, 1, f.payload.length);
  const lie = part(f, 3, f.payload.length);
  return [rest, { ...lie, payload: harmless(lie.payload.length) }, part(f, 0, 1)];
}));

/** The truth starts before the waiting lie: Linux and Windows take the later bytes. */
const earlyOverlap: Rewrite = (frames) => bursts(cut(frames, () => 160), (burst) => burst.flatMap((f) => {
  if (f.payload.length < 8) return [f];
  const lie = part(f, 3, f.payload.length);
  return [{ ...lie, payload: harmless(lie.payload.length) }, part(f, 1, f.payload.length), part(f, 0, 1)];
}));

/** A lie of `change`d headers before each data segment. */
const before = (change: (f: Frame) => Partial<Frame>): Rewrite => (frames) => cut(frames, () => 160)
  .flatMap((f) => (hasData(f) ? [{ ...f, payload: harmless(f.payload.length), ...change(f) }, f] : [f]));

const synWithData: Rewrite = (frames) => {
  const first = frames.findIndex(hasData);
  const syn = frames.findIndex((f) => f.flags === SYN);
  if (first < 0 || syn < 0 || frames[first]!.sport !== frames[syn]!.sport) return [...frames];
  return frames.map((f, i) => (i === syn ? { ...f, payload: frames[first]!.payload } : i === first ? { ...f, payload: new Uint8Array() } : f));
};

/** Rewritings of a TCP conversation that leave what the receiver's application reads as it was. */
export const SEGMENT_VARIANTS: Record<string, Rewrite> = {
  '1-byte segments': (frames) => cut(frames, () => 1),
  'segments of random size': (frames, pick) => cut(frames, () => 1 + pick(90)),
  'segments in disorder': (frames, pick) => bursts(cut(frames, () => 1 + pick(200)), (b) => shuffled(b, pick)),
  'segments backwards': (frames) => bursts(cut(frames, () => 97), (b) => b.reverse()),
  'every segment twice': (frames) => cut(frames, () => 300).flatMap((f) => [f, f]),
  'overlapping segments, same bytes': (frames) => bursts(cut(frames, () => 50), (b) => b.flatMap((f, i) => {
    const last = b[i - 1];
    return last && last.seq + last.payload.length === f.seq ? [{ ...f, seq: last.seq, payload: Buffer.concat([last.payload, f.payload]) }] : [f];
  })),
  'overlap, equal bounds, first true': twins('first'),
  'overlap, lie starts later': lateOverlap,
  'overlap, truth starts earlier': earlyOverlap,
  'other bytes sent again': (frames) => cut(frames, () => 160).flatMap((f) => (hasData(f) ? [f, { ...f, payload: harmless(f.payload.length) }] : [f])),
  'lies beyond the window': before((f) => ({ seq: (f.seq + 0x20000000) >>> 0 })),
  'lies of the past': before((f) => ({ seq: (f.seq - 100_000) >>> 0 })),
  'lies that die on the way': before((f) => ({ ttl: f.ttl - 12 })),
  'lies without ACK': before((f) => ({ flags: f.flags & ~ACK })),
  'lies that acknowledge what was never sent': before((f) => ({ ack: (f.ack + 70_000) >>> 0 })),
  'lies with a signature': before(() => ({ options: Uint8Array.from([19, 18, ...Array.from({ length: 16 }, () => 7), 1, 1]) })),
  'FINs without ACK': (frames) => cut(frames, () => 200).flatMap((f) => (hasData(f) ? [{ ...f, flags: 1, payload: new Uint8Array() }, f] : [f])),
  'RSTs with wrong numbers': (frames) => cut(frames, () => 200).flatMap((f) => (hasData(f) ? [{ ...f, flags: RST, seq: (f.seq + 9000) >>> 0, payload: new Uint8Array() }, f] : [f])),
  'RSTs that die on the way': (frames) => cut(frames, () => 200).flatMap((f) => (hasData(f) ? [{ ...f, flags: RST | ACK, ttl: f.ttl - 12, payload: new Uint8Array() }, f] : [f])),
  'FINs that die on the way': (frames) => cut(frames, () => 200).flatMap((f) => (hasData(f) ? [{ ...f, flags: 1 | ACK, ttl: f.ttl - 12, payload: new Uint8Array() }, f] : [f])),
  'data on the SYN': synWithData,
  'data on the SYN, sent again': (frames) => {
    const tfo = synWithData(frames, () => 0);
    return tfo.flatMap((f, i) => (f.payload.length === 0 && frames[i]!.payload.length > 0 ? [frames[i]!] : [f]));
  },
  'no handshake': (frames) => frames.filter((f) => (f.flags & SYN) === 0),
  'SYN-ACK lost': (frames) => frames.filter((f) => (f.flags & (SYN | ACK)) !== (SYN | ACK)),
  'no bare acknowledgements': (frames) => frames.filter((f) => f.protocol !== 6 || f.payload.length > 0 || (f.flags & ~(ACK | PSH)) !== 0),
  'keep-alives between': (frames) => frames.flatMap((f) => (hasData(f) ? [{ ...f, seq: (f.seq - 1) >>> 0, payload: new Uint8Array() }, f] : [f])),
  'keep-alives of one byte': (frames) => {
    const begun = new Set<number>();
    return frames.flatMap((f) => {
      if (!hasData(f)) return [f];
      const again = begun.has(f.sport);
      begun.add(f.sport);
      return again ? [{ ...f, seq: (f.seq - 1) >>> 0, payload: harmless(1) }, f] : [f];
    });
  },
  'no end': (frames) => frames.filter((f) => (f.flags & (1 | RST)) === 0),
  'an RST in place of the end': (frames) => frames.map((f) => ((f.flags & 1) !== 0 ? { ...f, flags: (f.flags & ~1) | RST } : f)),
  'ports of a connection before': (frames) => {
    const first = frames.find((f) => f.flags === SYN);
    return first ? [{ ...first, seq: (first.seq - 999_999) >>> 0, timeUs: first.timeUs - 10 }, ...frames] : [...frames];
  },
  'odd ports': (frames) => {
    const server = frames[0]!.dport;
    return frames.map((f) => ({ ...f, sport: f.sport === server ? 31337 : f.sport, dport: f.dport === server ? 31337 : f.dport }));
  },
};

/** These need a receiver that looks at checksums. */
export const CHECKSUM_VARIANTS: Record<string, Rewrite> = {
  'lies with wrong checksums': before(() => ({ badSum: true })),
};

/** These hold for receivers of the named policies only. */
export const POLICY_VARIANTS: Record<string, { policies: readonly ('first' | 'last' | 'linux' | 'windows' | 'bsd' | 'old-linux' | 'solaris')[]; rewrite: Rewrite }> = {
  'equal bounds, first': { policies: ['first', 'linux', 'windows', 'bsd'], rewrite: twins('first') },
  'equal bounds, last': { policies: ['last', 'old-linux', 'solaris'], rewrite: twins('last') },
};
