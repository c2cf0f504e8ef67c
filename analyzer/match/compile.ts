import { CLASSES, SEVERITIES, VERDICTS, type DetectionClass } from '../../contracts/classes.js';
import type { BufferTest, Condition, NumberAt, Range, RuleDocument, RuleProtocol, Side } from '../../contracts/rule.js';
import { addressSet, ANY_ADDRESS, ANY_PORT, ports, type AddressSet, type PortSet, type Variables } from './addresses.js';
import { finalStage, isBody, isOnProtocol, sideOf } from './buffer-facts.js';
import { B, BUFFER_NAMES, type BufferName } from './buffers.js';
import type { Parsed, Path } from './document.js';
import { nameOf } from './document.js';
import { ruleErrors, type RuleError, type RuleWarning } from './errors.js';
import { instead } from './nearest.js';
import { compileRegex, RegexError } from './regex.js';
import { foldLiteral } from './scan-image.js';
import type { EventLeaf, FastPattern, Header, Leaf, Node, Op, Part, Place, RuleInfo, Signature, VerdictProgram } from './signature.js';
import { compileSuricata } from './suricata/compile.js';
import { Datasets } from './suricata/datasets.js';
import { parseRule } from './suricata/syntax.js';

const TRANSPORTS: Partial<Record<RuleProtocol, number[]>> = { tcp: [6], udp: [17], icmp: [1, 58], ip: [] };
/** Buffers of one packet, buffers of a stream. */
const STREAM = new Set<BufferName>(['stream', 'message']);
const PACKET = new Set<BufferName>(['payload', 'icmp.payload', 'tcp.hdr', 'udp.hdr', 'ipv4.hdr', 'ipv6.hdr', 'icmpv4.hdr', 'icmpv6.hdr']);
const CONTENT_KEYS = ['contains', 'starts-with', 'ends-with', 'hex', 'regex'] as const;
const POSITION_KEYS = ['offset', 'depth', 'distance', 'within'] as const;
const utf8 = new TextEncoder();

export interface Compiled { signature: Signature | undefined; errors: RuleError[]; warnings: RuleWarning[] }

/** Makes the compiled form of a document whose shape is right. */
export function compileRule(document: RuleDocument, placeOf: Parsed['placeOf'], variables: Variables, datasets = new Datasets()): Compiled {
  return new RuleCompiler(document, placeOf, variables, datasets).compile();
}

class RuleCompiler {
  private readonly errors: RuleError[] = [];
  private readonly warnings: RuleWarning[] = [];
  private readonly protocols: RuleProtocol[];
  /** Of the part under way. */
  private leaves: Leaf[] = [];
  private events: EventLeaf[] = [];
  private slots = 0;

  constructor(
    private readonly document: RuleDocument, private readonly placeOf: Parsed['placeOf'], private readonly variables: Variables, private readonly datasets: Datasets,
  ) {
    this.protocols = document.on === undefined ? [] : Array.isArray(document.on) ? document.on : [document.on];
  }

