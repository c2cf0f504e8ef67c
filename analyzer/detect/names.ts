import type { EveEvent } from '../../contracts/event.js';
import { flowOf, numberOf, textsOf, type Behaviour, type BehaviourRule, type Emit, type MakeBehaviour } from './behaviour.js';
import { isUnder, looksGenerated, splitName } from './domains.js';
import { Distinct, WindowTable } from './windows.js';

/** Client and domain pairs followed at once. */
const MAX_PAIRS = 16_384;
/** Distinct names kept of one pair. */
const MAX_NAMES = 2048;
/** Names shown in an alert. */
const SHOWN = 5;
/** MD5, SHA-1 or SHA-256 in hex as the only varying label. */
const DIGEST = /^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{63,64})(?:\.[a-z][a-z0-9-]{0,14}){0,3}$/i;
/** So many digests within the window are no scanner's of one host. */
const MANY_DIGESTS = 400;
/** Types that ordinary clients ask for; the rest carries data. */
const ORDINARY = new Set(['A', 'AAAA', 'PTR', 'HTTPS', 'SVCB', 'NS', 'SOA']);

interface DnsDetail {
  type?: string;
  rrname?: string;
  rrtype?: string;
  rcode?: string;
  answers?: { rrtype?: string; rdata?: unknown }[];
}

interface Pair {
  firstUs: number;
  lastUs: number;
  client: string;
  server: string;
  domain: string;
  node: string | undefined;
  flow: { flow_id?: number; community_id?: string };
  queries: number;
  names: Distinct<string>;
  /** Characters below the domain in the distinct names. */
  characters: number;
  odd: number;
  /** Distinct names that are nothing but a digest in hex before the service's own labels. */
  digests: number;
  types: Map<string, number>;
  answered: number;
  told: number;
}

/**
 * DNS tunnels: many distinct long names below one registered domain, or many queries of types that carry data.
 * Parameters: `names` (distinct), `length` (their mean below the domain), `odd` (distinct names of data types),
 * `seconds`, `allow` (domains that do so by design: mail and virus reputation, reverse zones).
 */
class DnsTunnel implements Behaviour {
  readonly types = ['dns'] as const;
  private readonly pairs: WindowTable<string, Pair>;
  private readonly names: number;
  private readonly length: number;
  private readonly odd: number;
  private readonly allow: readonly string[];

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit) {
    this.names = numberOf(rule, 'names', 40);
    this.length = numberOf(rule, 'length', 28);
    this.odd = numberOf(rule, 'odd', 25);
    this.allow = textsOf(rule, 'allow');
    this.pairs = new WindowTable(MAX_PAIRS, numberOf(rule, 'seconds', 600) * 1e6, (pair) => {
      if (pair.told > 0 && pair.queries > pair.told) this.tell(pair);
    });
  }

  get held(): number {
    return this.pairs.size;
  }

  get evicted(): number {
    return this.pairs.evicted;
  }

  event(event: EveEvent, timeUs: number): void {
    const dns = event.dns as DnsDetail;
    const { rrname } = dns;
    if (typeof rrname !== 'string' || rrname.length < 8) return;
    const { domain, below } = splitName(rrname);
    if (below === '' || isUnder(domain, this.allow)) return;
    const query = dns.type === 'query';
    const client = (query ? event.src_ip : event.dest_ip) ?? '';
    const key = `${client} ${domain}`;
    let pair = this.pairs.find(key, timeUs);
    if (!query) {
      if (pair !== undefined) for (const a of dns.answers ?? []) pair.answered += typeof a.rdata === 'string' ? a.rdata.length : 64;
      return;
    }
    pair ??= this.pairs.add(key, {
      firstUs: timeUs, lastUs: timeUs, client, server: event.dest_ip ?? '', domain, node: event.host, flow: flowOf(event), queries: 0,
      names: new Distinct(MAX_NAMES), characters: 0, odd: 0, digests: 0, types: new Map(), answered: 0, told: 0,
    });
    pair.queries++;
    pair.lastUs = timeUs;
    const type = dns.rrtype ?? '';
    if (pair.types.size < 16 || pair.types.has(type)) pair.types.set(type, (pair.types.get(type) ?? 0) + 1);
    if (!pair.names.add(below)) {
      if (pair.names.full && pair.queries >= pair.told * 2) this.tell(pair);
      return;
    }
    pair.characters += below.length;
    if (!ORDINARY.has(type)) pair.odd++;
    else if (DIGEST.test(below)) pair.digests++;
    if (pair.queries < pair.told * 2) return;
    const mean = pair.characters / pair.names.size;
    // What asks an address about nothing but digests asks whether files or mails are known to be bad.
    const lookups = pair.digests >= 0.95 * pair.names.size && pair.names.size < MANY_DIGESTS;
    const long = pair.names.size >= this.names && mean >= this.length && !lookups;
    const data = pair.odd >= this.odd && pair.odd >= 0.5 * pair.names.size && mean >= 10;
    if ((long || data) && pair.names.size >= 0.3 * pair.queries) this.tell(pair);
  }

  private tell(pair: Pair): void {
    pair.told = pair.queries;
    const mean = Math.round(pair.characters / pair.names.size);
    const seconds = Math.max(1, Math.round((pair.lastUs - pair.firstUs) / 1e6));
    const types = [...pair.types].sort((a, b) => b[1] - a[1]).map(([t, n]) => `${t} ${n}`);
    this.emit({
      rule: this.rule, verdict: 'compromised', severity: this.rule.info.severity,
      because: {
        zh: `${seconds} 秒内查询了 ${pair.domain} 下 ${pair.names.size} 个互不相同的子域名，平均 ${mean} 个字符（${types.slice(0, 4).join('、')} 次），形同经 DNS 传送数据。`,
        en: `Asked for ${pair.names.size} distinct names below ${pair.domain} within ${seconds} s, ${mean} characters each on average (${types.slice(0, 4).join(', ')}), as when data travels in DNS.`,
      },
      attacker: { ip: pair.server, port: 53 }, victim: { ip: pair.client }, proto: 'UDP', app: 'dns', firstUs: pair.firstUs, lastUs: pair.lastUs,
      count: pair.queries,
      measured: {
        domain: pair.domain, queries: pair.queries, names: pair.names.size, mean_length: mean, bytes_up: pair.characters, bytes_down: pair.answered,
        types, examples: pair.names.first(SHOWN).map((n) => `${n.slice(0, 80)}.${pair.domain}`),
      },
      key: pair.domain, source: -1, ...(pair.node !== undefined && { node: pair.node }), flow: pair.flow,
    });
  }

  advance(nowUs: number): void {
    this.pairs.advance(nowUs);
  }

  flush(): void {
    this.pairs.flush();
  }
}

