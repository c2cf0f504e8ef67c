import type { Severity } from '../../../contracts/classes.js';
import { addressSet, ANY_ADDRESS, ANY_PORT, ports, type AddressSet, type PortSet, type Variables } from '../addresses.js';
import { finalStage, sideOf } from '../buffer-facts.js';
import { B, type BufferName } from '../buffers.js';
import { ruleErrors, type RuleError } from '../errors.js';
import { foldLiteral } from '../scan-image.js';
import type { EventLeaf, FastPattern, Header, Leaf, Node, Part, Place, RuleInfo, Signature } from '../signature.js';
import { appsOf, PACKET_BUFFERS } from './buffer-keywords.js';
import { MAX_SLOTS } from './byte-tester.js';
import { classOf, DEFAULT_PRIORITY } from './classification.js';
import type { Datasets } from './datasets.js';
import { KEYWORDS } from './keywords.js';
import { NEEDS_PACKET, PACKET_KEYWORDS } from './packet-keywords.js';
import type { Action, ByteOp, Effect, RuleKind, SuricataProgram, SuricataTag, SuricataThreshold, Test } from './program.js';
import type { Option, RuleSyntax } from './syntax.js';

/** Why a rule is refused; caught where it is compiled. */
export class Refused extends Error {
  constructor(readonly kind: 'unsupported' | 'wrong', readonly option: Option | undefined, why: string) {
    super(why);
  }
}

/** Contents as they stand in the rule, before they are frozen into operations. */
export interface DraftContent {
  kind: 'content'; bytes: Uint8Array; nocase: boolean; negated: boolean; starts: boolean; ends: boolean;
  offset: Draft; depth: Draft; distance: Draft; within: Draft; fast: 'no' | 'yes'; fastPart: [number, number] | undefined;
}
type Draft = import('./program.js').Value | undefined;
export type DraftOp = DraftContent | Exclude<ByteOp, { kind: 'content' }>;

/** Contents of one buffer, with its transforms. */
export interface List { side?: 0 | 1; nth?: number | 'all'; instances?: { min: number; max: number }; buffer: BufferName | 'payload' | 'base64'; transforms: string[]; ops: DraftOp[]; fast: boolean }

const WORDS = new Map(Object.entries(KEYWORDS));
const PACKET_WORDS = new Map(Object.entries(PACKET_KEYWORDS));
const PRIORITY_SEVERITY: readonly Severity[] = ['high', 'high', 'medium', 'low', 'info'];
const ACTIONS: Record<string, Action> = { alert: 'alert', pass: 'pass', drop: 'drop', reject: 'reject', rejectsrc: 'reject', rejectdst: 'reject', rejectboth: 'reject', config: 'config' };
const ORDER: Record<Action, number> = { pass: 0, drop: 1, reject: 2, alert: 3, config: 0 };

const LAYERS: Record<string, readonly number[]> = {
  ip: [], ip4: [], ipv4: [], ip6: [], ipv6: [], tcp: [6], 'tcp-pkt': [6], 'tcp-stream': [6], udp: [17], icmp: [1, 58], icmpv4: [1], icmpv6: [58], sctp: [132], pkthdr: [], any: [],
  esp: [50], gre: [47], arp: [], ether: [],
};

/** Buffers of which there may be several instances. */
const OFTEN = new Set<BufferName>(['dns.query', 'dns.queries.rrname', 'dns.answers.rrname', 'http.request_header', 'http.response_header', 'tls.certs', 'tls.subjectaltname', 'file.data', 'file.name', 'smtp.rcpt_to', 'ldap.responses.dn', 'krb5_cname', 'krb5_sname', 'sip.from', 'sip.to', 'sip.via', 'sip.user_agent', 'sip.content_type', 'sip.content_length',
  'ike.vendor', 'email.received', 'email.url', 'ldap.request.attribute_type', 'ldap.responses.attribute_type', 'ldap.responses.message', 'mqtt.subscribe.topic', 'mqtt.unsubscribe.topic', 'http2.header_name']);