  compile(): Compiled {
    const d = this.document;
    const { match, behaviour } = d;
    if (d.suricata !== undefined && match === undefined && behaviour === undefined) return this.suricata(d.suricata);
    if ((match === undefined) === (behaviour === undefined)) {
      this.errors.push(ruleErrors.value(this.placeOf([]), 'the rule', match ? "has both 'match' and 'behaviour'" : "has neither 'match' nor 'behaviour'", 'Write one of them.'));
    }
    if (match !== undefined && this.protocols.length === 0) this.errors.push(ruleErrors.missing(this.placeOf(['match'], true), 'on', 'the rule'));
    for (const expect of ['hit', 'miss'] as const) {
      if (!d.captures.some((c) => c.expect === expect)) this.errors.push(ruleErrors.value(this.placeOf(['captures'], true), 'captures', `has no '${expect}'`, `Add a capture with expect: ${expect}.`));
    }
    if (match === undefined || this.errors.length > 0) return { signature: undefined, errors: this.errors, warnings: this.warnings };

    const parts: Part[] = [];
    let either = false;
    if (Array.isArray(match)) {
      const side = this.sideOfList(match, ['match']);
      either = side === undefined;
      parts.push(this.part(match, ['match'], side === 'response' ? 1 : 0, side));
    } else {
      if (match.request) parts.push(this.part(match.request, ['match', 'request'], 0, 'request'));
      if (match.response) parts.push(this.part(match.response, ['match', 'response'], 1, 'response'));
      if (d.direction) this.errors.push(ruleErrors.value(this.placeOf(['direction']), 'direction', 'says what match.request and match.response say already', 'Leave it out.'));
    }
    const verdicts = (d.verdict ?? []).map((v, i): VerdictProgram => ({
      is: v.is, severity: v.severity ?? d.severity, because: v.because,
      request: v.request && this.part(v.request, ['verdict', i, 'request'], 0, 'request'),
      response: v.response && this.part(v.response, ['verdict', i, 'response'], 1, 'response'),
    }));
    for (const [i, v] of (d.verdict ?? []).entries()) {
      if (v.severity && SEVERITIES.indexOf(v.severity) < SEVERITIES.indexOf(d.severity)) {
        this.errors.push(ruleErrors.value(this.placeOf(['verdict', i, 'severity']), `verdict[${i + 1}].severity`, 'is below the severity of the attempt', 'Raise it, or lower the severity of the rule.'));
      }
    }
    verdicts.sort((a, b) => VERDICTS.indexOf(a.is) - VERDICTS.indexOf(b.is));
    const header = this.header(either ? d.direction : parts[0].direction === 0 ? 'to_server' : 'to_client');
    if (this.errors.length > 0) return { signature: undefined, errors: this.errors, warnings: this.warnings };

    const fast = chooseFast(parts[0]);
    // Events are rare, and looked at only where one is; so is the one greeting of a connection.
    if (!fast && parts[0].events.length === 0 && !this.protocols.every((p) => ONE_LOOK.has(p))) {
      this.warnings.push({ code: 'SW_RULE_SLOW', place: this.placeOf(['match'], true), message: `rule ${d.id} has no text of two or more bytes to look for first: it is looked at for every ${this.protocols.join(', ')}` });
    }
    const cls = d.class as DetectionClass;
    const signature: Signature = {
      index: -1,
      info: {
        id: d.id, sid: d.sid, gid: 1, revision: d.revision, message: d.title.en, title: d.title, advice: d.advice, falsePositives: d.falsePositives,
        remediation: d.remediation, severity: d.severity, class: cls, gb2007: d.gb2007 ?? CLASSES[cls].gb2007, gb2023: d.gb2023 ?? CLASSES[cls].gb2023,
        phase: d.phase ?? CLASSES[cls].phase, techniques: d.techniques ?? [],
        references: (d.references ?? []).map((r) => Object.values(r)[0] as string), action: 'allowed', silent: false, suricata: false, place: this.placeOf([]),
      },
      header, attacker: d.attacker ?? 'client', because: d.because ?? d.title, parts, either, fast, verdicts, threshold: d.threshold,
      level: this.level(parts), yields: d.yields ?? 0,
    };
    return { signature, errors: this.errors, warnings: this.warnings };
  }