interface Client {
  firstUs: number;
  lastUs: number;
  client: string;
  server: string;
  node: string | undefined;
  failed: Distinct<string>;
  generated: Distinct<string>;
  resolved: string[];
  told: number;
}

/**
 * Generated names: a burst of names that nobody registered, most of which look drawn at random. Parameters: `names`
 * (distinct registered domains without an answer), `share` (that look generated), `seconds`.
 */
class GeneratedNames implements Behaviour {
  readonly types = ['dns'] as const;
  private readonly clients: WindowTable<string, Client>;
  private readonly names: number;
  private readonly share: number;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit) {
    this.names = numberOf(rule, 'names', 15);
    this.share = numberOf(rule, 'share', 0.6);
    this.clients = new WindowTable(MAX_PAIRS, numberOf(rule, 'seconds', 300) * 1e6, (one) => {
      if (one.told > 0 && one.failed.size > one.told) this.tell(one);
    });
  }

  get held(): number {
    return this.clients.size;
  }

  get evicted(): number {
    return this.clients.evicted;
  }

  event(event: EveEvent, timeUs: number): void {
    const dns = event.dns as DnsDetail;
    if (dns.type !== 'answer' || typeof dns.rrname !== 'string' || !dns.rrname.includes('.')) return;
    const client = event.dest_ip ?? '';
    let one = this.clients.find(client, timeUs);
    const { domain } = splitName(dns.rrname);
    const label = domain.slice(0, domain.indexOf('.'));
    if (dns.rcode !== 'NXDOMAIN') {
      // The one that is registered is where the commands come from.
      if (one !== undefined && one.told > 0 && one.resolved.length < SHOWN && dns.rcode === 'NOERROR' && looksGenerated(label)) one.resolved.push(domain);
      return;
    }
    if (domain.endsWith('.arpa') || domain.endsWith('.local')) return;
    one ??= this.clients.add(client, {
      firstUs: timeUs, lastUs: timeUs, client, server: event.src_ip ?? '', node: event.host, failed: new Distinct(MAX_NAMES), generated: new Distinct(MAX_NAMES),
      resolved: [], told: 0,
    });
    if (!one.failed.add(domain)) return;
    one.lastUs = timeUs;
    if (looksGenerated(label)) one.generated.add(domain);
    if (one.failed.size >= Math.max(this.names, one.told * 2) && one.generated.size >= this.share * one.failed.size) this.tell(one);
  }

  private tell(one: Client): void {
    one.told = one.failed.size;
    const seconds = Math.max(1, Math.round((one.lastUs - one.firstUs) / 1e6));
    const found = one.resolved.length > 0;
    this.emit({
      rule: this.rule, verdict: 'compromised', severity: this.rule.info.severity,
      because: {
        zh: `${seconds} 秒内查询了 ${one.failed.size} 个无人注册的域名，其中 ${one.generated.size} 个形似随机生成，如 ${one.generated.first(3).join('、')}${found ? `；随后 ${one.resolved.join('、')} 有应答` : ''}。`,
        en: `Asked for ${one.failed.size} domains that nobody registered within ${seconds} s; ${one.generated.size} look generated, such as ${one.generated.first(3).join(', ')}${found ? `; then ${one.resolved.join(', ')} answered` : ''}.`,
      },
      attacker: { ip: one.server, port: 53 }, victim: { ip: one.client }, proto: 'UDP', app: 'dns', firstUs: one.firstUs, lastUs: one.lastUs, count: one.failed.size,
      measured: { names: one.failed.size, generated: one.generated.size, seconds, examples: one.generated.first(8), ...(found && { resolved: one.resolved }) },
      key: '', source: -1, ...(one.node !== undefined && { node: one.node }),
    });
  }

  advance(nowUs: number): void {
    this.clients.advance(nowUs);
  }

  flush(): void {
    this.clients.flush();
  }
}

