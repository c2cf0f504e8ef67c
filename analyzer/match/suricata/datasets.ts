import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import ipaddr from 'ipaddr.js';
import type { Dataset } from './program.js';

/** Values of one set; more are not added. */
const MAX_VALUES = 1_000_000;

export type DatasetType = 'string' | 'md5' | 'sha256' | 'ipv4' | 'ip';

class ValueSet implements Dataset {
  readonly values = new Set<string>();
  /** Reputation by value (`datarep`). */
  readonly reputation = new Map<string, number>();

  constructor(readonly name: string, readonly type: DatasetType) {}

  has(bytes: Uint8Array): boolean {
    return this.values.has(this.key(bytes));
  }

  add(bytes: Uint8Array): void {
    if (this.values.size < MAX_VALUES) this.values.add(this.key(bytes));
  }

  remove(bytes: Uint8Array): void {
    this.values.delete(this.key(bytes));
  }

  key(bytes: Uint8Array): string {
    if (this.type === 'md5' || this.type === 'sha256') {
      const n = this.type === 'md5' ? 16 : 32;
      // Transforms make the digest; other buffers hold what is to be digested.
      return Buffer.from(bytes.length === n ? bytes : createHash(this.type).update(bytes).digest()).toString('latin1');
    }
    return Buffer.from(bytes).toString('latin1');
  }

  /** One line of a file or of `dataset-add`. @returns what is wrong with it */
  line(text: string): string | undefined {
    const [value, rep] = text.trim().split(',');
    if (value === '') return undefined;
    let key: string;
    if (this.type === 'string') key = Buffer.from(value, 'base64').toString('latin1');
    else if (this.type === 'md5' || this.type === 'sha256') {
      if (!/^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{64})$/.test(value)) return `'${value.slice(0, 40)}' is no digest`;
      key = Buffer.from(value, 'hex').toString('latin1');
    } else {
      if (!ipaddr.isValid(value)) return `'${value.slice(0, 40)}' is no address`;
      key = Buffer.from(ipaddr.parse(value).toByteArray()).toString('latin1');
    }
    if (this.values.size < MAX_VALUES) this.values.add(key);
    if (rep !== undefined) this.reputation.set(key, Number(rep));
    return undefined;
  }
}

/** Sets by name, shared by all rules of a load. */
export class Datasets {
  private readonly sets = new Map<string, ValueSet>();

  /** @returns the set, or what is wrong */
  get(name: string, type: DatasetType | undefined, load: string | undefined, ruleFile: string): ValueSet | string {
    let set = this.sets.get(name);
    if (set) return type !== undefined && set.type !== type ? `set ${name} already has the type ${set.type}` : set;
    if (type === undefined) return `set ${name} has no type`;
    set = new ValueSet(name, type);
    if (load !== undefined) {
      let text: string;
      try {
        text = readFileSync(isAbsolute(load) ? load : join(dirname(ruleFile), load), 'latin1');
      } catch {
        return `the file ${load} cannot be read`;
      }
      for (const line of text.split(/\r?\n/)) {
        const wrong = set.line(line);
        if (wrong) return wrong;
      }
    }
    this.sets.set(name, set);
    return set;
  }
}
export type { ValueSet };