  /** A rule in Suricata's language, whose alerts say what the document says. */
  private suricata(text: string): Compiled {
    const place = this.placeOf(['suricata'], true);
    const d = this.document;
    for (const key of ['on', 'from', 'to', 'direction', 'threshold', 'verdict'] as const) {
      if (d[key] !== undefined) this.errors.push(ruleErrors.value(this.placeOf([key], true), key, "stands with 'suricata', which says it itself", 'Leave it out.'));
    }
    const parsed = parseRule(text.trim(), place);
    if ('why' in parsed) {
      this.errors.push(ruleErrors.syntax(parsed.place, parsed.why));
      return { signature: undefined, errors: this.errors, warnings: this.warnings };
    }
    const { signature, error, notices } = compileSuricata(parsed, this.variables, this.datasets);
    if (error) this.errors.push(error);
    for (const n of notices) this.warnings.push({ code: 'SW_RULE_WITHOUT_EFFECT', place: n.place, message: `rule ${d.id}: '${n.keyword}' changes nothing here (${n.why})` });
    if (!signature || this.errors.length > 0) return { signature: undefined, errors: this.errors, warnings: this.warnings };
    const cls = d.class as DetectionClass;
    const info: RuleInfo = {
      ...signature.info, id: d.id, sid: d.sid, revision: d.revision, message: d.title.en, title: d.title, advice: d.advice, falsePositives: d.falsePositives, remediation: d.remediation,
      severity: d.severity, class: cls, gb2007: d.gb2007 ?? CLASSES[cls].gb2007, gb2023: d.gb2023 ?? CLASSES[cls].gb2023, phase: d.phase ?? CLASSES[cls].phase,
      techniques: d.techniques ?? [], references: (d.references ?? []).map((r) => Object.values(r)[0] as string), place: this.placeOf([]),
      // One attack, one alert, as with every rule of ours.
      suricata: false,
    };
    return { signature: { ...signature, info, attacker: d.attacker ?? signature.attacker, because: d.because ?? d.title }, errors: this.errors, warnings: this.warnings };
  }

  private level(parts: readonly Part[]): Signature['level'] {
    const names = parts.flatMap((p) => p.leaves.map((l) => BUFFER_NAMES[l.buffer]));
    if (names.some((n) => STREAM.has(n))) return 'stream';
    if (names.some((n) => PACKET.has(n))) return 'packet';
    return names.length === 0 ? 'event' : 'transaction';
  }

  private header(direction: 'to_server' | 'to_client' | undefined): Header {
    const transports = this.protocols.flatMap((p) => TRANSPORTS[p] ?? []);
    const apps = this.protocols.filter((p) => TRANSPORTS[p] === undefined);
    const [source, sourcePorts] = this.side(this.document.from, ['from']);
    const [destination, destinationPorts] = this.side(this.document.to, ['to']);
    return {
      transports, apps, sides: 'flow', source, sourcePorts, destination, destinationPorts, bidirectional: false,
      directions: direction === 'to_server' ? 1 : direction === 'to_client' ? 2 : 3,
    };
  }

  private side(side: Side | undefined, path: Path): [AddressSet, PortSet] {
    if (side === undefined) return [ANY_ADDRESS, ANY_PORT];
    const plain = typeof side === 'string' || Array.isArray(side);
    const given = plain ? { addresses: side } : side;
    const list = <T>(v: T | T[] | undefined): T[] => (v === undefined ? [] : Array.isArray(v) ? v : [v]);
    const a = addressSet(list(given.addresses), this.variables);
    const p = ports(list('ports' in given ? given.ports : undefined).map(String), this.variables);
    for (const [wrong, key] of [[a, 'addresses'], [p, 'ports']] as const) {
      if (typeof wrong !== 'string') continue;
      const place = this.placeOf(plain ? path : [...path, key]);
      const name = /variable \$(\S+)/.exec(wrong)?.[1];
      this.errors.push(name ? ruleErrors.variable(place, `$${name}`, instead(name, Object.keys(this.variables), 'variables')) : ruleErrors.value(place, nameOf(path), wrong, 'See "from, to" in rules/README.md.'));
    }
    return [typeof a === 'string' ? ANY_ADDRESS : a, typeof p === 'string' ? ANY_PORT : p];
  }

