import ipaddr from 'ipaddr.js';

/** An address as 16 bytes; IPv4 as IPv4-mapped IPv6, so that one trie holds both. Undefined for what is no address. */
export function addressBytes(text: string): Uint8Array | undefined {
  if (!ipaddr.isValid(text)) return undefined;
  const parsed = ipaddr.parse(text);
  return Uint8Array.from(parsed.kind() === 'ipv4' ? (parsed as ipaddr.IPv4).toIPv4MappedAddress().toByteArray() : parsed.toByteArray());
}

/** A range (`10.1.0.0/16`, `10.1.2.3`, `2001:db8::/32`) as bytes and prefix length over 128 bits. */
export function parseRange(text: string): { bytes: Uint8Array; bits: number } | undefined {
  const [address, length, more] = text.trim().split('/');
  const bytes = addressBytes(address);
  if (!bytes || more !== undefined || (address.includes('.') && !address.includes(':') && !/^\d+\.\d+\.\d+\.\d+$/.test(address))) return undefined;
  const wide = address.includes(':') ? 128 : 32;
  const bits = length === undefined ? wide : /^\d{1,3}$/.test(length) ? Number(length) : -1;
  return bits < 0 || bits > wide ? undefined : { bytes, bits: bits + 128 - wide };
}

/** Longest-prefix match over 128-bit addresses: a binary trie in two typed arrays, nothing allocated by a lookup. */
export class PrefixTrie {
  #children = new Int32Array(2 * 1024);
  #values = new Int32Array(1024).fill(-1);
  #nodes = 1;

  /** `value` is 0 or more; a prefix that is there already takes the new one. */
  add(bytes: Uint8Array, bits: number, value: number): void {
    let node = 0;
    for (let i = 0; i < bits; i++) {
      const bit = (bytes[i >> 3] >> (7 - (i & 7))) & 1;
      if (this.#children[2 * node + bit] === 0) {
        if (this.#nodes === this.#values.length) this.#grow();
        this.#children[2 * node + bit] = this.#nodes++;
      }
      node = this.#children[2 * node + bit];
    }
    this.#values[node] = value;
  }

  #grow(): void {
    const children = new Int32Array(this.#children.length * 2);
    children.set(this.#children);
    this.#children = children;
    const values = new Int32Array(this.#values.length * 2).fill(-1);
    values.set(this.#values);
    this.#values = values;
  }

  /** Value of the longest prefix that covers the address at `offset` (4 or 16 bytes), or -1. */
  find(bytes: Uint8Array, offset: number, length: 4 | 16): number {
    let node = 0;
    let best = this.#values[0];
    if (length === 4) {
      node = this.#mapped();
      if (node < 0) return best;
      if (this.#values[node] >= 0) best = this.#values[node];
    }
    for (let i = 0; i < length * 8; i++) {
      node = this.#children[2 * node + ((bytes[offset + (i >> 3)] >> (7 - (i & 7))) & 1)];
      if (node === 0) break;
      if (this.#values[node] >= 0) best = this.#values[node];
    }
    return best;
  }

  /** The node of ::ffff:0:0/96, under which IPv4 lives; -1 when there is none. */
  #mapped(): number {
    let node = 0;
    for (let i = 0; i < 96; i++) {
      node = this.#children[2 * node + (i < 80 ? 0 : 1)];
      if (node === 0) return -1;
    }
    return node;
  }
}