/** A rule under compilation; keywords write into it. */
export class Draftsman {
  readonly payload: List = { buffer: 'payload', transforms: [], ops: [], fast: false };
  readonly lists: List[] = [];
  readonly base64: List = { buffer: 'base64', transforms: [], ops: [], fast: false };
  current: List;
  last: DraftContent | undefined;
  lastList: List | undefined;
  readonly tests: Test[] = [];
  readonly effects: Effect[] = [];
  readonly events: string[] = [];
  readonly slots = new Map<string, number>();
  apps: string[];
  message = '';
  sid = 0;
  gid = 1;
  revision = 0;
  category = '';
  classtype = '';
  priority: number | undefined;
  classPriority = DEFAULT_PRIORITY;
  references: string[] = [];
  readonly metadata: string[] = [];
  silent = false;
  toServer = false;
  toClient = false;
  established: boolean | undefined;
  hasFlow = false;
  onlyStream = false;
  onlyPacket: boolean;
  needsPacket = false;
  wholeChecks = 0;
  /** Of the flow's state: 3 sets, 2 asks and sets, 1 asks. */
  bitsUse = 0;
  intsUse = 0;
  xbitsUse = 0;
  threshold: SuricataThreshold | undefined;
  detectionFilter: SuricataThreshold | undefined;
  target: SuricataProgram['target'];
  /** Rules whose conditions are more than addresses: not asked once a flow. */
  ipOnly = true;
  protocolOnly: string[] | undefined;
  /** What the rule asks that changes nothing here. */
  readonly notices: Notice[] = [];
  readonly tags: SuricataTag[] = [];
  /** Stores the files that it matches: bits of the directions, and of which part of the conversation. */
  storesFiles = false;
  storesCertificates = false;

  constructor(readonly rule: RuleSyntax, readonly datasets: Datasets, apps: readonly string[]) {
    this.current = this.payload;
    this.apps = [...apps];
    this.onlyPacket = rule.protocol === 'tcp-pkt';
    this.onlyStream = rule.protocol === 'tcp-stream';
  }

  /** Says that a part of the rule changes nothing here. */
  without(option: Option, why: string): void {
    this.notices.push({ keyword: option.keyword, place: option.place, why });
  }

  unsupported(option: Option, why: string): Refused {
    return new Refused('unsupported', option, why);
  }

  wrong(option: Option, why: string): Refused {
    return new Refused('wrong', option, why);
  }

  /** Takes up a sticky buffer; what was said of it before goes on when it is named again. */
  use(buffer: BufferName): void {
    this.last = undefined;
    // A buffer that occurs once goes on where it was left; of those that occur often each naming asks for one instance.
    const known = this.lists.find((l) => l.buffer === buffer && l.transforms.length === 0);
    if (known && (known.ops.length === 0 || !OFTEN.has(buffer))) {
      this.current = known;
      return;
    }
    this.current = { buffer, transforms: [], ops: [], fast: false };
    this.lists.push(this.current);
  }

  /** The list of a buffer that modifiers name, shared by all contents moved there. */
  listOf(buffer: BufferName): List {
    let list = this.lists.find((l) => l.buffer === buffer && l.transforms.length === 0);
    if (!list) this.lists.push(list = { buffer, transforms: [], ops: [], fast: false });
    return list;
  }

  slot(name: string): number {
    let slot = this.slots.get(name);
    if (slot === undefined) this.slots.set(name, slot = Math.min(MAX_SLOTS - 1, this.slots.size));
    return slot;
  }

  add(op: DraftOp): void {
    this.current.ops.push(op);
    this.lastList = this.current;
  }

  /** Adds what looks from the last match to the list of that match, wherever a modifier has moved it. */
  addBehind(op: DraftOp, relative: boolean): void {
    const list = relative && this.current === this.payload ? (this.lastList ?? this.current) : this.current;
    list.ops.push(op);
    this.lastList = list;
  }

