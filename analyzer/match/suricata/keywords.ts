import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { compileValue, listArguments } from './keyword-values.js';
import { appsOf, MODIFIERS, PCRE_BUFFERS, STICKY } from './buffer-keywords.js';
import { CLASSTYPES, DEFAULT_PRIORITY } from './classification.js';
import type { DraftContent, Draftsman, DraftOp } from './compile.js';
import type { DatasetType } from './datasets.js';
import { EFFECT_KEYWORDS } from './effect-keywords.js';
import { isNamed } from './known-events.js';
import { NUMBER_KEYWORDS } from './number-keywords.js';
import { STATE_KEYWORDS } from './state-keywords.js';
import { compares } from './byte-tester.js';
import { comparison } from './packet-keywords.js';
import { PerlRegex, PerlRegexError } from './perl-regex.js';
import type { Capture, NumberForm, Comparison } from './program.js';
import { parseContent, type Option } from './syntax.js';
import type { BufferName } from '../buffers.js';

type Keyword = (d: Draftsman, o: Option) => void;

/** Every keyword that is not about the packet alone. */
export const KEYWORDS: Record<string, Keyword> = Object.create(null) as Record<string, Keyword>;
const text = (o: Option) => (o.value ?? '').trim();
const unquoted = (o: Option) => text(o).replace(/^"([\s\S]*)"$/, '$1');
const plain = (value: string) => value.replace(/\\([";:\\])/g, '$1');

for (const [name, buffer] of Object.entries(STICKY)) {
  KEYWORDS[name] = (d, o) => {
    d.use(buffer);
    // Of a rule on both sides of a transaction: which side is meant.
    if (o.value === 'to_server' || o.value === 'to_client') d.current.side = o.value === 'to_server' ? 0 : 1;
  };
}
for (const [name, buffer] of Object.entries(MODIFIERS)) {
  KEYWORDS[name] = (d, o) => {
    if (!d.last) {
      // Several of these names are sticky buffers of later versions when they follow no content.
      throw d.wrong(o, 'follows no content');
    }
    move(d, o, d.last, buffer);
  };
}

function move(d: Draftsman, o: Option, content: DraftContent, buffer: BufferName): void {
  if (d.current !== d.payload) throw d.wrong(o, 'moves a content that a sticky buffer holds already');
  const at = d.payload.ops.indexOf(content);
  if (at >= 0) d.payload.ops.splice(at, 1);
  const list = d.listOf(buffer);
  list.ops.push(content);
  d.lastList = list;
}

function last(d: Draftsman, o: Option): DraftContent {
  if (!d.last) throw d.wrong(o, 'follows no content');
  return d.last;
}

function addContent(d: Draftsman, o: Option): DraftContent {
  const parsed = parseContent(o.value ?? '');
  if (typeof parsed === 'string') throw d.wrong(o, parsed);
  const content: DraftContent = {
    kind: 'content', bytes: parsed.bytes, negated: parsed.negated, nocase: false, starts: false, ends: false, offset: undefined, depth: undefined, distance: undefined, within: undefined,
    fast: 'no', fastPart: undefined,
  };
  d.add(content);
  d.last = content;
  return content;
}

Object.assign(KEYWORDS, {
  msg: (d, o) => { d.message = plain(unquoted(o)); },
  sid: (d, o) => {
    const n = Number(text(o));
    if (!Number.isInteger(n) || n < 1 || n > 0xffffffff) throw d.wrong(o, 'is no number above 0');
    d.sid = n;
  },
  gid: (d, o) => {
    const n = Number(text(o));
    if (!Number.isInteger(n) || n < 0) throw d.wrong(o, 'is no number');
    d.gid = n;
  },
  rev: (d, o) => {
    const n = Number(text(o));
    if (!Number.isInteger(n) || n < 0) throw d.wrong(o, 'is no number');
    d.revision = n;
  },
  classtype: (d, o) => {
    const known = Object.hasOwn(CLASSTYPES, text(o)) ? CLASSTYPES[text(o)] : undefined;
    d.classtype = text(o);
    // As Suricata has it: a class that nobody defined is named nowhere and has the lowest priority.
    d.category = known?.[0] ?? '';
    d.classPriority = known?.[1] ?? DEFAULT_PRIORITY;
  },
  priority: (d, o) => {
    const n = Number(unquoted(o));
    if (!Number.isInteger(n) || n < 1 || n > 255) throw d.wrong(o, 'is not between 1 and 255');
    d.priority = n;
  },
  reference: (d, o) => {
    const m = /^\s*([\w-]+)\s*,\s*(.*)$/.exec(o.value ?? '');
    if (!m) throw d.wrong(o, 'does not name a kind and an id');
    const kind = m[1].toLowerCase();
    const id = plain(m[2].trim());
    d.references.push(kind === 'cve' ? (/^CVE-/i.test(id) ? id.toUpperCase() : `CVE-${id}`) : kind === 'url' ? (/^\w+:\/\//.test(id) ? id : `https://${id}`) : `${kind}:${id}`);
  },
  metadata: (d, o) => void d.metadata.push(unquoted(o)),
  target: (d, o) => {
    const t = text(o);
    if (t !== 'src_ip' && t !== 'dest_ip') throw d.wrong(o, 'is neither src_ip nor dest_ip');
    d.target = t;
  },
  noalert: (d) => { d.silent = true; },
  alert: (d) => { d.silent = false; },
  requires: (d, o) => {
    for (const one of text(o).split(/[,|]/)) {
      const m = /^\s*version\s*(>=|<=|>|<)\s*(\d+)(?:\.(\d+))?(?:\.(\d+))?\s*$/.exec(one);
      if (m) {
        const want = Number(m[2]) * 1e6 + Number(m[3] ?? 0) * 1e3 + Number(m[4] ?? 0);
        const have = 7_000_010;
        const fits = m[1] === '>=' ? have >= want : m[1] === '<=' ? have <= want : m[1] === '>' ? have > want : have < want;
        if (!fits && !text(o).includes('|')) throw d.unsupported(o, `the rule is for another version: ${one.trim()}`);
      } else if (/^\s*(?:feature|keyword)\s/.test(one)) {
        const name = one.trim().split(/\s+/)[1] ?? '';
        if (!(name in KEYWORDS) && !/^(?:geoip|lua|http|tls)/.test(name)) throw d.unsupported(o, `'${name}' is not there`);
      }
    }
  },

  // --- contents
  content: (d, o) => void addContent(d, o),
  uricontent: (d, o) => {
    const content = addContent(d, o);
    move(d, o, content, 'http.uri');
  },
  nocase: (d, o) => { last(d, o).nocase = true; },
  offset: (d, o) => { last(d, o).offset = compileValue(d, o, text(o), 0, 65535); },
  depth: (d, o) => { last(d, o).depth = compileValue(d, o, text(o), 1, 65535); },
  distance: (d, o) => { last(d, o).distance = compileValue(d, o, text(o), -65535, 65535); },
  within: (d, o) => { last(d, o).within = compileValue(d, o, text(o), 1, 65535); },
  startswith: (d, o) => {
    const c = last(d, o);
    if (c.offset !== undefined || c.depth !== undefined || c.distance !== undefined || c.within !== undefined) throw d.wrong(o, 'stands with a position of its own');
    c.starts = true;
  },
  endswith: (d, o) => {
    last(d, o).ends = true;
  },
  fast_pattern: (d, o) => {
    const c = last(d, o);
    c.fast = 'yes';
    const m = /^(\d+)\s*,\s*(\d+)$/.exec(text(o));
    if (m) {
      if (Number(m[1]) + Number(m[2]) > c.bytes.length) throw d.wrong(o, 'lies outside its content');
      c.fastPart = [Number(m[1]), Number(m[2])];
    } else if (text(o) !== '' && text(o) !== 'only') throw d.wrong(o, 'is neither "only" nor an offset and a length');
  },
  replace: (d, o) => {
    last(d, o);
    d.without(o, 'packets are watched, never changed');
  },
  pkt_data: (d) => {
    d.current = d.payload;
    d.last = undefined;
  },
  base64_data: (d) => {
    d.current = d.base64;
    d.last = undefined;
  },
  base64_decode: (d, o) => {
    const args = listArguments(text(o));
    let bytes: number | { slot: number } | undefined;
    let offset = 0;
    let relative = false;
    for (const a of args) {
      const m = /^(bytes|offset)\s+(\S+)$/.exec(a);
      if (a === 'relative') relative = true;
      else if (m?.[1] === 'bytes') bytes = compileValue(d, o, m[2], 1, 65535);
      else if (m?.[1] === 'offset') offset = Number(m[2]);
      else if (a !== '') throw d.wrong(o, `'${a}' is not part of it`);
    }
    d.addBehind({ kind: 'base64', bytes, offset, relative, ops: [] }, true);
    d.last = undefined;
  },
  pcre,
  isdataat: (d, o) => {
    const m = /^(!?)\s*([\w-]+)\s*(?:,\s*(.*))?$/.exec(text(o));
    if (!m) throw d.wrong(o, 'is no position');
    const flags = (m[3] ?? '').split(',').map((f) => f.trim());
    const relative = flags.includes('relative');
    // The word at the end of a content: one byte more.
    d.addBehind({ kind: 'isdataat', at: compileValue(d, o, m[2], 0, 65535), negated: m[1] === '!', relative }, relative);
  },
  bsize: (d, o) => {
    const c = comparison(text(o));
    if (!c) throw d.wrong(o, 'is no comparison with a number');
    if (d.current === d.payload) throw d.wrong(o, 'follows no sticky buffer');
    d.add({ kind: 'length', compare: c.compare, value: c.value, high: c.high });
  },
  urilen: (d, o) => {
    const [range, form] = text(o).split(',').map((s) => s.trim());
    const c = comparison(range);
    if (!c) throw d.wrong(o, 'is no comparison with a number');
    d.listOf(form === 'norm' ? 'http.uri' : 'http.uri.raw').ops.push({ kind: 'length', compare: c.compare, value: c.value, high: c.high });
  },
  absent: (d, o) => {
    if (d.current === d.payload) throw d.wrong(o, 'follows no sticky buffer');
    d.add({ kind: 'absent', orElse: /or_else/.test(text(o)) });
  },
  byte_test: (d, o) => {
    const a = listArguments(text(o));
    const m = /^(!?)\s*(<=|>=|<|>|=|&|\^)$/.exec(a[1] ?? '');
    if (a.length < 4 || (!m && a[1] !== '!')) throw d.wrong(o, 'wants a number of bytes, a comparison, a value and an offset');
    const negated = m ? m[1] === '!' : true;
    const compare: Comparison = m ? (m[2] as Comparison) : '=';
    const f = form(d, o, a[0], a.slice(4));
    d.addBehind({ kind: 'byte-test', form: f, compare, negated, value: compileValue(d, o, a[2], 0, 2 ** 64), offset: compileValue(d, o, a[3], -65535, 65535) }, f.relative);
  },
  byte_jump: (d, o) => {
    const a = listArguments(text(o));
    if (a.length < 2) throw d.wrong(o, 'wants a number of bytes and an offset');
    const rest = a.slice(2);
    const number = (name: string) => {
      const found = rest.find((r) => r.startsWith(`${name} `));
      return found?.slice(name.length + 1).trim();
    };
    const post = number('post_offset');
    const op: DraftOp = {
      kind: 'byte-jump', form: form(d, o, a[0], rest.filter((r) => !/^(?:multiplier|post_offset|align|from_beginning|from_end)/.test(r))), offset: compileValue(d, o, a[1], -65535, 65535),
      multiplier: Number(number('multiplier') ?? 1), align: rest.includes('align'), from: rest.includes('from_beginning') ? 'beginning' : rest.includes('from_end') ? 'end' : 'here',
      post: post === undefined ? 0 : compileValue(d, o, post, -65535, 65535),
    };
    d.addBehind(op, op.form.relative);
    d.last = undefined;
  },
  byte_extract: (d, o) => {
    const a = listArguments(text(o));
    if (a.length < 3 || !/^[A-Za-z_][\w-]*$/.test(a[2])) throw d.wrong(o, 'wants a number of bytes, an offset and a name');
    const rest = a.slice(3);
    const number = (name: string) => rest.find((r) => r.startsWith(`${name} `))?.slice(name.length + 1).trim();
    const op: DraftOp = {
      kind: 'byte-extract', form: form(d, o, a[0], rest.filter((r) => !/^(?:multiplier|align)/.test(r))), offset: compileValue(d, o, a[1], -65535, 65535),
      multiplier: Number(number('multiplier') ?? 1), align: Number(number('align') ?? 0), slot: d.slot(a[2]),
    };
    d.addBehind(op, op.form.relative);
    d.last = undefined;
  },
  byte_math: (d, o) => {
    const args = new Map<string, string>();
    const flags: string[] = [];
    for (const part of text(o).split(',')) {
      const m = /^\s*(bytes|offset|oper|rvalue|result|endian|string|bitmask)\s+(\S+)\s*$/.exec(part);
      if (m) args.set(m[1], m[2]);
      else flags.push(part.trim());
    }
    const operator = args.get('oper') ?? '';
    const result = args.get('result');
    if (!['+', '-', '*', '/', '<<', '>>'].includes(operator) || result === undefined || !args.has('bytes') || !args.has('offset') || !args.has('rvalue')) throw d.wrong(o, 'wants bytes, offset, oper, rvalue and result');
    const more = [...flags.filter((f) => f !== ''), ...(args.has('endian') ? [args.get('endian') as string] : []), ...(args.has('string') ? ['string', args.get('string') as string] : []),
      ...(args.has('bitmask') ? [`bitmask ${args.get('bitmask') as string}`] : [])];
    const op: DraftOp = {
      kind: 'byte-math', form: form(d, o, args.get('bytes') as string, more), offset: compileValue(d, o, args.get('offset') as string, -65535, 65535),
      operator: operator as '+', operand: compileValue(d, o, args.get('rvalue') as string, 0, 2 ** 32), slot: d.slot(result),
    };
    d.addBehind(op, op.form.relative);
    d.last = undefined;
  },
  dataset: (d, o) => {
    const a = listArguments(text(o));
    const [how, name] = a;
    if (!['isset', 'isnotset', 'set', 'unset'].includes(how) || !name) throw d.wrong(o, 'wants isset, isnotset, set or unset and a name');
    if (d.current === d.payload) throw d.wrong(o, 'follows no sticky buffer');
    const options = new Map(a.slice(2).map((p) => [p.split(/\s+/)[0], p.split(/\s+/).slice(1).join(' ')] as const));
    const type = options.get('type');
    if (type !== undefined && !['string', 'md5', 'sha256', 'ipv4', 'ip'].includes(type)) throw d.wrong(o, `there is no type '${type}'`);
    const format = options.get('format');
    if (format !== undefined && !['csv', 'json', 'ndjson', 'jsonline'].includes(format)) throw d.wrong(o, `there is no format '${format}'`);
    for (const name of options.keys()) if (!DATASET_OPTIONS.has(name)) throw d.wrong(o, `'${name}' is not part of it`);
    for (const name of ['save', 'state'] as const) if (options.has(name)) d.without(o, `'${name}': the set is kept in memory and not written back`);
    for (const name of ['memcap', 'hashsize'] as const) if (options.has(name)) d.without(o, `'${name}': sets have one bound of their own`);
    const json = format !== undefined && format !== 'csv';
    if (json && (!options.has('context_key') || !options.has('value_key'))) throw d.wrong(o, 'of JSON wants context_key and value_key');
    if (!json && options.has('context_key')) throw d.wrong(o, 'has a context_key although its file is not JSON');
    const form = json ? { lines: format !== 'json', contextKey: options.get('context_key') as string, valueKey: options.get('value_key') as string, arrayKey: options.get('array_key'), removeKey: options.has('remove_key') } : undefined;
    const set = d.datasets.get(name, type as DatasetType | undefined, options.get('load') ?? options.get('state'), d.rule.place.file, form);
    if (typeof set === 'string') throw d.wrong(o, set);
    d.add({ kind: 'set', dataset: set, isset: how === 'isset', change: how === 'set' ? 'add' : how === 'unset' ? 'remove' : undefined });
  },
  datarep: (d, o) => {
    const a = listArguments(text(o));
    const [name, sign, limit] = a;
    const options = new Map(a.slice(3).map((p) => [p.split(/\s+/)[0], p.split(/\s+/).slice(1).join(' ')] as const));
    if (!name || !['<', '>', '='].includes(sign) || !/^\d+$/.test(limit ?? '')) throw d.wrong(o, 'wants a name, a comparison and a number');
    const set = d.datasets.get(name, options.get('type') as DatasetType | undefined, options.get('load'), d.rule.place.file);
    if (typeof set === 'string') throw d.wrong(o, set);
    const n = Number(limit);
    d.add({
      kind: 'xform', run: (bytes) => {
        const rep = set.reputation.get(set.key(bytes));
        return rep !== undefined && (sign === '<' ? rep < n : sign === '>' ? rep > n : rep === n);
      },
    });
  },
  entropy: (d, o) => {
    const m = /value\s*(<=|>=|<|>|=)?\s*([\d.]+)/.exec(text(o));
    if (!m) throw d.wrong(o, 'names no value');
    const want = Number(m[2]);
    const sign = (m[1] ?? '=') as Comparison;
    d.add({ kind: 'xform', run: (bytes) => { const e = entropyOf(bytes); return sign === '<' ? e < want : sign === '>' ? e > want : sign === '<=' ? e <= want : sign === '>=' ? e >= want : e === want; } });
  },
} satisfies Record<string, Keyword>);

Object.assign(KEYWORDS, STATE_KEYWORDS, EFFECT_KEYWORDS);

const DATASET_OPTIONS = new Set(['type', 'load', 'save', 'state', 'memcap', 'hashsize', 'format', 'context_key', 'value_key', 'array_key', 'remove_key', '']);

function entropyOf(bytes: Uint8Array): number {
  const counts = new Uint32Array(256);
  for (const b of bytes) counts[b]++;
  let bits = 0;
  for (const c of counts) if (c > 0) bits -= (c / bytes.length) * Math.log2(c / bytes.length);
  return bits;
}

function form(d: Draftsman, o: Option, bytes: string, flags: readonly string[]): NumberForm {
  let base: 0 | 8 | 10 | 16 = 0;
  let string = false;
  let little = false;
  let relative = false;
  let mask: number | undefined;
  let dce = false;
  for (const flag of flags.map((f) => f.trim())) {
    if (flag === 'relative') relative = true;
    else if (flag === 'string') string = true;
    else if (flag === 'hex') base = 16;
    else if (flag === 'dec') base = 10;
    else if (flag === 'oct') base = 8;
    else if (flag === 'little') little = true;
    else if (flag === 'big' || flag === '') continue;
    else if (flag === 'dce') dce = true;
    else if (flag.startsWith('bitmask ')) mask = Number(flag.slice(8).trim().replace(/^(?!0x)/i, '0x'));
    else if (flag === 'string hex') { string = true; base = 16; }
    else if (flag === 'string dec') { string = true; base = 10; }
    else if (flag === 'string oct') { string = true; base = 8; }
    else throw d.wrong(o, `'${flag}' is not part of it`);
  }
  if (base !== 0 && !string && flags.length > 0) string = true;
  return { bytes: compileValue(d, o, bytes, 0, 64), text: string ? (base === 0 ? 10 : base) : 0, little, relative, mask, dce };
}

/** `pcre:"/…/flags"`; letters of old rules move it to a buffer of HTTP. */
function pcre(d: Draftsman, o: Option): void {
  const m = /^(!?)\s*"?[^/]*\/([\s\S]*)\/([A-Za-z]*)\s*(?:,\s*([^"]*))?"?\s*(?:,\s*(.*))?$/.exec(text(o));
  if (!m) throw d.wrong(o, 'is no expression between slashes');
  const flags = m[3];
  let list = d.current;
  for (const f of flags) {
    const buffer = Object.hasOwn(PCRE_BUFFERS, f) ? PCRE_BUFFERS[f] : undefined;
    if (buffer) {
      list = d.current.buffer === buffer ? d.current : d.listOf(buffer);
    } else if (f === 'B' || f === 'O') d.without(o, f === 'B' ? "flag B: bytes are looked at as they came in any case" : 'flag O: the bound of steps is the same for every expression');
    else if (!'ismxAEGR'.includes(f)) throw d.wrong(o, `has the unknown flag ${f}`);
  }
  const captures: Capture[] = [];
  let source = plainRegex(m[2]);
  for (const one of (m[4] ?? m[5] ?? '').split(',').map((s) => s.trim()).filter((s) => s !== '')) {
    const c = /^(flow|pkt|alert):(\S+)$/.exec(one);
    if (!c) throw d.wrong(o, `'${one}' is no capture`);
    captures.push({ scope: c[1] as 'flow', name: c[2] });
  }
  source = source.replace(/\(\?P<(flow|pkt|alert)_(\w+)>/g, (_whole, scope: 'flow', name: string) => {
    captures.push({ scope, name });
    return '(';
  });
  try {
    const regex = new PerlRegex(source, {
      nocase: flags.includes('i'), dotAll: flags.includes('s'), multiline: flags.includes('m'), extended: flags.includes('x'), anchored: flags.includes('A'),
      dollarEnd: flags.includes('E'), ungreedy: flags.includes('G'),
    });
    d.lastList = list;
    list.ops.push({ kind: 'pcre', regex, negated: m[1] === '!', relative: flags.includes('R'), captures });
  } catch (error) {
    if (!(error instanceof PerlRegexError)) throw error;
    throw d.wrong(o, `expression: ${error.message}`);
  }
  d.last = undefined;
}

/** Characters above ASCII stand for their UTF-8 bytes; an escaped semicolon or quote for itself. */
function plainRegex(source: string): string {
  return Buffer.from(source, 'utf8').toString('latin1');
}

// --- the application protocol, flow, transforms

function event(d: Draftsman, o: Option, name: string): void {
  d.events.push(name);
  if (!isNamed(name)) d.without(o, `nothing here names the anomaly ${name}: the rule stays silent`);
}

Object.assign(KEYWORDS, {
  flow: (d, o) => {
    d.hasFlow = true;
    d.ipOnly = false;
    for (const word of text(o).split(',').map((w) => w.trim().toLowerCase()).filter((w) => w !== '')) {
      switch (word) {
        case 'to_server': case 'from_client': d.toServer = true; break;
        case 'to_client': case 'from_server': d.toClient = true; break;
        case 'established': d.established = true; d.tests.push((s) => s.established); break;
        case 'not_established': d.established = false; d.tests.push((s) => !s.established); break;
        case 'stateless': break;
        case 'only_stream': d.onlyStream = true; break;
        case 'no_stream': d.onlyPacket = true; break;
        case 'no_frag': d.tests.push((s) => s.packet.fragment === 0); break;
        case 'only_frag': d.tests.push((s) => s.packet.fragment !== 0); break;
        default: throw d.wrong(o, `'${word}' is not part of it`);
      }
    }
    if (d.toServer && d.toClient) throw d.wrong(o, 'names both directions');
    const want = d.toServer ? 0 : d.toClient ? 1 : -1;
    if (want >= 0) d.tests.unshift((s) => s.flow !== undefined && s.direction === want);
  },
  'app-layer-protocol': (d, o) => {
    const [value, mode] = text(o).split(',').map((s) => s.trim());
    const negated = value.startsWith('!');
    const name = value.replace(/^!\s*/, '');
    if (mode !== undefined && !['final', 'original', 'either', 'to_server', 'to_client', 'toserver', 'toclient', 'exact'].includes(mode)) throw d.wrong(o, `'${mode}' is not part of it`);
    if (mode !== undefined && mode !== 'final' && mode !== 'exact' && mode !== 'either') throw d.unsupported(o, `'${mode}': one protocol is kept of a flow, the last`);
    const names = name === 'failed' || name === 'unknown' ? [name] : appsOf(name);
    if (!names) throw d.unsupported(o, `'${name}' is not decoded for rules`);
    d.ipOnly = false;
    if (!negated && d.protocolOnly === undefined) d.protocolOnly = [...names];
    d.tests.push((s) => {
      const app = s.flow?.app ?? 'unknown';
      if (app === 'unknown' && name !== 'unknown') return false;
      return names.includes(app) !== negated;
    });
    d.protocolOnly ??= [];
  },
  'app-layer-event': (d, o) => {
    const m = /^([a-z0-9-]+)\.([a-z0-9_.-]+)$/.exec(text(o));
    if (!m && !/^[a-z0-9_]+$/.test(text(o))) throw d.wrong(o, 'names no protocol and event');
    event(d, o, m ? `${m[1] === 'http1' ? 'http' : m[1]}.${m[2]}` : `applayer.${text(o)}`);
  },
  'decode-event': (d, o) => event(d, o, `decoder.${text(o).replace(/^decoder\./, '')}`),
  'stream-event': (d, o) => event(d, o, `stream.${text(o).replace(/^stream\./, '')}`),
  'engine-event': (d, o) => event(d, o, text(o)),
} satisfies Record<string, Keyword>);

const TRANSFORMS: Record<string, string> = {
  to_md5: 'md5', to_sha1: 'sha1', to_sha256: 'sha256', url_decode: 'url-decode', compress_whitespace: 'compress-whitespace', strip_whitespace: 'strip-whitespace',
  dotprefix: 'dotprefix', to_lowercase: 'to-lowercase', to_uppercase: 'to-uppercase', header_lowercase: 'header-lowercase', strip_pseudo_headers: 'strip-pseudo-headers',
  gunzip: 'gunzip', zlib_deflate: 'gunzip',
};
function addTransform(d: Draftsman, o: Option, name: string): void {
  if (d.current === d.payload || d.current === d.base64) throw d.wrong(o, 'follows no sticky buffer');
  // Behind a condition it is for what follows.
  if (d.current.ops.length > 0) d.lists.push((d.current = { buffer: d.current.buffer, transforms: [...d.current.transforms], ops: [], fast: false }));
  d.last = undefined;
  d.current.transforms.push(name);
}
for (const [keyword, name] of Object.entries(TRANSFORMS)) KEYWORDS[keyword] = (d, o) => addTransform(d, o, name);
KEYWORDS['xor'] = (d, o) => {
  const m = /^(?:offset\s+(\d+)\s*,\s*)?(?:"?((?:[0-9a-fA-F]{2}){1,255})"?|extract\s+([1-9]\d{0,2})\s+(\d{1,5}))$/.exec(text(o));
  if (!m) throw d.wrong(o, 'wants a key of hexadecimal digits, or "extract" with a length and a place');
  addTransform(d, o, m[2] !== undefined && m[1] === undefined ? `xor:${m[2].toLowerCase()}` : `xor-from:${m[1] ?? 0},${m[2] ?? ''},${m[3] ?? 0},${m[4] ?? 0}`);
};
KEYWORDS['pcrexform'] = (d, o) => {
  try {
    new PerlRegex(plainRegex(unquoted(o)));
  } catch (error) {
    throw d.wrong(o, (error as Error).message);
  }
  addTransform(d, o, `pcrexform:${plainRegex(unquoted(o))}`);
};
KEYWORDS['from_base64'] = (d, o) => addTransform(d, o, `from_base64:${text(o)}`);
KEYWORDS['subslice'] = (d, o) => {
  if (!/^\s*-?\d+\s*(?:,\s*-?\d+)?\s*(?:,\s*truncate)?\s*$/.test(text(o))) throw d.wrong(o, 'wants an offset and a size');
  addTransform(d, o, `subslice:${text(o)}`);
};

Object.assign(KEYWORDS, NUMBER_KEYWORDS);
const opnum: Keyword = (d, o) => {
  const wanted: [number, number][] = [];
  for (const part of text(o).split(',')) {
    const m = /^\s*(\d+)\s*(?:-\s*(\d+))?\s*$/.exec(part);
    const c = m ? undefined : comparison(part);
    if (m) wanted.push([Number(m[1]), Number(m[2] ?? m[1])]);
    else if (c && c.compare === '>') wanted.push([c.value + 1, Infinity]);
    else if (c && c.compare === '<') wanted.push([0, c.value - 1]);
    else throw d.wrong(o, `'${part}' is no number of an operation`);
  }
  d.ask('dcerpc.call_opnum', wanted.length === 1 && wanted[0][0] === wanted[0][1] ? { kind: 'number', compare: '=', value: wanted[0][0], high: 0 } : { kind: 'number-in', ranges: wanted });
};
KEYWORDS['dcerpc.opnum'] = opnum;
KEYWORDS['dce_opnum'] = opnum;
const iface: Keyword = (d, o) => {
  const m = /^\s*([0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})\s*(?:,\s*([<>=!]?\s*\d+))?\s*(,\s*any_frag)?\s*$/.exec(o.value ?? '');
  const version = m?.[2] === undefined ? undefined : comparison(m[2]);
  if (!m || (m[2] !== undefined && !version)) throw d.wrong(o, 'is no interface, version and any_frag');
  const bytes = new TextEncoder().encode(`${m[1].toLowerCase()},`);
  const any = m[3] !== undefined;
  d.askAll('dcerpc.call', [
    { kind: 'content', bytes, nocase: false, negated: false, starts: true, ends: false, offset: undefined, depth: undefined, distance: undefined, within: undefined, fast: 'no', fastPart: undefined },
    {
      kind: 'xform', run: (call) => {
        const [, number, first] = Buffer.from(call).toString('latin1').split(',');
        return (any || first === '1') && (!version || compares(version.compare, Number(number), version.value, version.high) !== version.negated);
      },
    },
  ]);
};
KEYWORDS['dcerpc.iface'] = iface;
KEYWORDS['dce_iface'] = iface;

/** Old keywords that are a buffer and its only content in one. */
const ONE_TEXT: Record<string, { buffer: BufferName; nocase?: boolean; ends?: boolean }> = {
  'tls.subject': { buffer: 'tls.cert_subject' }, 'tls.issuerdn': { buffer: 'tls.cert_issuer' }, 'tls.fingerprint': { buffer: 'tls.cert_fingerprint', nocase: true },
  filename: { buffer: 'file.name', nocase: true }, 'ssh.softwareversion': { buffer: 'ssh.software' },
};
for (const [keyword, { buffer, nocase = false }] of Object.entries(ONE_TEXT)) {
  KEYWORDS[keyword] = (d, o) => {
    const m = /^(!?)\s*"?([^"]+)"?$/.exec(text(o));
    if (!m) throw d.wrong(o, 'is no text');
    const list = d.listOf(buffer);
    const bytes = new TextEncoder().encode(m[2]);
    list.ops.push({ kind: 'content', bytes, nocase, negated: m[1] === '!', starts: false, ends: false, offset: undefined, depth: undefined, distance: undefined, within: undefined, fast: 'no', fastPart: undefined });
  };
}
KEYWORDS['fileext'] = (d, o) => {
  const m = /^(!?)\s*"?\.?([^"]+)"?$/.exec(text(o));
  if (!m) throw d.wrong(o, 'is no extension');
  const bytes = new TextEncoder().encode(`.${m[2]}`);
  d.listOf('file.name').ops.push({ kind: 'content', bytes, nocase: true, negated: m[1] === '!', starts: false, ends: true, offset: undefined, depth: undefined, distance: undefined, within: undefined, fast: 'no', fastPart: undefined });
};
KEYWORDS['tls.version'] = (d, o) => {
  const v = unquoted(o);
  if (!/^(?:1\.[0-3]|0x[0-9a-fA-F]{4})$/.test(v)) throw d.wrong(o, 'is no version of TLS');
  const names: Record<string, string> = { '1.0': 'TLSv1', '1.1': 'TLS 1.1', '1.2': 'TLS 1.2', '1.3': 'TLS 1.3' };
  const bytes = new TextEncoder().encode(names[v] ?? v);
  d.listOf('tls.version').ops.push({ kind: 'content', bytes, nocase: true, negated: false, starts: true, ends: true, offset: undefined, depth: undefined, distance: undefined, within: undefined, fast: 'no', fastPart: undefined });
};
/** `ip.src` and `ip.dst`: addresses of the packet as bytes, for datasets. */
for (const [keyword, source] of [['ip.src', true], ['ip.dst', false]] as const) {
  KEYWORDS[keyword] = (d) => d.use(source ? 'ip.src' : 'ip.dst');
}
/** Files as far as they are in view: digests in a list, size. */
for (const [keyword, algorithm] of [['filemd5', 'md5'], ['filesha1', 'sha1'], ['filesha256', 'sha256']] as const) {
  KEYWORDS[keyword] = (d, o) => {
    const m = /^(!?)\s*(\S+)$/.exec(text(o));
    let list: string | undefined;
    try {
      list = m ? readFileSync(isAbsolute(m[2]) ? m[2] : join(dirname(d.rule.place.file), m[2]), 'latin1') : undefined;
    } catch {
      list = undefined;
    }
    if (!m || list === undefined) throw d.wrong(o, 'names no file that can be read');
    const known = new Set([...list.matchAll(/^\s*([0-9a-fA-F]{32,64})/gm)].map((x) => x[1].toLowerCase()));
    d.ask('file.data', { kind: 'xform', run: (bytes) => known.has(createHash(algorithm).update(bytes).digest('hex')) !== (m[1] === '!') });
  };
}
KEYWORDS['filesize'] = (d, o) => {
  const m = /^\s*(?:(to_server|to_client)\s*,)?(.*)$/.exec(text(o));
  const c = comparison(m?.[2]);
  if (!c) throw d.wrong(o, 'is no comparison with a number');
  if (m?.[1] !== undefined) {
    d.lists.push({ buffer: 'file.data', transforms: [], ops: [{ kind: 'length', compare: c.compare, value: c.value, high: c.high }], fast: false, side: m[1] === 'to_server' ? 0 : 1 });
    return;
  }
  d.ask('file.data', { kind: 'length', compare: c.compare, value: c.value, high: c.high });
};
/** The time and the rest of TLS's random bytes. */
KEYWORDS['tls.random_time'] = (d) => {
  d.last = undefined;
  d.current = { buffer: 'tls.random', transforms: ['subslice:0,4'], ops: [], fast: false };
  d.lists.push(d.current);
};
KEYWORDS['tls.random_bytes'] = (d) => {
  d.last = undefined;
  d.current = { buffer: 'tls.random', transforms: ['subslice:4'], ops: [], fast: false };
  d.lists.push(d.current);
};
KEYWORDS['tls.cert_chain_len'] = (d, o) => {
  const c = comparison(text(o));
  if (!c) throw d.wrong(o, 'is no comparison with a number');
  const min = c.compare === '>' || c.compare === '<>' ? c.value + 1 : c.compare === '>=' || c.compare === '=' ? c.value : 1;
  const max = c.compare === '<' ? c.value - 1 : c.compare === '<=' || c.compare === '=' ? c.value : c.compare === '<>' ? c.high - 1 : Infinity;
  d.lists.push({ buffer: 'tls.certs', transforms: [], ops: [{ kind: 'length', compare: '>=', value: 0, high: 0 }], fast: false, instances: { min, max } });
};
KEYWORDS['ftpbounce'] = (d, o) => {
  throw d.unsupported(o, 'addresses in PORT commands are not compared');
};
