import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import ipaddr from 'ipaddr.js';
import type { Dataset } from './program.js';
import type { Reputation } from './reputation.js';

/** Values of one set; more are not added. */
const MAX_VALUES = 1_000_000;

export type DatasetType = 'string' | 'md5' | 'sha256' | 'ipv4' | 'ip';

/** How the objects of a file hold the values. */
export interface JsonForm { lines: boolean; contextKey: string; valueKey: string; arrayKey: string | undefined; removeKey: boolean }

class ValueSet implements Dataset {
  readonly values = new Set<string>();
  /** Reputation by value (`datarep`). */
  readonly reputation = new Map<string, number>();

  private contextKey: string | undefined;
  private readonly about = new Map<string, unknown>();

  constructor(readonly name: string, readonly type: DatasetType) {}

  has(bytes: Uint8Array): boolean {
    return this.values.has(this.key(bytes));
  }

  add(bytes: Uint8Array): boolean {
    const key = this.key(bytes);
    if (this.values.has(key) || this.values.size >= MAX_VALUES) return false;
    this.values.add(key);
    return true;
  }

  remove(bytes: Uint8Array): boolean {
    return this.values.delete(this.key(bytes));
  }

  context(bytes: Uint8Array): { key: string; value: unknown } | undefined {
    const value = this.contextKey === undefined ? undefined : this.about.get(this.key(bytes));
    return value === undefined ? undefined : { key: this.contextKey as string, value };
  }

  /** Values that are fields of objects, each with the object. @returns what is wrong with the file */
  json(text: string, form: JsonForm): string | undefined {
    let objects: unknown;
    try {
      objects = form.lines ? text.split(/\r?\n/).filter((l) => l.trim() !== '').map((l) => JSON.parse(l) as unknown) : JSON.parse(text);
    } catch {
      return 'its file is no JSON';
    }
    for (const step of form.arrayKey?.split('.') ?? []) objects = (objects as Record<string, unknown> | undefined)?.[step];
    if (!Array.isArray(objects)) return 'its file holds no array of objects';
    this.contextKey = form.contextKey;
    for (const object of objects.slice(0, MAX_VALUES) as Record<string, unknown>[]) {
      let value: unknown = object;
      for (const step of form.valueKey.split('.')) value = (value as Record<string, unknown> | undefined)?.[step];
      if (typeof value !== 'string') return `an object of its file has no '${form.valueKey}'`;
      const wrong = this.line(this.type === 'string' ? Buffer.from(value, 'latin1').toString('base64') : value, (key) => {
        const { ...shown } = object;
        if (form.removeKey && !form.valueKey.includes('.')) delete shown[form.valueKey];
        this.about.set(key, shown);
      });
      if (wrong) return wrong;
    }
    return undefined;
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
  line(text: string, then?: (key: string) => void): string | undefined {
    const [value, rep] = text.trim().split(',');
    if (value === '') return undefined;
    let key: string;
    if (this.type === 'string') key = Buffer.from(value, 'base64').toString('latin1');
    else if (this.type === 'md5' || this.type === 'sha256') {
      if (!/^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{64})$/.test(value)) return `'${value.slice(0, 40)}' is no digest`;
      key = Buffer.from(value, 'hex').toString('latin1');
    } else {
      if (!ipaddr.isValid(value)) return `'${value.slice(0, 40)}' is no address`;
      const address = ipaddr.process(value);
      key = Buffer.from(address.toByteArray()).toString('latin1');
    }
    if (this.values.size < MAX_VALUES) this.values.add(key);
    then?.(key);
    if (rep !== undefined) this.reputation.set(key, Number(rep));
    return undefined;
  }
}

/** Sets by name, and what lists say of addresses: what rules of one load ask beside the traffic. */
export class Datasets {
  constructor(readonly reputation?: Reputation) {}

  private readonly sets = new Map<string, ValueSet>();

  /** @returns the set, or what is wrong */
  get(name: string, type: DatasetType | undefined, load: string | undefined, ruleFile: string, form?: JsonForm): ValueSet | string {
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
      const wrong = form && set.json(Buffer.from(text, 'latin1').toString('utf8'), form);
      if (wrong) return wrong;
      for (const line of form ? [] : text.split(/\r?\n/)) {
        const wrong = set.line(line);
        if (wrong) return wrong;
      }
    }
    this.sets.set(name, set);
    return set;
  }
}
export type { ValueSet };
