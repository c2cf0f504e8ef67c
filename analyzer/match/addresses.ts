import ipaddr from 'ipaddr.js';

/** Addresses of one side of a rule, by ranges; `any` when all. Compiled once, asked per candidate. */
export class AddressSet {
  /** The same for sets of the same ranges. */
  readonly key: string;

  constructor(readonly include: readonly Range[], readonly exclude: readonly Range[]) {
    this.key = keyOf(include, exclude);
  }

  get any(): boolean {
    return this.include.length === 0 && this.exclude.length === 0;
  }

  private v4: Float64Array | undefined;

  /** Sorted, merged ranges of IPv4 as pairs [from, to], for sets of many. */
  private sorted(): Float64Array {
    const pairs = this.include.filter((r) => r.bytes.length === 4).map(({ bytes, bits }): [number, number] => {
      const size = 2 ** (32 - bits);
      const start = ((bytes[0] << 24) | (bytes[1] << 16) | (bytes[2] << 8) | bytes[3]) >>> 0;
      const from = Math.floor(start / size) * size;
      return [from, from + size - 1];
    }).sort((a, b) => a[0] - b[0]);
    const merged: number[] = [];
    for (const [from, to] of pairs) {
      if (merged.length > 0 && from <= (merged.at(-1) as number) + 1) merged[merged.length - 1] = Math.max(merged.at(-1) as number, to);
      else merged.push(from, to);
    }
    return Float64Array.from(merged);
  }

  /** @param at offset of an address of `length` (4 or 16) bytes. */
  has(u8: Uint8Array, at: number, length: number): boolean {
    if (length === 4 && this.include.length > MANY && this.exclude.length === 0) {
      const ranges = (this.v4 ??= this.sorted());
      const address = ((u8[at] << 24) | (u8[at + 1] << 16) | (u8[at + 2] << 8) | u8[at + 3]) >>> 0;
      let low = 0;
      let high = ranges.length / 2;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (ranges[middle * 2 + 1] < address) low = middle + 1;
        else high = middle;
      }
      return low < ranges.length / 2 && ranges[low * 2] <= address;
    }
    for (const range of this.exclude) if (inRange(range, u8, at, length)) return false;
    if (this.include.length === 0) return true;
    for (const range of this.include) if (inRange(range, u8, at, length)) return true;
    return false;
  }
}

/** Ranges beyond which they are searched by halves. */
const MANY = 8;

export interface Range { bytes: Uint8Array; bits: number }

function keyOf(include: readonly Range[], exclude: readonly Range[]): string {
  const text = (ranges: readonly Range[]) => ranges.map((r) => `${r.bytes.join('.')}/${r.bits}`).join(' ');
  return `${text(include)}!${text(exclude)}`;
}

function inRange(range: Range, u8: Uint8Array, at: number, length: number): boolean {
  if (range.bytes.length !== length) return false;
  const whole = range.bits >> 3;
  for (let i = 0; i < whole; i++) if (u8[at + i] !== range.bytes[i]) return false;
  const rest = range.bits & 7;
  return rest === 0 || (u8[at + whole] ^ range.bytes[whole]) >> (8 - rest) === 0;
}

export const ANY_ADDRESS = new AddressSet([], []);

/** Parses `10.0.0.0/8`, `::1`; undefined when it is neither address nor range. */
export function parseRange(text: string): Range | undefined {
  const [address, bits, more] = text.split('/');
  if (more !== undefined || !ipaddr.isValid(address) || (!address.includes(':') && !ipaddr.IPv4.isValidFourPartDecimal(address))) return undefined;
  const bytes = Uint8Array.from(ipaddr.parse(address).toByteArray());
  const n = bits === undefined ? bytes.length * 8 : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
  return n < 0 || n > bytes.length * 8 ? undefined : { bytes, bits: n };
}