  /** Asks one thing of a buffer; the sticky buffer in use stays. */
  ask(buffer: BufferName, op: DraftOp, nth?: number | 'all'): void {
    this.askAll(buffer, [op], nth);
  }

  /** Asks several things of the same instance of a buffer; `nth` says which instance. */
  askAll(buffer: BufferName, ops: DraftOp[], nth?: number | 'all'): void {
    this.lists.push({ buffer, transforms: [], ops, fast: false, ...(nth !== undefined && { nth }) });
  }
}

/** A part of a rule that changes nothing here, and why. */
export interface Notice { readonly keyword: string; readonly place: Place; readonly why: string }

export interface SuricataCompiled { signature: Signature | undefined; error: RuleError | undefined; unsupported: string | undefined; notices: readonly Notice[] }

/** Makes the compiled form of one rule; what it cannot be made of is a coded error. */
export function compileSuricata(rule: RuleSyntax, variables: Variables, datasets: Datasets): SuricataCompiled {
  const sid = rule.options.find((o) => o.keyword === 'sid')?.value ?? '?';
  try {
    const notices: Notice[] = [];
    return { signature: build(rule, variables, datasets, notices), error: undefined, unsupported: undefined, notices };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const place = error.option?.place ?? rule.place;
    const keyword = error.option?.keyword ?? rule.protocol;
    if (error.kind === 'unsupported') return { signature: undefined, error: ruleErrors.unsupported(place, sid, keyword, error.message), unsupported: keyword, notices: [] };
    return { signature: undefined, error: ruleErrors.syntax(place, `sid ${sid}: ${keyword}: ${error.message}`), unsupported: undefined, notices: [] };
  }
}

function build(rule: RuleSyntax, variables: Variables, datasets: Datasets, notices: Notice[]): Signature {
  const action = Object.hasOwn(ACTIONS, rule.action) ? ACTIONS[rule.action] : undefined;
  if (action === undefined) throw new Refused('wrong', undefined, `there is no action '${rule.action}'`);
  if (action === 'config') throw new Refused('unsupported', { keyword: 'config', value: undefined, place: rule.place }, 'it configures Suricata itself');
  const transports = Object.hasOwn(LAYERS, rule.protocol) ? LAYERS[rule.protocol] : undefined;
  const apps = transports ? [] : appsOf(rule.protocol);
  if (apps === undefined) throw new Refused('unsupported', { keyword: rule.protocol, value: undefined, place: rule.place }, 'no such protocol is decoded for rules');
  const d = new Draftsman(rule, datasets, apps);
  const version = rule.protocol === 'ip4' || rule.protocol === 'ipv4' ? 4 : rule.protocol === 'ip6' || rule.protocol === 'ipv6' ? 6 : 0;
  if (version > 0) d.tests.push((s) => s.packet.ipVersion === version);
  if (rule.protocol === 'arp') d.tests.push((s) => s.packet.arp !== 0);
  if (rule.protocol === 'arp' || rule.protocol === 'ether') d.ipOnly = false;
  else if (rule.protocol !== 'pkthdr' && transports) d.tests.push((s) => s.packet.ipVersion !== 0 || s.pseudo);
  for (const option of rule.options) {
    const keyword = WORDS.get(option.keyword);
    if (keyword) {
      keyword(d, option);
      continue;
    }
    const packet = PACKET_WORDS.get(option.keyword);
    if (!packet) throw d.unsupported(option, 'no such keyword is known');
    const test = packet(option.value);
    if (typeof test === 'string') throw d.wrong(option, test);
    d.tests.push(test);
    if (NEEDS_PACKET.has(option.keyword)) d.needsPacket = true;
    d.ipOnly = false;
  }
  notices.push(...d.notices);
  if (d.sid === 0) throw new Refused('wrong', undefined, 'the rule has no sid');
  return finish(d, action, transports ?? [], variables);
}

