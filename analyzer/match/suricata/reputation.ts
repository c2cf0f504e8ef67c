import { readFileSync } from 'node:fs';
import ipaddr from 'ipaddr.js';

/** Categories that a number of one byte below Suricata's bound may have. */
const MAX_CATEGORY = 59;
/** Highest score. */
const MAX_SCORE = 127;
/** Entries of all lists together; more is a list written by accident. */
const MAX_LISTED = 4_000_000;

/** Where the lists are: Suricata's category file (`number,NAME,text`) and files of `address or network,number,score`. */
export interface ReputationFiles { categories: string; files: readonly string[] }

/** What lists say of addresses, by category. Read once a load; asked with addresses as hexadecimal digits. */
export class Reputation {
  private readonly categories = new Map<string, number>();
  /** `category/address` → score. */
  private readonly hosts = new Map<string, number>();
  /** `category/prefix length/network` → score. */
  private readonly networks = new Map<string, number>();
  /** Prefix lengths in use, longest first, by number of hexadecimal digits of an address. */
  private readonly lengths: Record<number, number[]> = { 8: [], 32: [] };
  /** Lines that say nothing; told with the load. */
  readonly problems: string[] = [];

  /** @returns what is wrong where a file cannot be read or is none of these. */
  static load({ categories, files }: ReputationFiles): Reputation | string {
    const made = new Reputation();
    for (const [file, take] of [[categories, (l: string) => made.category(l)] as const, ...files.map((f) => [f, (l: string) => made.entry(l)] as const)]) {
      let text: string;
      try {
        text = readFileSync(file, 'utf8');
      } catch (error) {
        return `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`;
      }
      for (const [i, line] of text.split(/\r?\n/).entries()) {
        if (/^\s*(?:#|$)/.test(line) || take(line.trim())) continue;
        made.problems.push(`${file}:${i + 1}: '${line.slice(0, 60)}' is no entry`);
      }
    }
    return made;
  }

  /** Number of a category by its name, whatever its case. */
  numberOf(name: string): number | undefined {
    return this.categories.get(name.toLowerCase());
  }

  /** The score of an address (4 or 16 bytes in hexadecimal digits), its own before that of the narrowest network. */
  score(category: number, address: string): number | undefined {
    const own = this.hosts.get(`${category}/${address}`);
    if (own !== undefined || this.networks.size === 0) return own;
    for (const bits of this.lengths[address.length] ?? []) {
      const score = this.networks.get(`${category}/${bits}/${masked(address, bits)}`);
      if (score !== undefined) return score;
    }
    return undefined;
  }

  private category(line: string): boolean {
    const [number, name] = line.split(',').map((s) => s.trim());
    if (!/^\d+$/.test(number ?? '') || Number(number) > MAX_CATEGORY || !name) return false;
    this.categories.set(name.toLowerCase(), Number(number));
    return true;
  }

  private entry(line: string): boolean {
    const [who = '', category, score] = line.split(',').map((s) => s.trim());
    if (who === 'ip') return true; // a header
    if (!/^\d+$/.test(category ?? '') || Number(category) > MAX_CATEGORY || !/^\d+$/.test(score ?? '') || Number(score) > MAX_SCORE) return false;
    if (this.hosts.size + this.networks.size >= MAX_LISTED) return false;
    const [address = '', prefix] = who.split('/');
    if (!ipaddr.isValid(address)) return false;
    const digits = Buffer.from(ipaddr.parse(address).toByteArray()).toString('hex');
    if (prefix === undefined) {
      this.hosts.set(`${category}/${digits}`, Number(score));
      return true;
    }
    const bits = Number(prefix);
    if (!/^\d+$/.test(prefix) || bits > digits.length * 4) return false;
    this.networks.set(`${category}/${bits}/${masked(digits, bits)}`, Number(score));
    const lengths = this.lengths[digits.length]!;
    if (!lengths.includes(bits)) lengths.splice(0, lengths.length, ...[...lengths, bits].sort((a, b) => b - a));
    return true;
  }
}

/** The first `bits` bits of hexadecimal digits. */
function masked(digits: string, bits: number): string {
  const whole = digits.slice(0, bits >> 2);
  const rest = bits & 3;
  return rest === 0 ? whole : whole + (Number.parseInt(digits[bits >> 2]!, 16) & (0xf << (4 - rest))).toString(16);
}