/** `10.0.0.3-10.0.0.9` as the ranges that make it up; undefined when it is no such thing. */
function parseBetween(text: string): Range[] | undefined {
  const dash = text.indexOf('-');
  if (dash < 0) return undefined;
  const first = parseRange(text.slice(0, dash));
  const last = parseRange(text.slice(dash + 1));
  if (!first || !last || first.bytes.length !== last.bytes.length || text.includes('/')) return undefined;
  const bits = first.bytes.length * 8;
  const number = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  let at = number(first.bytes);
  const end = number(last.bytes);
  const out: Range[] = [];
  while (at <= end && out.length < 2 * bits) {
    let size = 0;
    // As large a block as begins here and does not go beyond the end.
    while (size < bits && (at & ((2n << BigInt(size)) - 1n)) === 0n && at + (2n << BigInt(size)) - 1n <= end) size++;
    out.push({ bytes: Uint8Array.from(Buffer.from(at.toString(16).padStart(bits / 4, '0'), 'hex')), bits: bits - size });
    at += 1n << BigInt(size);
  }
  return at > end && out.length > 0 ? out : undefined;
}

/** Ports, one bit each; undefined stands for all. */
export class PortSet {
  /** @param key the same for sets of the same ranges */
  constructor(private readonly bits: Uint8Array | undefined, readonly key: string) {}
  get any(): boolean {
    return this.bits === undefined;
  }
  has(port: number): boolean {
    return this.bits === undefined || (this.bits[port >> 3] & (1 << (port & 7))) !== 0;
  }

  /** Sets `marks[port]` for each port whose neighbour below is on the other side of the set's edge. */
  markEnds(marks: Uint8Array): void {
    if (this.bits === undefined) return;
    let before = this.bits[0] & 1;
    for (let i = 0; i < this.bits.length; i++) {
      const byte = this.bits[i];
      if (byte === (before === 0 ? 0 : 255)) continue;
      for (let bit = 0; bit < 8; bit++) {
        const now = (byte >> bit) & 1;
        if (now !== before) marks[i * 8 + bit] = 1;
        before = now;
      }
    }
  }
}
export const ANY_PORT = new PortSet(undefined, '');

/** Sets made lately, by their ranges: rules share a few, and each of ports takes 8 KiB. */
const MAX_SHARED = 4096;
const sharedPorts = new Map<string, PortSet>();
const sharedAddresses = new Map<string, AddressSet>();

function share<T>(map: Map<string, T>, key: string, make: () => T): T {
  let set = map.get(key);
  if (set === undefined) {
    if (map.size >= MAX_SHARED) map.clear();
    map.set(key, (set = make()));
  }
  return set;
}

/** Ports from [from, to] ranges; with only exclusions, all others. */
export function portSet(include: readonly [number, number][], exclude: readonly [number, number][]): PortSet {
  if (include.length === 0 && exclude.length === 0) return ANY_PORT;
  const key = `${include.join(' ')}!${exclude.join(' ')}`;
  return share(sharedPorts, key, () => {
    const bits = new Uint8Array(8192);
    if (include.length === 0) bits.fill(255);
    for (const [from, to] of include) for (let p = from; p <= to; p++) bits[p >> 3] |= 1 << (p & 7);
    for (const [from, to] of exclude) for (let p = from; p <= to; p++) bits[p >> 3] &= ~(1 << (p & 7));
    return new PortSet(bits, key);
  });
}

/** Names that rules use for addresses and ports, e.g. `HOME_NET: ['10.0.0.0/8']`; values may name others. */
export type Variables = Record<string, string | string[]>;