  /** The side that a list without request or response belongs to. */
  private sideOfList(conditions: readonly Condition[], path: Path): 'request' | 'response' | undefined {
    let side: 'request' | 'response' | undefined;
    const visit = (condition: Condition, at: Path): void => {
      const [key, value] = Object.entries(condition)[0] as [string, unknown];
      if (key === 'any' || key === 'all' || key === 'not') {
        (Array.isArray(value) ? value : [value]).forEach((c: Condition, i) => visit(c, Array.isArray(value) ? [...at, key, i] : [...at, key]));
        return;
      }
      const one = (BUFFER_NAMES as readonly string[]).includes(key) ? sideOf(key as BufferName) : undefined;
      if (one && side && one !== side) this.errors.push(ruleErrors.side(this.placeOf([...at, key], true), key, side));
      side ??= one;
    };
    conditions.forEach((c, i) => visit(c, [...path, i]));
    return side ?? (this.document.direction === 'to_server' ? 'request' : this.document.direction === 'to_client' ? 'response' : undefined);
  }

  private part(conditions: readonly Condition[], path: Path, direction: 0 | 1, side: 'request' | 'response' | undefined): Part {
    this.leaves = [];
    this.events = [];
    this.slots = 0;
    const children = conditions.map((c, i) => this.condition(c, [...path, i], side, false));
    const root: Node = children.length === 1 ? children[0] : { kind: 'all', children };
    return { direction, root, leaves: this.leaves, events: this.events, slots: this.slots };
  }

  private condition(condition: Condition, path: Path, side: 'request' | 'response' | undefined, negative: boolean): Node {
    const [key, value] = Object.entries(condition)[0] as [string, unknown];
    const at: Path = [...path, key];
    if (key === 'any' || key === 'all') {
      return { kind: key, children: (value as Condition[]).map((c, i) => this.condition(c, [...at, i], side, negative)) };
    }
    if (key === 'not') {
      const child: Node = Array.isArray(value)
        ? { kind: 'all', children: (value as Condition[]).map((c, i) => this.condition(c, [...at, i], side, !negative)) }
        : this.condition(value as Condition, at, side, !negative);
      return { kind: 'not', child };
    }
    if (key === 'event') {
      const leaf: EventLeaf = { kind: 'event', slot: this.slots++, event: value as string, final: negative ? 0 : 9 };
      this.events.push(leaf);
      return leaf;
    }
    return this.leaf(key, value as string | number | BufferTest | BufferTest[], at, side, negative);
  }

  private leaf(name: string, value: string | number | BufferTest | BufferTest[], path: Path, side: 'request' | 'response' | undefined, negative: boolean): Node {
    const place = () => this.placeOf(path, true);
    if (!(name in B)) {
      const usable = BUFFER_NAMES.filter((b) => this.protocols.some((p) => isOnProtocol(b, p)));
      this.errors.push(ruleErrors.unknownKey(place(), name, nameOf(path.slice(0, -1)), instead(name, [...usable, 'any', 'all', 'not', 'event'], 'buffers')));
      return { kind: 'all', children: [] };
    }
    const buffer = name as BufferName;
    if (!this.protocols.every((p) => isOnProtocol(buffer, p))) {
      const usable = BUFFER_NAMES.filter((b) => this.protocols.every((p) => isOnProtocol(b, p)));
      this.errors.push(ruleErrors.buffer(place(), name, this.protocols.join(', '), instead(name, usable, 'buffers')));
    }
    const own = sideOf(buffer);
    if (own && side && own !== side) this.errors.push(ruleErrors.side(place(), name, side));
    const tests: BufferTest[] = typeof value === 'string' || typeof value === 'number' ? [{ equals: value }] : Array.isArray(value) ? value : [value];
    const ops: Op[] = [];
    let instances: Leaf['instances'];
    let not = false;
    tests.forEach((test, i) => {
      const at: Path = Array.isArray(value) ? [...path, i] : path;
      if (i > 0 && test.transforms) this.errors.push(ruleErrors.cursor(this.placeOf([...at, 'transforms'], true), 'transforms', 'stands in a later test of the list; the first test has it for all'));
      if (test.absent) not = true;
      if (test.absent && (Object.keys(test).length > 1 || tests.length > 1)) this.errors.push(ruleErrors.cursor(this.placeOf([...at, 'absent'], true), 'absent', 'stands with other tests'));
      if (test.instances !== undefined) instances = bounds(test.instances);
      this.ops(test, at, ops, i > 0);
    });
    const streaming = STREAM.has(buffer);
    const leaf: Leaf = {
      kind: 'buffer', slot: this.slots++, buffer: B[buffer], chain: -1, transforms: tests[0].transforms ?? [], ops, instances,
      // A stream goes on: what isn't there yet may come; only a negation can't wait for that.
      final: streaming && !negative && !not ? 9 : finalStage(buffer, this.protocols),
    };
    this.leaves.push(leaf);
    return not ? { kind: 'not', child: leaf } : leaf;
  }