function finish(d: Draftsman, action: Action, transports: readonly number[], variables: Variables): Signature {
  const { rule } = d;
  // Nothing else asked: every file there is.
  if (d.storesFiles && d.apps.length > 0 && d.lists.every((l) => l.ops.length === 0)) d.ask('file.data', { kind: 'length', compare: '>=', value: 0, high: 0 });
  const header: Header = {
    transports: [...transports], apps: d.apps, sides: 'packet', ...sides(rule, variables), bidirectional: rule.direction === '<>', directions: 3,
  };
  // Lists without anything asked of them say nothing.
  const asked = d.lists.filter((l) => l.ops.length > 0);
  const addresses = asked.filter((l) => ADDRESSES.has(l.buffer));
  const lists = asked.filter((l) => !ADDRESSES.has(l.buffer));
  for (const list of [...lists, d.payload, d.base64]) for (const op of list.ops) if (op.kind === 'content') check(op);
  const packetLists = lists.filter((l) => PACKET_BUFFERS.has(l.buffer));
  const appLists = lists.filter((l) => !PACKET_BUFFERS.has(l.buffer));
  // `=>`: one rule on both sides of a transaction.
  const both = rule.direction === '=>';
  let side: 0 | 1 | undefined = d.toServer === d.toClient ? undefined : d.toServer ? 0 : 1;
  for (const list of appLists) {
    const own = sideOf(list.buffer as BufferName);
    if (own === undefined) continue;
    const n = own === 'request' ? 0 : 1;
    if (both) continue;
    if (side !== undefined && side !== n) throw new Refused('wrong', undefined, `${list.buffer} is not in the direction that the rule looks at`);
    side = n;
  }
  const leaf = (l: List, slot: number): Leaf => ({
    kind: 'buffer', slot, buffer: B[l.buffer as BufferName], chain: -1, transforms: l.transforms, ops: [], bytes: l.ops.map((o) => freeze(o, d)), instances: l.instances, ...(l.nth !== undefined && { nth: l.nth }),
    final: finalStage(l.buffer as BufferName, d.apps), absent: l.ops.some((o) => o.kind === 'absent'),
  });
  const onResponse = (l: List) => l.side === 1 || (l.side === undefined && sideOf(l.buffer as BufferName) === 'response');
  const leaves = (both ? lists.filter((l) => !onResponse(l)) : lists).map(leaf);
  const later = both ? lists.filter(onResponse).map(leaf) : [];
  const kind = addresses.length > 0 && lists.length === 0 && header.apps.length > 0 ? 'transaction' : kindOf(d, appLists.length, packetLists.length, header);
  // Of a transaction with buffers the detector joins the two: an anomaly may come before or after them.
  if (kind === 'event' && d.events.length > 1) throw new Refused('unsupported', rule.options.find((o) => /-event$/.test(o.keyword)), 'several events in one rule');
  const events: EventLeaf[] = (kind === 'event' ? d.events : []).map((event, i): EventLeaf => ({ kind: 'event', slot: leaves.length + i, event, final: 9 }));
  const children: Node[] = [...leaves, ...events];
  const parts: Part[] = [];
  if (later.length > 0) parts.push({ direction: 1, root: later.length === 1 ? later[0] : { kind: 'all', children: later }, leaves: later, events: [], slots: later.length });
  if (children.length > 0 || parts.length === 0) parts.unshift({ direction: side ?? 0, root: children.length === 1 ? children[0] : { kind: 'all', children }, leaves, events, slots: children.length });
  if (both) side = parts[0].direction;
  const payload = d.payload.ops.map((o) => freeze(o, d));
  const priority = d.priority ?? d.classPriority;
  const program: SuricataProgram = {
    action, kind, rank: [ORDER[action], 3 - d.bitsUse, 3 - d.intsUse, 3 - d.xbitsUse, priority],
    tests: d.tests, payload, onlyStream: d.onlyStream, onlyPacket: d.onlyPacket || d.needsPacket, effects: d.effects, threshold: d.threshold, detectionFilter: d.detectionFilter,
    addresses: addresses.map((l) => ({ source: l.buffer === 'ip.src', ops: l.ops.map((o) => freeze(o, d)) })), slots: d.slots.size, priority, target: d.target, events: d.events, tags: d.tags, storesFiles: d.storesFiles, storesCertificates: d.storesCertificates,
  };
  const severity = PRIORITY_SEVERITY[Math.min(4, priority)];
  const title = d.message === '' ? `sid ${d.sid}` : d.message;
  const info: RuleInfo = {
    id: `suricata-${d.gid}-${d.sid}`, sid: d.sid, gid: d.gid, revision: d.revision, message: d.message, title: { zh: title, en: title }, severity, class: classOf(d.classtype),
    category: d.category, techniques: NONE, references: d.references, action: action === 'drop' || action === 'reject' ? 'blocked' : 'allowed',
    silent: d.silent, suricata: true, text: rule.text, place: rule.place,
  };
  if (d.metadata.length > 0) describeLater(info, d.metadata);
  return {
    index: -1, info, header, attacker: d.target === 'src_ip' ? 'server' : 'client', because: info.title, parts, either: side === undefined,
    fast: kind === 'transaction' && lists.length === 0 ? undefined : fastOf(d, both && leaves.length > 0 ? lists.filter((l) => !onResponse(l)) : lists, kind), verdicts: [], threshold: undefined, program,
    level: kind === 'transaction' ? 'transaction' : kind === 'event' ? 'event' : kind === 'stream' || kind === 'packet-stream' ? 'stream' : 'packet',
  };
}