export const DEFAULT_VARIABLES: Variables = {
  HOME_NET: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7', 'fe80::/10'],
  EXTERNAL_NET: '!$HOME_NET',
  HTTP_SERVERS: '$HOME_NET', SMTP_SERVERS: '$HOME_NET', SQL_SERVERS: '$HOME_NET', DNS_SERVERS: '$HOME_NET',
  TELNET_SERVERS: '$HOME_NET', AIM_SERVERS: '$EXTERNAL_NET', DC_SERVERS: '$HOME_NET', DNP3_SERVER: '$HOME_NET',
  DNP3_CLIENT: '$HOME_NET', MODBUS_CLIENT: '$HOME_NET', MODBUS_SERVER: '$HOME_NET', ENIP_CLIENT: '$HOME_NET', ENIP_SERVER: '$HOME_NET',
  HTTP_PORTS: '80', SHELLCODE_PORTS: '!80', ORACLE_PORTS: '1521', SSH_PORTS: '22', DNP3_PORTS: '20000', MODBUS_PORTS: '502',
  FILE_DATA_PORTS: ['$HTTP_PORTS', '110', '143'], FTP_PORTS: '21', GENEVE_PORTS: '6081', VXLAN_PORTS: '4789', TEREDO_PORTS: '3544',
};

/** Depth of variables that name variables: deeper ones are a cycle. */
const MAX_DEPTH = 8;

/**
 * Walks entries such as `$HOME_NET`, `!10.0.0.1`, `any` with what variables stand for; `leaf` takes what is none of these.
 * @returns whether all are meant, or a string that says what is wrong
 */
function resolve(entries: readonly string[], variables: Variables, leaf: (entry: string, negated: boolean) => string | undefined): boolean | string {
  let all = false;
  const add = (entry: string, negated: boolean, depth: number): string | undefined => {
    if (depth > MAX_DEPTH) return `${entry} refers to itself`;
    if (entry.startsWith('!')) return add(entry.slice(1), !negated, depth);
    if (entry === 'any') {
      if (negated) return "'!any' matches nothing";
      all = true;
      return undefined;
    }
    if (!entry.startsWith('$')) return leaf(entry, negated);
    const value = variables[entry.slice(1)];
    if (value === undefined) return `variable ${entry} is not defined`;
    for (const one of typeof value === 'string' ? [value] : value) {
      const wrong = add(one, negated, depth + 1);
      if (wrong) return wrong;
    }
    return undefined;
  };
  for (const entry of entries) {
    const wrong = add(entry, false, 0);
    if (wrong) return wrong;
  }
  return all;
}

/**
 * The addresses that entries name: single ones, ranges, variables, exclusions.
 * @returns a string that says what is wrong, where something is.
 */
export function addressSet(entries: readonly string[], variables: Variables): AddressSet | string {
  const include: Range[] = [];
  const exclude: Range[] = [];
  const all = resolve(entries, variables, (entry, negated) => {
    const ranges = parseBetween(entry) ?? parseRange(entry);
    if (!ranges) return `'${entry}' is neither an address nor a range`;
    (negated ? exclude : include).push(...(Array.isArray(ranges) ? ranges : [ranges]));
    return undefined;
  });
  if (typeof all === 'string') return all;
  const set = new AddressSet(all ? [] : include, exclude);
  return share(sharedAddresses, set.key, () => set);
}

/** The same for ports: `80`, `8000-8100`, `8000:8100`, `1024:`, `!22`, `$HTTP_PORTS`. */
export function ports(entries: readonly string[], variables: Variables): PortSet | string {
  const include: [number, number][] = [];
  const exclude: [number, number][] = [];
  const all = resolve(entries, variables, (entry, negated) => {
    const m = /^(\d{1,5})?(?:([-:])(\d{1,5})?)?$/.exec(entry);
    const from = Number(m?.[1] ?? 0);
    const to = m?.[3] !== undefined ? Number(m[3]) : m?.[2] ? 65535 : from;
    if (!m || entry === '' || (m[1] === undefined && m[3] === undefined) || from > to || to > 65535) return `'${entry}' is neither a port nor a range of ports`;
    (negated ? exclude : include).push([from, to]);
    return undefined;
  });
  if (typeof all === 'string') return all;
  return all && exclude.length === 0 ? ANY_PORT : portSet(all ? [] : include, exclude);
}
