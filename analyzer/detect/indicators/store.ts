/** Kinds of indicators. */
export const INDICATOR_KINDS = ['address', 'domain', 'url', 'ja3', 'ja4', 'certificate', 'file'] as const;
export type IndicatorKind = (typeof INDICATOR_KINDS)[number];

/** One entry of a list. */
export interface Indicator {
  kind: IndicatorKind;
  /** Address or range (`198.51.100.0/24`), domain, URL, or a digest in hex. */
  value: string;
  source: string;
  /** 0…100. */
  confidence: number;
  /** ms since the epoch; 0: never. */
  expires: number;
  /** What the list says of it. */
  label: string;
}

export type FileDigest = 'md5' | 'sha1' | 'sha256' | 'sm3';
/** By the length of their hex. */
const DIGESTS_BY_LENGTH: Readonly<Record<number, readonly FileDigest[]>> = { 32: ['md5'], 40: ['sha1'], 64: ['sha256', 'sm3'] };

/** What a match gives. */
export interface IndicatorMatch { kind: IndicatorKind; source: string; confidence: number; label: string }

/** A store as threads hand it on. */
export interface IndicatorTables {
  keys: Float64Array<ArrayBuffer>; meta: Uint32Array<ArrayBuffer>; expiry: Float64Array<ArrayBuffer>;
  entrySource: Uint16Array<ArrayBuffer>; entryLabel: Uint16Array<ArrayBuffer>;
  texts: string[]; ranges: { from: number; to: number; entry: number }[]; size: number; digests: FileDigest[];
}

/** Sources and labels told apart; the rest share the last number. */
const MAX_TEXTS = 65_535;

/**
 * Indicators by 52-bit hash in open addressing, ranges of addresses sorted: 26 bytes an entry, no string kept. Two values
 * that fall together would be told as each other: one chance in 10^9 for a look-up among a million.
 */
export class IndicatorStore {
  private readonly mask: number;
  private readonly keys: Float64Array<ArrayBuffer>;
  private readonly meta: Uint32Array<ArrayBuffer>;
  private readonly expiry: Float64Array<ArrayBuffer>;
  private readonly texts: string[] = [''];
  private readonly textNumbers = new Map<string, number>([['', 0]]);
  private ranges: { from: number; to: number; entry: number }[] = [];
  private readonly entrySource: Uint16Array<ArrayBuffer>;
  private readonly entryLabel: Uint16Array<ArrayBuffer>;
  size = 0;
  /** Digests that files are to be looked up by: none where no entry is a file's. */
  readonly digests = new Set<FileDigest>();

  /** @param most entries that it is to hold, or what another thread's store is made of. */
  constructor(most: number | IndicatorTables) {
    if (typeof most !== 'number') {
      this.mask = most.keys.length - 1;
      this.keys = most.keys;
      this.meta = most.meta;
      this.expiry = most.expiry;
      this.entrySource = most.entrySource;
      this.entryLabel = most.entryLabel;
      this.texts = most.texts;
      most.texts.forEach((text, number) => this.textNumbers.set(text, number));
      this.ranges = most.ranges;
      this.size = most.size;
      for (const digest of most.digests) this.digests.add(digest);
      return;
    }
    let slots = 16;
    while (slots < most * 2) slots *= 2;
    this.mask = slots - 1;
    this.keys = new Float64Array(slots);
    this.meta = new Uint32Array(slots);
    this.expiry = new Float64Array(slots);
    this.entrySource = new Uint16Array(slots);
    this.entryLabel = new Uint16Array(slots);
  }

  static of(indicators: readonly Indicator[]): IndicatorStore {
    const store = new IndicatorStore(indicators.length);
    for (const one of indicators) store.add(one);
    store.ready();
    return store;
  }

  /** What it is made of, to be handed to another thread; the store is of no use afterwards where the buffers are transferred. */
  tables(): { tables: IndicatorTables; transfer: ArrayBuffer[] } {
    const { keys, meta, expiry, entrySource, entryLabel, texts, ranges, size, digests } = this;
    return {
      tables: { keys, meta, expiry, entrySource, entryLabel, texts, ranges, size, digests: [...digests] },
      transfer: [keys, meta, expiry, entrySource, entryLabel].map((table) => table.buffer),
    };
  }

  add(one: Indicator): void {
    const value = normal(one.kind, one.value);
    const range = one.kind === 'address' ? rangeOf(value) : undefined;
    const key = hashOf(one.kind, range && range.bits === 32 ? range.text : value);
    const slot = this.slot(key);
    if (this.keys[slot] === 0) this.size++;
    // Of two sources the surer one speaks.
    else if ((this.meta[slot]! & 127) >= one.confidence) return;
    this.keys[slot] = key;
    this.meta[slot] = (INDICATOR_KINDS.indexOf(one.kind) << 8) | Math.max(0, Math.min(100, Math.round(one.confidence)));
    this.expiry[slot] = one.expires;
    this.entrySource[slot] = this.text(one.source);
    this.entryLabel[slot] = this.text(one.label);
    if (one.kind === 'file') for (const digest of DIGESTS_BY_LENGTH[value.length] ?? []) this.digests.add(digest);
    if (range && range.bits < 32) this.ranges.push({ from: range.from, to: range.to, entry: slot });
  }

