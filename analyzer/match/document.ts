import { isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, type Node } from 'yaml';
import { RuleDocument } from '../../contracts/rule.js';
import { CLASS_NAMES } from '../../contracts/classes.js';
import { ruleErrors, type RuleError } from './errors.js';
import { instead } from './nearest.js';
import type { Place } from './signature.js';

/** Bytes of one rule file. */
export const MAX_RULE_BYTES = 256 * 1024;
/** Errors told of one file; the rest follows when these are gone. */
const MAX_ERRORS = 20;

export type Path = readonly (string | number)[];
export interface Parsed {
  /** undefined when there are errors. */
  document: RuleDocument | undefined;
  errors: RuleError[];
  /** Place of a value, or of its key with `key`; the nearest place above it where it isn't written. */
  placeOf(path: Path, key?: boolean): Place;
}

/** What is used here of the JSON Schema that TypeBox makes. */
interface Schema {
  $id?: string; $ref?: string; type?: string; const?: unknown; enum?: unknown[]; anyOf?: Schema[];
  properties?: Record<string, Schema>; required?: string[]; additionalProperties?: boolean | Schema; patternProperties?: Record<string, Schema>;
  minProperties?: number; maxProperties?: number; items?: Schema; minItems?: number; maxItems?: number;
  pattern?: string; minLength?: number; maxLength?: number; minimum?: number; maximum?: number; description?: string;
}

/** Reads one YAML rule document and checks its shape; errors say where, and what to write instead. */
export function parseRuleDocument(text: string, file: string): Parsed {
  const lines = new LineCounter();
  const errors: RuleError[] = [];
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  if (text.length > MAX_RULE_BYTES) {
    return { document: undefined, errors: [ruleErrors.yaml({ file, line: 1, column: 1 }, `longer than ${MAX_RULE_BYTES} bytes`)], placeOf: () => ({ file, line: 1, column: 1 }) };
  }
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  for (const e of yaml.errors.slice(0, MAX_ERRORS)) errors.push(ruleErrors.yaml(place(e.pos[0]), e.message.replace(/\.?\s*$/, '').split('\n')[0]));
  const placeOf = (path: Path, key = false): Place => {
    let node = yaml.contents as Node | null;
    let at = node?.range?.[0] ?? 0;
    for (const [depth, step] of path.entries()) {
      if (isMap(node)) {
        const pair = node.items.find((p) => isPair(p) && isScalar(p.key) && String(p.key.value) === String(step));
        if (!pair) break;
        const k = pair.key as Node;
        at = k.range?.[0] ?? at;
        node = (pair.value as Node | null) ?? null;
        if (!(key && depth === path.length - 1)) at = node?.range?.[0] ?? at;
      } else if (isSeq(node)) {
        node = (node.items[Number(step)] as Node | undefined) ?? null;
        at = node?.range?.[0] ?? at;
      } else break;
    }
    return place(at);
  };
  if (errors.length > 0) return { document: undefined, errors, placeOf };
  let value: unknown;
  try {
    value = yaml.toJS({ maxAliasCount: 50 });
  } catch (error) {
    return { document: undefined, errors: [ruleErrors.yaml(place(0), (error as Error).message)], placeOf };
  }
  new ShapeCheck(errors, placeOf).check(value, RuleDocument as unknown as Schema, []);
  return { document: errors.length === 0 ? (value as RuleDocument) : undefined, errors, placeOf };
}

/** Walks value and schema side by side. */
class ShapeCheck {
  private readonly named = new Map<string, Schema>();
  constructor(private readonly errors: RuleError[], private readonly placeOf: Parsed['placeOf']) {}

  check(value: unknown, given: Schema, path: Path): void {
    if (this.errors.length >= MAX_ERRORS) return;
    const schema = given.$ref ? this.named.get(given.$ref) ?? given : given;
    if (schema.$id) this.named.set(schema.$id, schema);
    if (schema.anyOf) return this.union(value, schema.anyOf, path);
    if (schema.const !== undefined) {
      if (value !== schema.const) this.wrong(path, `must be ${JSON.stringify(schema.const)}`, `Write ${JSON.stringify(schema.const)}, or leave the key out.`);
      return;
    }
    if (typeOf(value) !== schema.type && !(schema.type === 'number' && typeOf(value) === 'integer')) {
      const quote = schema.type === 'string' && (typeof value === 'number' || typeof value === 'boolean') ? ` Put it in quotes: '${String(value)}'.` : '';
      this.wrong(path, `must be ${article(schema.type)}, not ${article(typeOf(value))}`, quote ? quote.trim() : `Write ${article(schema.type)}; rules/README.md shows an example.`);
      return;
    }
    if (schema.type === 'object') this.object(value as Record<string, unknown>, schema, path);
    else if (schema.type === 'array') this.array(value as unknown[], schema, path);
    else if (schema.type === 'string') this.string(value as string, schema, path);
    else if (typeof value === 'number') this.number(value, schema, path);
  }