const ADDRESSES = new Set<string>(['ip.src', 'ip.dst']);

const NONE: string[] = [];

/** Metadata is taken apart when an alert, or a page of the console, asks for it: most rules never alert. */
function describeLater(info: RuleInfo, written: readonly string[]): void {
  let made: Record<string, string[]> | undefined;
  const metadata = (): Record<string, string[]> => {
    if (made) return made;
    made = {};
    for (const pair of written.join(',').split(',')) {
      const m = /^\s*(\S+)\s+(.*?)\s*$/.exec(pair);
      if (m && m[1] !== '__proto__') (Object.hasOwn(made, m[1]) ? (made[m[1]] as string[]) : (made[m[1]] = [])).push(m[2]);
    }
    return made;
  };
  Object.defineProperty(info, 'metadata', { get: metadata, enumerable: true, configurable: true });
  if (!written.some((w) => w.includes('mitre_technique_id'))) return;
  const techniques = () => (metadata()['mitre_technique_id'] ?? []).filter((id) => /^T\d{4}(?:\.\d{3})?$/.test(id));
  Object.defineProperty(info, 'techniques', { get: techniques, enumerable: true, configurable: true });
}

function kindOf(d: Draftsman, apps: number, packets: number, header: Header): RuleKind {
  if (d.events.length > 0 && apps === 0) return 'event';
  if (packets > 0) return 'packet';
  if (apps > 0) return 'transaction';
  if (d.payload.ops.length > 0) {
    const tcp = header.transports.includes(6) || header.transports.length === 0;
    if (d.onlyPacket || d.needsPacket || !tcp) return 'packet';
    if (d.onlyStream) return 'stream';
    const fixed = d.payload.ops.some((o) => o.kind === 'content' && (o.offset !== undefined || o.depth !== undefined || o.starts));
    return fixed ? 'packet-stream' : 'stream';
  }
  if (header.apps.length > 0) return 'protocol';
  if (d.protocolOnly) return 'protocol';
  // Asked once a direction of a flow: nothing but addresses, and none of them excluded.
  if (d.ipOnly && d.protocolOnly === undefined && d.lists.length === 0 && header.source.exclude.length === 0 && header.destination.exclude.length === 0 && d.rule.protocol !== 'pkthdr') return 'ip';
  return 'packet';
}

