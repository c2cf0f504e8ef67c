import type { Draftsman } from './compile.js';
import type { FlowFacts } from './flow-facts.js';
import { hostKey, sharedState } from './shared-state.js';
import type { Comparison, Effect, Scene, SuricataThreshold, Test } from './program.js';
import { compares } from './byte-tester.js';
import type { Option } from './syntax.js';

type Keyword = (d: Draftsman, o: Option) => void;

const text = (o: Option) => (o.value ?? '').trim();
const facts = (s: Scene): FlowFacts | undefined => s.facts;

function flowbits(d: Draftsman, o: Option): void {
  if (!/^set\s*,/.test(text(o))) d.ipOnly = false;
  if (text(o) === 'noalert') {
    d.silent = true;
    return;
  }
  const m = /^(set|unset|toggle|isset|isnotset)\s*,\s*(.+)$/.exec(text(o));
  if (!m) throw d.wrong(o, 'wants set, unset, toggle, isset or isnotset and a name');
  const names = m[2].split('|').map((n) => n.trim());
  if (names.some((n) => n === '' || /\s/.test(n))) throw d.wrong(o, 'has a name with blanks');
  switch (m[1]) {
    case 'isset':
      d.bitsUse = Math.max(d.bitsUse === 3 ? 2 : d.bitsUse, 1);
      d.tests.push((s) => { const f = facts(s); return f !== undefined && names.some((n) => f.bits.has(n)); });
      break;
    case 'isnotset':
      d.bitsUse = Math.max(d.bitsUse === 3 ? 2 : d.bitsUse, 1);
      d.tests.push((s) => { const f = facts(s); return f !== undefined && names.some((n) => !f.bits.has(n)); });
      break;
    default: {
      const change = m[1];
      d.bitsUse = d.bitsUse === 1 ? 2 : 3;
      d.effects.push((s) => {
        const f = facts(s);
        if (!f) return;
        for (const n of names) {
          if (change === 'set' || (change === 'toggle' && !f.bits.has(n))) f.set(n);
          else f.bits.delete(n);
        }
      });
    }
  }
}

function flowint(d: Draftsman, o: Option): void {
  d.ipOnly = false;
  const m = /^([\w.-]+)\s*,\s*(\+|-|=|<|>|<=|>=|==|!=|isset|notset|isnotset)\s*(?:,\s*([\w.-]+))?$/.exec(text(o));
  if (!m) throw d.wrong(o, 'wants a name, an operation and a value');
  const [, name, operation, operand] = m;
  const value = (f: FlowFacts): number | undefined => (/^\d+$/.test(operand ?? '') ? Number(operand) : f.ints.get(operand ?? ''));
  if (['+', '-', '='].includes(operation)) {
    d.intsUse = d.intsUse === 1 ? 2 : 3;
    d.effects.push((s) => {
      const f = facts(s);
      const v = f && value(f);
      if (!f || v === undefined) return;
      const had = f.ints.get(name) ?? 0;
      f.ints.set(name, operation === '=' ? v : operation === '+' ? had + v : Math.max(0, had - v));
    });
    return;
  }
  d.intsUse = d.intsUse === 3 ? 2 : Math.max(1, d.intsUse);
  d.tests.push((s) => {
    const f = facts(s);
    if (!f) return false;
    if (operation === 'isset') return f.ints.has(name);
    if (operation === 'notset' || operation === 'isnotset') return !f.ints.has(name);
    const had = f.ints.get(name);
    const v = value(f);
    if (had === undefined || v === undefined) return false;
    return compares((operation === '==' ? '=' : operation) as Comparison, had, v);
  });
}