  private object(value: Record<string, unknown>, schema: Schema, path: Path): void {
    const known = schema.properties ?? {};
    const where = nameOf(path);
    for (const [key, inner] of Object.entries(value)) {
      const pattern = Object.entries(schema.patternProperties ?? {}).find(([p]) => new RegExp(p).test(key));
      if (known[key]) this.check(inner, known[key], [...path, key]);
      else if (pattern) this.check(inner, pattern[1], [...path, key]);
      else if (typeof schema.additionalProperties === 'object') this.check(inner, schema.additionalProperties, [...path, key]);
      else this.push(ruleErrors.unknownKey(this.placeOf([...path, key], true), key, where, instead(key, Object.keys(known), 'keys')));
    }
    for (const key of schema.required ?? []) {
      if (key in value) continue;
      const translated = (key === 'zh' || key === 'en') && Object.keys(known).length === 2;
      this.push(translated ? ruleErrors.translation(this.placeOf(path, true), key, where) : ruleErrors.missing(this.placeOf(path, true), key, where));
    }
    const n = Object.keys(value).length;
    if (n < (schema.minProperties ?? 0)) this.wrong(path, 'is empty', 'Write at least one key.');
    if (n > (schema.maxProperties ?? Infinity)) this.wrong(path, `has ${n} keys where one is meant`, 'Make each a list entry of its own, with a hyphen in front.');
  }

  private array(value: unknown[], schema: Schema, path: Path): void {
    if (value.length < (schema.minItems ?? 0)) this.wrong(path, 'is an empty list', 'Add an entry, or leave the key out.');
    if (value.length > (schema.maxItems ?? Infinity)) return this.wrong(path, `has more than ${schema.maxItems} entries`, 'Split the rule.');
    if (schema.items) for (const [i, item] of value.entries()) this.check(item, schema.items, [...path, i]);
  }

  private string(value: string, schema: Schema, path: Path): void {
    if (schema.enum && !schema.enum.includes(value)) return this.wrong(path, `is '${value}'`, instead(value, schema.enum as string[], 'values'));
    if (value.length < (schema.minLength ?? 0)) return this.wrong(path, 'is empty', 'Write a text, or leave the key out.');
    if (value.length > (schema.maxLength ?? Infinity)) return this.wrong(path, `is longer than ${schema.maxLength} characters`, 'Shorten it.');
    if (path.length === 1 && path[0] === 'class' && !CLASS_NAMES.includes(value as never)) return this.wrong(path, `is '${value}'`, instead(value, CLASS_NAMES, 'classes'));
    if (schema.pattern && !new RegExp(schema.pattern).test(value)) this.wrong(path, `is '${value.slice(0, 80)}'`, PATTERN_HINTS[String(path.filter((p) => typeof p === 'string').at(-1))] ?? `It must look like ${schema.pattern}.`);
  }

  private number(value: number, schema: Schema, path: Path): void {
    if (value < (schema.minimum ?? -Infinity)) this.wrong(path, `is ${value}`, `The least is ${schema.minimum}.`);
    if (value > (schema.maximum ?? Infinity)) this.wrong(path, `is ${value}`, `The most is ${schema.maximum}.`);
  }

  private union(value: unknown, options: Schema[], path: Path): void {
    const type = typeOf(value);
    const flat = (all: Schema[]): Schema[] => all.flatMap((o) => (o.$ref ? [this.named.get(o.$ref) ?? o] : o.anyOf ? flat(o.anyOf) : [o]));
    const fitting = flat(options)
      .filter((o) => o.const !== undefined || o.type === type || (o.type === 'number' && type === 'integer'));
    const keys = type === 'object' ? Object.keys(value as object) : [];
    const chosen = fitting.length > 1 ? fitting.find((o) => keys.some((k) => o.properties?.[k])) ?? fitting.find((o) => o.const === undefined || o.const === value) : fitting[0];
    if (chosen && fitting.length > 1 && type === 'object' && !keys.some((k) => chosen.properties?.[k])) {
      const names = fitting.flatMap((o) => Object.keys(o.properties ?? {}));
      return this.push(ruleErrors.unknownKey(this.placeOf([...path, keys[0]], true), keys[0] ?? '', nameOf(path), instead(keys[0] ?? '', names, 'keys')));
    }
    if (chosen) return this.check(value, chosen, path);
    const kinds = [...new Set(flat(options).map((o) => article(o.type)))].join(' or ');
    this.wrong(path, `must be ${kinds}, not ${article(type)}`, `Write ${kinds}.`);
  }

  private wrong(path: Path, why: string, hint: string): void {
    this.push(ruleErrors.value(this.placeOf(path), nameOf(path), why, hint));
  }
  private push(error: RuleError): void {
    if (this.errors.length < MAX_ERRORS) this.errors.push(error);
  }
}

const PATTERN_HINTS: Record<string, string> = {
  id: 'Write lower-case letters, digits and single hyphens, e.g. struts2-s2-045.',
  techniques: 'Write an ATT&CK id, e.g. T1190 or T1059.004.',
  cve: 'Write CVE-2017-5638.', cnvd: 'Write CNVD-2017-02474.', cnnvd: 'Write CNNVD-201703-152.', url: 'Write the whole address, with http:// or https://.',
  transforms: 'See the list of transforms in rules/README.md.', hex: "Write pairs of hexadecimal digits, e.g. 'ac ed 00 05'.",
  file: 'Write the name of a capture beside the rule, ending in .pcap, .pcapng or .pcap.gz.',
  event: 'Write <protocol>.<name>, e.g. http.request_header_invalid.',
};

export function nameOf(path: Path): string {
  return path.length === 0 ? 'the rule' : path.map((p, i) => (typeof p === 'number' ? `[${p + 1}]` : i === 0 ? p : `.${p}`)).join('');
}

function typeOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value === 'object' ? 'object' : typeof value;
}

function article(type: string | undefined): string {
  return { string: 'a text', integer: 'a whole number', number: 'a number', boolean: 'true or false', array: 'a list', object: 'a mapping', null: 'nothing' }[type ?? ''] ?? String(type);
}