function check(op: DraftContent): void {
  const n = op.bytes.length;
  if (typeof op.depth === 'number' && op.depth < n) throw new Refused('wrong', undefined, `depth ${op.depth} is less than the ${n} bytes of the content`);
  if (typeof op.within === 'number' && op.within < n) throw new Refused('wrong', undefined, `within ${op.within} is less than the ${n} bytes of the content`);
}

function freeze(op: DraftOp, d: Draftsman): ByteOp {
  // What `base64_data` asks for is asked where the decoder stands.
  if (op.kind === 'base64') return { ...op, ops: d.base64.ops.map((o) => freeze(o, d)) };
  if (op.kind !== 'content') return op;
  const { bytes, nocase, negated, starts, ends, offset, depth, distance, within } = op;
  return { kind: 'content', bytes: nocase ? foldBytes(bytes) : bytes, nocase, negated, starts, ends, offset, depth, distance, within };
}

function foldBytes(bytes: Uint8Array): Uint8Array {
  return bytes.map((c) => (c >= 65 && c <= 90 ? c | 32 : c));
}

function sides(rule: RuleSyntax, variables: Variables): Pick<Header, 'source' | 'sourcePorts' | 'destination' | 'destinationPorts'> {
  const resolve = <T>(entries: readonly string[], any: T, make: (e: readonly string[], v: Variables) => T | string, what: string): T => {
    if (entries.length === 1 && entries[0] === 'any') return any;
    const key = `${what} ${entries.join(',')}`;
    let cache = resolved.get(variables);
    if (!cache) resolved.set(variables, cache = new Map());
    let made = cache.get(key) as T | string | undefined;
    if (made === undefined) cache.set(key, made = make(entries, variables) as never);
    if (typeof made === 'string') throw new Refused('wrong', undefined, made);
    return made;
  };
  return {
    source: resolve<AddressSet>(rule.source, ANY_ADDRESS, addressSet, 'a'), sourcePorts: resolve<PortSet>(rule.sourcePorts, ANY_PORT, ports, 'p'),
    destination: resolve<AddressSet>(rule.destination, ANY_ADDRESS, addressSet, 'a'), destinationPorts: resolve<PortSet>(rule.destinationPorts, ANY_PORT, ports, 'p'),
  };
}
/** Most rules name the same few groups. */
const resolved = new WeakMap<Variables, Map<string, unknown>>();

/** The literal to look for first: the one that the rule names, else the longest of the most telling buffer. */
function fastOf(d: Draftsman, lists: readonly List[], kind: RuleKind): readonly FastPattern[] | undefined {
  let best: { list: List; bytes: Uint8Array; score: number } | undefined;
  const candidates = kind === 'transaction' ? lists.filter((l) => !PACKET_BUFFERS.has(l.buffer)) : kind === 'packet' && lists.length > 0 ? [...lists, d.payload] : [d.payload];
  for (const list of candidates) {
    // It may hold without the buffer.
    if (list.ops.some((op) => op.kind === 'absent')) continue;
    for (const op of list.ops) {
      if (op.kind !== 'content' || op.negated || op.bytes.length < 1) continue;
      const part = op.fastPart ? op.bytes.subarray(op.fastPart[0], op.fastPart[0] + op.fastPart[1]) : op.bytes;
      if (part.length < 2 && op.fast === 'no') continue;
      const score = (op.fast === 'yes' ? 1000 : 0) + part.length + (list.buffer === 'http.method' || list.buffer === 'http.protocol' || list.buffer === 'http.stat_code' ? -20 : 0);
      if (!best || score > best.score) best = { list, bytes: part, score };
    }
  }
  if (!best || best.bytes.length < 2) return undefined;
  const literals = [foldLiteral(best.bytes)];
  if (best.list.buffer !== 'payload') return [{ buffer: B[best.list.buffer as BufferName], transforms: best.list.transforms, literals }];
  const buffers: BufferName[] = kind === 'packet' || kind === 'event' || kind === 'ip' || kind === 'protocol' ? ['payload'] : ['payload', 'stream'];
  return buffers.map((b) => ({ buffer: B[b], transforms: [], literals }));
}