interface Guesses {
  firstUs: number;
  lastUs: number;
  client: string;
  server: string;
  zone: string;
  node: string | undefined;
  /** Names that somebody would think of, by what the zone said to them. */
  missing: Distinct<string>;
  found: Distinct<string>;
  told: number;
}

/** One label that a person would give a host: letters first, few digits; no digest, no number, no service record. */
const THOUGHT_OF = /^[a-z][a-z-]{1,23}\d{0,3}$/;

/**
 * Subdomain guessing: one client asks for many names of one zone that a list of words gives, and most do not exist.
 * Parameters: `names` (distinct, missing), `share` (missing among those asked for), `seconds`.
 */
class SubdomainGuessing implements Behaviour {
  readonly types = ['dns'] as const;
  private readonly pairs: WindowTable<string, Guesses>;
  private readonly names: number;
  private readonly share: number;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit) {
    this.names = numberOf(rule, 'names', 60);
    this.share = numberOf(rule, 'share', 0.8);
    this.pairs = new WindowTable(MAX_PAIRS, numberOf(rule, 'seconds', 120) * 1e6, (one) => {
      if (one.told > 0 && one.missing.size > one.told) this.tell(one);
    });
  }

  get held(): number {
    return this.pairs.size;
  }

  get evicted(): number {
    return this.pairs.evicted;
  }

  event(event: EveEvent, timeUs: number): void {
    const dns = event.dns as DnsDetail;
    if (dns.type !== 'answer' || typeof dns.rrname !== 'string') return;
    const name = dns.rrname.toLowerCase();
    const dot = name.indexOf('.');
    const label = name.slice(0, dot);
    if (dot < 2 || !THOUGHT_OF.test(label) || name.endsWith('.arpa') || name.endsWith('.local')) return;
    const zone = name.slice(dot + 1);
    const client = event.dest_ip ?? '';
    const key = `${client} ${zone}`;
    let one = this.pairs.find(key, timeUs);
    if (dns.rcode !== 'NXDOMAIN') {
      one?.found.add(label);
      return;
    }
    // What no registered zone holds is a search list's business.
    if (!zone.includes('.')) return;
    one ??= this.pairs.add(key, {
      firstUs: timeUs, lastUs: timeUs, client, server: event.src_ip ?? '', zone, node: event.host, missing: new Distinct(MAX_NAMES), found: new Distinct(MAX_NAMES), told: 0,
    });
    if (looksGenerated(label) || !one.missing.add(label)) return;
    one.lastUs = timeUs;
    const { size } = one.missing;
    if (size >= Math.max(this.names, one.told * 2) && size >= this.share * (size + one.found.size)) this.tell(one);
  }

  private tell(one: Guesses): void {
    one.told = one.missing.size;
    const seconds = Math.max(1, Math.round((one.lastUs - one.firstUs) / 1e6));
    const found = one.found.first(SHOWN).map((n) => `${n}.${one.zone}`);
    this.emit({
      rule: this.rule, verdict: 'attempted', severity: this.rule.info.severity,
      because: {
        zh: `${seconds} 秒内查询了 ${one.zone} 下 ${one.missing.size} 个不存在的常用主机名，如 ${one.missing.first(3).join('、')}：按字典猜测子域名${found.length > 0 ? `；有应答的有 ${found.join('、')}` : ''}。`,
        en: `Asked for ${one.missing.size} usual host names below ${one.zone} within ${seconds} s that do not exist, such as ${one.missing.first(3).join(', ')}: names guessed from a list${found.length > 0 ? `; answered were ${found.join(', ')}` : ''}.`,
      },
      attacker: { ip: one.client }, victim: { ip: one.server, port: 53 }, proto: 'UDP', app: 'dns', firstUs: one.firstUs, lastUs: one.lastUs, count: one.missing.size,
      measured: { zone: one.zone, names: one.missing.size, answered: one.found.size, seconds, examples: one.missing.first(8) },
      key: one.zone, source: -1, ...(one.node !== undefined && { node: one.node }),
    });
  }

  advance(nowUs: number): void {
    this.pairs.advance(nowUs);
  }

  flush(): void {
    this.pairs.flush();
  }
}

/** Data in the names and answers of DNS. */
export const dnsTunnel: MakeBehaviour = (rule, emit) => new DnsTunnel(rule, emit);
/** Bursts of names that a program made up. */
export const generatedNames: MakeBehaviour = (rule, emit) => new GeneratedNames(rule, emit);
/** Names of a zone tried from a list. */
export const subdomainGuessing: MakeBehaviour = (rule, emit) => new SubdomainGuessing(rule, emit);