  private ops(test: BufferTest, path: Path, ops: Op[], later: boolean): void {
    const nocase = test.nocase ?? false;
    const contents = CONTENT_KEYS.filter((k) => test[k] !== undefined);
    const positions = POSITION_KEYS.filter((k) => test[k] !== undefined);
    const wrong = (key: string, why: string): void => void this.errors.push(ruleErrors.cursor(this.placeOf([...path, key], true), key, why));
    if (positions.length > 0 && (contents.length !== 1 || contents[0] === 'starts-with' || contents[0] === 'ends-with')) {
      wrong(positions[0], "needs exactly one of 'contains', 'hex', 'regex' in the same test");
    }
    const relative = test.distance !== undefined || test.within !== undefined;
    if (relative && (test.offset !== undefined || test.depth !== undefined)) wrong('distance' in test ? 'distance' : 'within', "stands with 'offset' or 'depth'; use one pair");
    if (relative && !later) wrong(test.distance !== undefined ? 'distance' : 'within', 'has no earlier test in the list to look back to');
    if (nocase && contents.length === 0 && test.equals === undefined) wrong('nocase', 'has no text to fold in this test');
    const offset = relative ? (test.distance ?? 0) : (test.offset ?? 0);
    const room = (relative ? test.within : test.depth) ?? -1;
    const list = <T>(v: T | T[]): T[] => (Array.isArray(v) ? v : [v]);
    const needles = (v: string | string[]) => list(v).map((s) => this.needle(utf8.encode(s), nocase));
    const content = (found: Uint8Array[], start: boolean, end: boolean): void => {
      for (const n of found) {
        if (room >= 0 && n.length > room) wrong(relative ? 'within' : 'depth', `is ${room}, but the text has ${n.length} bytes`);
      }
      ops.push({ kind: 'content', needles: found, nocase, negated: false, relative: relative && !start && !end, start, end, offset: start || end ? 0 : offset, room: start || end ? -1 : room });
    };
    if (test.equals !== undefined) {
      const values = list(test.equals);
      const texts = values.filter((v) => typeof v === 'string');
      if (texts.length === values.length) {
        // An alternative that starts there need not end there: each is tested on its own.
        content(texts.map((s) => this.needle(utf8.encode(s), nocase)), true, true);
      } else ops.push({ kind: 'number', values: values.map(Number), min: -Infinity, max: Infinity });
    }
    if (test['starts-with'] !== undefined) content(needles(test['starts-with']), true, false);
    if (test.contains !== undefined) content(needles(test.contains), false, false);
    if (test.hex !== undefined) content(list(test.hex).map((h) => Uint8Array.from(Buffer.from(h.replace(/\s+/g, ''), 'hex'))).map((b) => this.needle(b, nocase)), false, false);
    if (test['ends-with'] !== undefined) content(needles(test['ends-with']), false, true);
    if (test.regex !== undefined) this.regex(list(test.regex), [...path, 'regex'], { nocase, relative, offset, room }, ops);
    if (test.length !== undefined) ops.push({ kind: 'length', ...bounds(test.length) });
    if (test.min !== undefined || test.max !== undefined) ops.push({ kind: 'number', values: undefined, min: test.min ?? -Infinity, max: test.max ?? Infinity });
    if (test.entropy !== undefined) ops.push({ kind: 'entropy', ...bounds(test.entropy) });
    const number = test['number-at'];
    if (number !== undefined) {
      if (number.relative && !later && contents.length === 0) wrong('number-at', 'is relative, but no earlier test says to what');
      ops.push(numberOp(number));
    }
  }

