import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Static, TSchema } from '@sinclair/typebox';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { LineCounter, isMap, isScalar, isSeq, parseDocument, visit, type Document, type Node } from 'yaml';
import { coded } from './errors.js';
import { nearest } from './nearest.js';

export const configErrors = {
  unreadable: coded('SW_CONFIG_UNREADABLE', (path: string, why: string) => `${path} cannot be read: ${why}.`,
    'Give the path of a YAML file that this user may read.'),
  syntax: coded('SW_CONFIG_SYNTAX', (list: string) => `Not valid YAML:\n${list}\n`, 'Correct the lines above.'),
  invalid: coded('SW_CONFIG_INVALID', (list: string) => `Not a valid configuration:\n${list}\n`, 'Correct the lines above.'),
} as const;

/** Configuration files are written by hand; a larger one is a mistaken path. */
const FILE_MAX = 8 * 1024 * 1024;
/** Faults told at once. */
const FAULTS_MAX = 12;

export interface LoadOptions {
  /** Where `${NAME}` looks; default: the environment of the process. */
  env?: Record<string, string | undefined>;
}

let ajv: Ajv | undefined;
const compiled = new WeakMap<TSchema, ValidateFunction>();

/** A check of a TypeBox schema; compiled once. Applies defaults to what it checks. */
export function validator(schema: TSchema): ValidateFunction {
  let check = compiled.get(schema);
  if (!check) {
    const { $id: _, ...anonymous } = schema;
    ajv ??= (addFormats as unknown as (a: Ajv) => Ajv)(new Ajv({ allErrors: true, strict: false, useDefaults: true, verbose: true, validateSchema: false }));
    compiled.set(schema, check = ajv.compile(anonymous));
  }
  return check;
}

/**
 * Reads a YAML configuration file. `${NAME}` in a string is replaced by the environment variable, `${file:path}` by the
 * first line of that file (relative to the configuration), so that no secret has to stand in it; `$${` is a literal `${`.
 * Defaults of the schema are applied. Every fault is told as `file:line:column: what was expected`.
 */
export function loadConfig<S extends TSchema>(path: string, schema: S, options: LoadOptions = {}): Static<S> {
  return parseConfig(readConfigFile(path), path, schema, options);
}

export function readConfigFile(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw configErrors.unreadable(path, (error as Error).message);
  }
  if (text.length > FILE_MAX) throw configErrors.unreadable(path, `it is larger than ${FILE_MAX} bytes`);
  return text;
}

/** As `loadConfig`, from a text; `name` stands for the file in what is told. */
export function parseConfig<S extends TSchema>(text: string, name: string, schema: S, options: LoadOptions = {}): Static<S> {
  const lines = new LineCounter();
  const doc = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const place = (offset: number) => { const { line, col } = lines.linePos(offset); return `${name}:${line}:${col}`; };
  if (doc.errors.length > 0) {
    throw configErrors.syntax(doc.errors.slice(0, FAULTS_MAX).map((e) => `${place(e.pos[0])}: ${e.message}`).join('\n'));
  }
  const faults: string[] = [];
  const replaced = new Set<string>();
  substitute(doc, dirname(resolve(name)), options.env ?? process.env, replaced, (offset, what) => faults.push(`${place(offset)}: ${what}`));
  if (faults.length > 0) throw configErrors.invalid(faults.slice(0, FAULTS_MAX).join('\n'));
  const value: unknown = doc.toJS({ maxAliasCount: 100 }) ?? {};
  const check = validator(schema);
  // What came out of the environment is text; where the schema wants a number or a switch, it is read as one.
  if (!check(value) && coerce(value, check.errors!, replaced)) check(value);
  if (check.errors && check.errors.length > 0) {
    throw configErrors.invalid(describe(check.errors).slice(0, FAULTS_MAX).map((f) => `${place(offsetOf(doc, f.path, f.key))}: ${f.text}`).join('\n'));
  }
  return value as Static<S>;
}