/** Bits of addresses and pairs of addresses, which outlive flows. */
function hostbits(d: Draftsman, o: Option): void {
  d.ipOnly = false;
  const host = o.keyword === 'hostbits';
  const pattern = host ? /^(set|unset|toggle|isset|isnotset)\s*,\s*([^,\s]+)\s*(?:,\s*(src|dst|both))?(?:\s*,\s*expire\s+(\d+))?$/
    : /^(set|unset|toggle|isset|isnotset)\s*,\s*([^,\s]+)\s*,\s*track\s+(ip_src|ip_dst|ip_pair|tx)(?:\s*,\s*expire\s+(\d+))?$/;
  const value = text(o);
  if (value === 'noalert') {
    d.silent = true;
    return;
  }
  const m = pattern.exec(value);
  if (!m) throw d.wrong(o, host ? 'wants an operation, a name and src or dst' : 'wants an operation, a name and "track ip_src", "ip_dst" or "ip_pair"');
  const [, operation, name, side = 'src', expire] = m;
  if (side === 'tx') throw d.unsupported(o, 'bits of a transaction are not kept');
  const track = side === 'src' || side === 'ip_src' ? 'src' : side === 'ip_pair' ? 'pair' : side === 'both' ? 'pair' : 'dst';
  const seconds = Number(expire ?? (host ? 3600 : 30));
  const keys = (s: Scene) => `${o.keyword}\0${name}\0${hostKey(s, track)}`;
  if (operation === 'isset' || operation === 'isnotset') {
    d.xbitsUse = d.xbitsUse === 3 ? 2 : Math.max(1, d.xbitsUse);
    const wanted = operation === 'isset';
    const test: Test = (s) => sharedState(s.context).isSet(keys(s), s.nowUs) === wanted;
    test.later = (s) => ({ kind: 'bit', key: keys(s), wanted });
    d.tests.push(test);
    return;
  }
  d.xbitsUse = d.xbitsUse === 1 ? 2 : 3;
  const effect: Effect = (s) => {
    const state = sharedState(s.context);
    const key = keys(s);
    if (operation === 'set' || (operation === 'toggle' && !state.isSet(key, s.nowUs))) state.set(key, s.nowUs, seconds);
    else state.unset(key);
  };
  effect.later = (s) => (operation === 'unset' ? { kind: 'unset', key: keys(s) } : { kind: operation as 'set' | 'toggle', key: keys(s), seconds });
  d.effects.push(effect);
}

function threshold(d: Draftsman, o: Option): void {
  const filter = o.keyword === 'detection_filter';
  const args = new Map<string, string>();
  for (const part of text(o).split(',')) {
    const m = /^\s*(type|track|count|seconds|multiplier|unique_on)\s+(\S+)\s*$/.exec(part);
    if (!m) throw d.wrong(o, `'${part.trim()}' is not part of it`);
    args.set(m[1], m[2]);
  }
  const kind = filter ? 'detection_filter' : args.get('type');
  const track = args.get('track');
  if (!kind || !['threshold', 'limit', 'both', 'detection_filter', 'backoff'].includes(kind)) throw d.wrong(o, 'has no type of threshold, limit or both');
  if (!track || !['by_src', 'by_dst', 'by_both', 'by_rule', 'by_flow'].includes(track)) throw d.wrong(o, 'does not say what it tracks');
  const count = Number(args.get('count') ?? Number.NaN);
  const seconds = Number(args.get('seconds') ?? (kind === 'backoff' ? 0 : Number.NaN));
  if (!(count >= 1) || !(seconds >= (kind === 'backoff' ? 0 : 1))) throw d.wrong(o, 'wants a count and seconds above 0');
  const made: SuricataThreshold = {
    kind: kind as SuricataThreshold['kind'], track: track as SuricataThreshold['track'], count, seconds, multiplier: Number(args.get('multiplier') ?? 10), distinct: args.get('unique_on'),
  };
  if (filter) d.detectionFilter = made;
  else d.threshold = made;
}

/** Keywords about what flows, addresses and rules have seen before. */
export const STATE_KEYWORDS: Record<string, Keyword> = { flowbits, flowint, hostbits, xbits: hostbits, threshold, detection_filter: threshold };