  /** To be called behind the last `add`. */
  ready(): void {
    this.ranges.sort((a, b) => a.from - b.from || b.to - a.to);
  }

  /** @param nowMs packet time: what has expired does not match. */
  find(kind: IndicatorKind, value: string, nowMs: number): IndicatorMatch | undefined {
    return this.at(this.slot(hashOf(kind, value)), nowMs);
  }

  /** An IPv4 address as a number, or any address as text. */
  address(number: number, ip: string | undefined, nowMs: number): IndicatorMatch | undefined {
    if (ip !== undefined) {
      const exact = this.find('address', ip, nowMs);
      if (exact !== undefined) return exact;
    } else {
      const exact = this.at(this.slot(hashOfIpv4(number)), nowMs);
      if (exact !== undefined) return exact;
    }
    const { ranges } = this;
    let low = 0;
    let high = ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ranges[middle]!.from <= number) low = middle + 1;
      else high = middle;
    }
    // Ranges may nest: a few steps back find the enclosing one.
    for (let i = low - 1; i >= 0 && i >= low - 8; i--) if (ranges[i]!.to >= number) return this.at(ranges[i]!.entry, nowMs);
    return undefined;
  }

  private at(slot: number, nowMs: number): IndicatorMatch | undefined {
    if (this.keys[slot] === 0) return undefined;
    const expires = this.expiry[slot]!;
    if (expires !== 0 && expires < nowMs) return undefined;
    const meta = this.meta[slot]!;
    return { kind: INDICATOR_KINDS[meta >> 8]!, confidence: meta & 127, source: this.texts[this.entrySource[slot]!]!, label: this.texts[this.entryLabel[slot]!]! };
  }

  private slot(key: number): number {
    let i = (key ^ (key / 0x100000)) & this.mask;
    while (this.keys[i] !== 0 && this.keys[i] !== key) i = (i + 1) & this.mask;
    return i;
  }

  private text(text: string): number {
    let number = this.textNumbers.get(text);
    if (number === undefined) {
      if (this.texts.length >= MAX_TEXTS) return MAX_TEXTS - 1;
      number = this.texts.length;
      this.texts.push(text.slice(0, 200));
      this.textNumbers.set(text, number);
    }
    return number;
  }
}

/** Lower case; URLs without scheme and fragment, domains without a final dot, digests without separators. */
export function normal(kind: IndicatorKind, value: string): string {
  const text = value.trim();
  switch (kind) {
    case 'domain': return text.toLowerCase().replace(/^\*\./, '').replace(/\.$/, '');
    case 'url': return text.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '').replace(/#.*$/, '').replace(/^[^/]+/, (host) => host.toLowerCase().replace(/:(?:80|443)$/, ''));
    case 'address': return text.toLowerCase();
    case 'ja4': return text.toLowerCase();
    default: return text.toLowerCase().replace(/[\s:]/g, '');
  }
}

function rangeOf(value: string): { from: number; to: number; bits: number; text: string } | undefined {
  const m = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(value);
  if (!m) return undefined;
  const bits = Number(m[5] ?? 32);
  const number = Number(m[1]) * 0x1000000 + Number(m[2]) * 0x10000 + Number(m[3]) * 0x100 + Number(m[4]);
  const size = 2 ** (32 - Math.min(32, bits));
  const from = Math.floor(number / size) * size;
  return { from, to: from + size - 1, bits, text: `${m[1]}.${m[2]}.${m[3]}.${m[4]}` };
}

/** FNV-1a twice, 52 bits, never 0. */
function hashOf(kind: IndicatorKind, value: string): number {
  if (kind === 'address') {
    const range = rangeOf(value);
    if (range && range.bits === 32) return hashOfIpv4(range.from);
  }
  let a = 0x811c9dc5 ^ (INDICATOR_KINDS.indexOf(kind) + 1);
  let b = 0x9e3779b9;
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    a = Math.imul(a ^ c, 0x01000193);
    b = Math.imul(b ^ (c + 0x5bd1), 0x85ebca6b);
    b ^= b >>> 13;
  }
  a ^= a >>> 15;
  b ^= b >>> 16;
  return ((a >>> 6) * 0x4000000 + (b >>> 6)) || 1;
}

function hashOfIpv4(number: number): number {
  let a = Math.imul(number ^ 0x3c6ef372, 0x85ebca6b);
  a = Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  a ^= a >>> 16;
  let b = Math.imul(number ^ 0x27d4eb2f, 0x165667b1);
  b = Math.imul(b ^ (b >>> 15), 0x9e3779b1);
  b ^= b >>> 14;
  return ((a >>> 6) * 0x4000000 + (b >>> 6)) || 1;
}