function substitute(doc: Document, base: string, env: Record<string, string | undefined>, replaced: Set<string>, fault: (offset: number, what: string) => void): void {
  visit(doc, {
    Scalar(key, node, path) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return;
      node.value = node.value.replace(/(\$?)\$\{([^}]*)\}/g, (all, escaped: string, what: string) => {
        if (escaped) return all.slice(1);
        if (what.startsWith('file:')) {
          try { return readFileSync(resolve(base, what.slice(5)), 'utf8').split('\n')[0].trim(); } catch (error) {
            fault(node.range?.[0] ?? 0, `the file of ${all} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
            return '';
          }
        }
        const found = env[what];
        if (found === undefined) fault(node.range?.[0] ?? 0, `the environment variable ${what} is not set`);
        return found ?? '';
      });
      replaced.add('/' + [...path.slice(1), node].flatMap((p, i, all) => {
        if (p && typeof p === 'object' && 'key' in p) return isScalar(p.key) ? [String(p.key.value)] : [];
        const parent = i === 0 ? doc.contents : all[i - 1];
        return isSeq(parent) ? [String(parent.items.indexOf(p as Node))] : [];
      }).join('/'));
    },
  });
}

function coerce(root: unknown, errors: ErrorObject[], replaced: Set<string>): boolean {
  let changed = false;
  for (const { keyword, instancePath, params, data } of errors) {
    if (keyword !== 'type' || !replaced.has(instancePath) || typeof data !== 'string') continue;
    const value = params.type === 'boolean' && /^(true|false)$/.test(data) ? data === 'true'
      : /^(number|integer)$/.test(params.type) && /^-?\d+(\.\d+)?$/.test(data) ? Number(data) : undefined;
    if (value === undefined) continue;
    const keys = instancePath.slice(1).split('/');
    const parent = keys.slice(0, -1).reduce((at, k) => (at as Record<string, unknown>)[k], root) as Record<string, unknown>;
    parent[keys[keys.length - 1]] = value;
    changed = true;
  }
  return changed;
}

interface Fault { path: string[]; key?: string; text: string }

function describe(errors: ErrorObject[]): Fault[] {
  const faults: Fault[] = [];
  const unions = errors.filter((e) => e.keyword === 'anyOf' || e.keyword === 'oneOf');
  for (const e of errors) {
    const path = e.instancePath.split('/').slice(1).map((k) => k.replace(/~1/g, '/').replace(/~0/g, '~'));
    const where = path.length > 0 ? `${path.join('.')}: ` : '';
    // A branch of a union that did not fit says nothing by itself, unless the fault lies deeper than the union.
    const union = unions.find((u) => u !== e && e.schemaPath.startsWith(u.schemaPath.replace(/\/(anyOf|oneOf)$/, '') + '/') && u.instancePath === e.instancePath);
    if (union && e.keyword !== 'additionalProperties') continue;
    if (e.keyword === 'anyOf' && errors.some((o) => o !== e && o.instancePath.startsWith(e.instancePath + '/') && o.schemaPath.startsWith(e.schemaPath))) continue;
    if (e.keyword === 'additionalProperties') {
      const key = e.params.additionalProperty as string;
      const known = Object.keys((e.parentSchema as { properties?: object })?.properties ?? {});
      const meant = nearest(key, known);
      const advice = meant ? `did you mean "${meant}"?` : `known keys: ${known.join(', ')}`;
      faults.push({ path, key, text: `${where}unknown key "${key}"; ${advice}` });
    } else if (e.keyword === 'required') {
      faults.push({ path, text: `${where}the key "${e.params.missingProperty}" is missing` });
    } else {
      faults.push({ path, text: `${where}expected ${expectation(e)}, found ${show(e.data)}${suggestion(e)}` });
    }
  }
  return faults;
}

/** The values a union or an enumeration allows; undefined when it is not made of plain values. */
function literals(schema: unknown): string[] | undefined {
  const s = schema as { enum?: unknown[]; anyOf?: { const?: unknown }[] };
  if (s?.enum) return s.enum.map(String);
  if (s?.anyOf?.every((o) => o.const !== undefined)) return s.anyOf.map((o) => String(o.const));
  return undefined;
}

function suggestion(e: ErrorObject): string {
  const among = literals(e.parentSchema);
  const meant = among && typeof e.data === 'string' ? nearest(e.data, among) : undefined;
  return meant ? `; did you mean "${meant}"?` : '';
}

function expectation(e: ErrorObject): string {
  const among = literals(e.parentSchema);
  if (among) return `one of ${among.join(', ')}`;
  switch (e.keyword) {
    case 'type': return String(e.params.type).replace('integer', 'a whole number').replace(/^(string|number|boolean)$/, 'a $1').replace(/^(array)$/, 'a list').replace(/^object$/, 'a map');
    case 'minimum': case 'exclusiveMinimum': case 'maximum': case 'exclusiveMaximum': return `a number ${e.params.comparison} ${e.params.limit}`;
    case 'minLength': return `at least ${e.params.limit} character(s)`;
    case 'maxLength': return `at most ${e.params.limit} character(s)`;
    case 'minItems': return `at least ${e.params.limit} item(s)`;
    case 'pattern': return (e.parentSchema as { description?: string })?.description ?? `text that fits ${e.params.pattern}`;
    case 'format': return `a text of the form ${e.params.format}`;
    case 'const': return JSON.stringify(e.params.allowedValue);
    default: return (e.parentSchema as { description?: string })?.description ?? `a value that ${e.message ?? 'fits'}`;
  }
}

function show(data: unknown): string {
  const text = JSON.stringify(data) ?? String(data);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function offsetOf(doc: Document, path: string[], key?: string): number {
  let node: unknown = doc.contents;
  let offset = (node as Node | null)?.range?.[0] ?? 0;
  for (const step of key === undefined ? path : [...path, key]) {
    if (isMap(node)) {
      const pair = node.items.find((p) => isScalar(p.key) && String(p.key.value) === step);
      if (!pair) break;
      node = pair.value;
      offset = (step === key ? (pair.key as Node) : (pair.value as Node | null) ?? (pair.key as Node)).range?.[0] ?? offset;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      offset = (node as Node | undefined)?.range?.[0] ?? offset;
    } else break;
  }
  return offset;
}