  private needle(bytes: Uint8Array, nocase: boolean): Uint8Array {
    return nocase ? bytes.map((c) => (c >= 65 && c <= 90 ? c | 32 : c)) : bytes;
  }

  private regex(sources: string[], path: Path, how: { nocase: boolean; relative: boolean; offset: number; room: number }, ops: Op[]): void {
    const source = sources.length === 1 ? sources[0] : sources.map((s) => `(?:${s})`).join('|');
    for (const [i, one] of sources.entries()) {
      try {
        compileRegex(one, { nocase: how.nocase });
      } catch (error) {
        if (!(error instanceof RegexError)) throw error;
        this.errors.push(ruleErrors.regex(this.placeOf(sources.length > 1 ? [...path, i] : path), one, error.message, error.hint));
        return;
      }
    }
    ops.push({ kind: 'regex', regex: compileRegex(source, { nocase: how.nocase }), negated: false, relative: how.relative, offset: how.offset, room: how.room });
  }
}

function bounds(range: Range): { min: number; max: number } {
  return typeof range === 'number' ? { min: range, max: range } : { min: range.min ?? -Infinity, max: range.max ?? Infinity };
}

function numberOp(n: NumberAt): Op {
  const big = (v: number | undefined) => (v === undefined ? undefined : BigInt(v));
  return {
    kind: 'number-at', at: n.at, bytes: n.bytes, little: n.order === 'little', relative: n.relative ?? false, mask: big(n.mask),
    values: n.equals === undefined ? undefined : (Array.isArray(n.equals) ? n.equals : [n.equals]).map(BigInt), min: big(n.min), max: big(n.max),
  };
}

/** Protocols of one transaction a connection: looking at each costs nothing that shows. */
const ONE_LOOK: ReadonlySet<string> = new Set(['ssh', 'rdp']);

/** Literals shorter than this are in nearly everything. */
const MIN_FAST = 2;
/** A head's literal is worth this many bytes more than a body's, which comes later and is longer. */
const HEAD_BONUS = 3;

/** The literals to look for first: those of one leaf that must hold, or of one leaf of each alternative; the longest. */
export function chooseFast(part: Part): readonly FastPattern[] | undefined {
  return fastOf(part.root)?.patterns;
}

interface Scored { patterns: FastPattern[]; score: number }
function fastOf(node: Node): Scored | undefined {
  switch (node.kind) {
    case 'all': {
      let best: Scored | undefined;
      for (const child of node.children) {
        const one = fastOf(child);
        if (one && (!best || one.score > best.score)) best = one;
      }
      return best;
    }
    case 'any': {
      const all = node.children.map(fastOf);
      if (all.length === 0 || all.includes(undefined)) return undefined;
      const scored = all as Scored[];
      return { patterns: scored.flatMap((s) => s.patterns), score: Math.min(...scored.map((s) => s.score)) - 1 };
    }
    case 'buffer': {
      if (node.instances) return undefined;
      let best: Scored | undefined;
      for (const op of node.ops) {
        const literals = op.kind === 'content' && !op.negated ? op.needles
          : op.kind === 'regex' && !op.negated ? op.regex.literals?.map((l) => new Uint8Array(Buffer.from(l, 'latin1'))) : undefined;
        if (!literals) continue;
        const least = Math.min(...literals.map((l) => l.length));
        if (least < MIN_FAST) continue;
        const name = BUFFER_NAMES[node.buffer];
        const score = Math.min(least, 16) + (isBody(name) ? 0 : HEAD_BONUS) - (name === 'http.method' ? 8 : 0) - node.transforms.length;
        if (!best || score > best.score) best = { patterns: [{ buffer: node.buffer, transforms: node.transforms, literals: literals.map(foldLiteral) }], score };
      }
      return best;
    }
    default: return undefined;
  }
}

/** For messages of the loader. */
export function describePlace(p: Place): string {
  return `${p.file}:${p.line}:${p.column}`;
}
