import type { EveEvent } from '../../contracts/event.js';
import { flowOf, numberOf, type Behaviour, type BehaviourHit, type BehaviourRule, type Emit, type MakeBehaviour } from './behaviour.js';
import { isInside } from './hosts.js';
import { Distinct, WindowTable } from './windows.js';

/** Scripts and client-server pairs followed at once. */
const MAX_FOLLOWED = 32_768;
/** Paths and answers named in an alert. */
const SHOWN = 10;
/** Bodies below this are too short to be told from text. */
const SHORT_BODY = 32;
/** POSTs that suffice where all bodies, both ways, are ciphertext in whole blocks. */
const STRICT_POSTS = 3;

interface Shape { encoding: string; bytes: number; random: boolean; blocks: boolean; signed?: boolean }
interface HttpDetail {
  hostname?: string;
  http_content_type?: string;
  url?: string;
  http_method?: string;
  http_user_agent?: string;
  http_refer?: string;
  status?: number;
  length?: number;
  request_shape?: Shape;
  response_shape?: Shape;
}

const SCRIPT = /\.(?:php\d?|phtml|jspx?|aspx?|ashx|asmx|cer|asa|cfm|do|action)(?:$|[/;])/i;
/** Scripts where uploads, pictures and styles are kept. */
const STORED = /\/(?:uploads?|uploadfiles?|attach(?:ment)?s?|files?|images?|img|pics?|pictures?|avatars?|te?mp|cache|static|css|js|fonts?|logo)\/(?:[^?]*\/)?[^/?]+\.(?:php\d?|phtml|jspx?|aspx?|ashx|cer|asa|cfm)$/i;
/** Answers in a coding that programs agree on. */
const CODED = /^application\/(?:x-)?(?:protobuf|google-protobuf|msgpack|thrift|cbor|grpc|ocsp-response|vnd\.google\.protobuf)\b/i;

interface Script {
  firstUs: number;
  lastUs: number;
  client: string;
  server: string;
  port: number;
  path: string;
  node: string | undefined;
  flow: BehaviourHit['flow'];
  clients: Distinct<string>;
  posts: number;
  others: number;
  /** POSTs whose body looks encrypted, those aligned to cipher blocks, and such answers with status 200. */
  noise: number;
  /** POSTs too short to be judged that were answered by noise, and answers in whole blocks. */
  short: number;
  sealed: number;
  blocks: number;
  answers: number;
  led: number;
  /** POSTs that are signed or dated, as an application's are. */
  signed: number;
  bytesUp: number;
  bytesDown: number;
  told: number;
}

/**
 * Webshells that encrypt: one script, asked for by POST alone, by few clients that no page led there, whose bodies are
 * ciphertext both ways. Parameters: `posts` (at least), `clients` (at most), `share` (of POSTs that look encrypted),
 * `seconds`.
 */
class RareScript implements Behaviour {
  readonly types = ['http'] as const;
  private readonly scripts: WindowTable<string, Script>;
  private readonly posts: number;
  private readonly clients: number;
  private readonly share: number;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit) {
    this.posts = numberOf(rule, 'posts', 4);
    this.clients = numberOf(rule, 'clients', 2);
    this.share = numberOf(rule, 'share', 0.7);
    this.scripts = new WindowTable(MAX_FOLLOWED, numberOf(rule, 'seconds', 86_400) * 1e6, (one) => {
      if (one.told > 0 && one.posts > one.told) this.tell(one);
    });
  }

  get held(): number {
    return this.scripts.size;
  }

  get evicted(): number {
    return this.scripts.evicted;
  }

  event(event: EveEvent, timeUs: number): void {
    const http = event.http as HttpDetail;
    const path = (http.url ?? '').split('?', 1)[0]!;
    if (!SCRIPT.test(path)) return;
    const key = `${event.dest_ip}:${event.dest_port} ${path}`;
    const one = this.scripts.find(key, timeUs) ?? this.scripts.add(key, {
      firstUs: timeUs, lastUs: timeUs, client: '', server: event.dest_ip ?? '', port: event.dest_port ?? 0, path, node: event.host, flow: undefined,
      clients: new Distinct(this.clients + 1), posts: 0, others: 0, noise: 0, short: 0, sealed: 0, blocks: 0, answers: 0, led: 0, signed: 0, bytesUp: 0, bytesDown: 0, told: 0,
    });
    one.clients.add(event.src_ip ?? '');
    if (http.http_method !== 'POST') {
      one.others++;
      return;
    }
    one.posts++;
    one.lastUs = timeUs;
    // A page that leads to itself is a form; a webshell's client names no page, or the shell itself.
    if (http.http_refer !== undefined && !http.http_refer.split('?', 1)[0]!.endsWith(path)) one.led++;
    // A program's own coding, named as such, is dense without being ciphertext.
    if (http.http_content_type !== undefined && CODED.test(http.http_content_type)) return;
    const { request_shape: up, response_shape: down } = http;
    if (up === undefined) return;
    if (!up.random) {
      // Too short to be told from text, as a command in Godzilla's key is; the answer tells.
      if (up.encoding !== 'binary' || up.bytes >= SHORT_BODY || http.status !== 200 || down?.random !== true) return;
      one.short++;
    } else one.noise++;
    if (up.signed) one.signed++;
    one.client = event.src_ip ?? '';
    one.flow ??= flowOf(event);
    one.bytesUp += up.bytes;
    if (up.random && up.blocks) one.blocks++;
    // Godzilla puts its answer between two halves of a digest: hex, then base64, then hex.
    if (http.status === 200 && down !== undefined && (down.random || (down.encoding !== 'binary' && /^(?:base64|hex)$/.test(down.encoding)))) {
      one.answers++;
      one.bytesDown += down.bytes;
      if (down.random && down.blocks) one.sealed++;
    }
    // Whole blocks both ways, every time: no ordinary script does that even thrice.
    const strict = one.blocks === one.posts && one.sealed === one.posts && one.others === 0;
    if (one.noise + one.short < Math.max(strict ? STRICT_POSTS : this.posts, one.told * 2)) return;
    if (one.clients.size > this.clients || one.noise + one.short < this.share * one.posts || one.others > one.posts * 0.25 + 1 || one.led > one.posts * 0.2) return;
    // Ciphertext that is neither in blocks nor answered in kind may be an upload.
    const noise = one.noise + one.short;
    if (one.blocks < 0.7 * noise && one.answers < 0.7 * noise) return;
    this.tell(one);
  }

  private tell(one: Script): void {
    one.told = one.noise + one.short;
    const noise = one.noise + one.short;
    const answered = one.answers >= noise * 0.5;
    const clients = one.clients.size;
    // What an application signs is its own protocol, as far as anyone can see; its scripts don't lie among what was uploaded.
    const signed = one.signed > noise * 0.5 && !STORED.test(one.path);
    this.emit({
      rule: this.rule, verdict: answered && !signed ? 'compromised' : 'attempted', severity: signed ? 'low' : answered ? 'critical' : this.rule.info.severity,
      because: {
        zh: `仅 ${clients} 个来源以 POST 访问 ${one.path} 共 ${one.posts} 次，${noise} 个请求体为密文（${one.blocks} 个按 16 字节分组对齐）${signed ? '；请求带有签名或时间戳，更像应用自己的加密接口，请核对' : answered ? `，${one.answers} 次以 200 返回密文：形同加密网页后门在执行命令` : '，未见密文应答'}。`,
        en: `Only ${clients} source(s) asked for ${one.path}, ${one.posts} times and by POST; ${noise} bodies are ciphertext (${one.blocks} in 16-byte blocks)${signed ? '; they are signed or dated, which is rather an application that encrypts: check it' : answered ? `, ${one.answers} were answered 200 with ciphertext: an encrypted webshell at work` : '; no answer in ciphertext was seen'}.`,
      },
      attacker: { ip: one.client }, victim: { ip: one.server, port: one.port }, proto: 'TCP', app: 'http', firstUs: one.firstUs, lastUs: one.lastUs, count: one.posts,
      measured: { path: one.path, posts: one.posts, encrypted: noise, in_blocks: one.blocks, answers: one.answers, clients, bytes_up: one.bytesUp, bytes_down: one.bytesDown },
      key: one.path, source: -1, ...(one.node !== undefined && { node: one.node }), ...(one.flow && { flow: one.flow }),
    });
  }

  advance(nowUs: number): void {
    this.scripts.advance(nowUs);
  }

  flush(): void {
    this.scripts.flush();
  }
}

interface Visit {
  firstUs: number;
  lastUs: number;
  client: string;
  server: string;
  port: number;
  host: string;
  agent: string;
  node: string | undefined;
  requests: number;
  missed: Distinct<string>;
  found: string[];
  methods: Distinct<string>;
  led: number;
  told: number;
}

/** Distinct paths kept of one visit. */
const MAX_PATHS = 4096;

/**
 * Directory brute force: many distinct paths that are not there or refused, whatever the tool calls itself. Parameters:
 * `paths` (distinct ones without success), `share` (of requests), `seconds`.
 */
class DirectoryBruteForce implements Behaviour {
  readonly types = ['http'] as const;
  private readonly visits: WindowTable<string, Visit>;
  private readonly paths: number;
  private readonly share: number;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit) {
    this.paths = numberOf(rule, 'paths', 30);
    this.share = numberOf(rule, 'share', 0.6);
    this.visits = new WindowTable(MAX_FOLLOWED, numberOf(rule, 'seconds', 300) * 1e6, (one) => {
      if (one.told > 0 && one.requests > one.told) this.tell(one);
    });
  }

  get held(): number {
    return this.visits.size;
  }

  get evicted(): number {
    return this.visits.evicted;
  }

  event(event: EveEvent, timeUs: number): void {
    const http = event.http as HttpDetail;
    const { status = 0 } = http;
    if (status === 0) return;
    const key = `${event.src_ip} ${event.dest_ip}:${event.dest_port}`;
    const one = this.visits.find(key, timeUs) ?? this.visits.add(key, {
      firstUs: timeUs, lastUs: timeUs, client: event.src_ip ?? '', server: event.dest_ip ?? '', port: event.dest_port ?? 0, host: http.hostname ?? '',
      agent: http.http_user_agent ?? '', node: event.host, requests: 0, missed: new Distinct(MAX_PATHS), found: [], methods: new Distinct(16),
      led: 0, told: 0,
    });
    one.requests++;
    one.lastUs = timeUs;
    const path = (http.url ?? '').split('?', 1)[0]!;
    one.methods.add(http.http_method ?? '');
    if (http.http_refer !== undefined) one.led++;
    const absent = status === 404 || status === 403 || status === 410 || (status === 401 && path.length > 1);
    if (absent) one.missed.add(path);
    else if (status < 300 && one.missed.size > 0 && one.found.length < SHOWN && !one.found.includes(path)) one.found.push(path);
    const missed = one.missed.size;
    if (missed < this.paths || one.requests < one.told * 2 || missed < this.share * Math.min(one.requests, MAX_PATHS) || one.led > one.requests * 0.5) return;
    this.tell(one);
  }

  private tell(one: Visit): void {
    one.told = one.requests;
    const seconds = Math.max(1, Math.round((one.lastUs - one.firstUs) / 1e6));
    const missed = one.missed.size;
    const list = one.found.length > 0 ? one.found.join(', ') : '';
    const where = `${one.server}:${one.port}`;
    const because = {
      zh: `${seconds} 秒内对 ${where} 请求 ${one.requests} 次，其中 ${missed} 个不同路径不存在或被拒绝${list ? `；存在的有：${list}` : ''}。`,
      en: `${one.requests} requests to ${where} within ${seconds} s; ${missed} distinct paths are not there or refused${list ? `; there are: ${list}` : ''}.`,
    };
    this.emit({
      rule: this.rule, verdict: 'attempted', severity: isInside(one.client) ? this.rule.info.severity : 'low', because,
      attacker: { ip: one.client }, victim: { ip: one.server, port: one.port }, proto: 'TCP', app: 'http', firstUs: one.firstUs, lastUs: one.lastUs, count: one.requests,
      measured: {
        requests: one.requests, failed_paths: missed, seconds, methods: one.methods.first(16), examples: one.missed.first(SHOWN).map((p) => p.slice(0, 120)),
        ...(one.found.length > 0 && { found: one.found }), ...(one.agent !== '' && { user_agent: one.agent.slice(0, 200) }),
      },
      key: String(one.port), source: -1, ...(one.node !== undefined && { node: one.node }),
    });
  }

  advance(nowUs: number): void {
    this.visits.advance(nowUs);
  }

  flush(): void {
    this.visits.flush();
  }
}

interface Rush {
  firstUs: number;
  lastUs: number;
  server: string;
  port: number;
  path: string;
  node: string | undefined;
  requests: number;
  errors: number;
  clients: Map<string, number>;
  total: number;
  peak: number;
  startUs: number;
  told: number;
}

/**
 * HTTP floods: one resource of one server asked for many times a second. Parameters: `rate` (requests a second),
 * `seconds` (for so long).
 */
class HttpFlood implements Behaviour {
  readonly types = ['http'] as const;
  private readonly rushes: WindowTable<string, Rush>;
  private readonly rate: number;
  private readonly seconds: number;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit) {
    this.rate = numberOf(rule, 'rate', 100);
    this.seconds = numberOf(rule, 'seconds', 5);
    this.rushes = new WindowTable(MAX_FOLLOWED, 600_000_000, (one) => {
      if (one.told > 0 && one.total > one.told) this.tell(one);
    });
  }

  get held(): number {
    return this.rushes.size;
  }

  get evicted(): number {
    return this.rushes.evicted;
  }

  event(event: EveEvent, timeUs: number): void {
    const http = event.http as HttpDetail;
    const path = (http.url ?? '').split('?', 1)[0]!;
    // A machine that asks itself attacks nobody.
    if (event.src_ip === event.dest_ip) return;
    const key = `${event.dest_ip}:${event.dest_port} ${path}`;
    const one = this.rushes.find(key, timeUs) ?? this.rushes.add(key, {
      firstUs: timeUs, lastUs: timeUs, server: event.dest_ip ?? '', port: event.dest_port ?? 0, path, node: event.host, requests: 0, errors: 0, clients: new Map(),
      total: 0, peak: 0, startUs: timeUs, told: 0,
    });
    if (timeUs - one.startUs >= this.seconds * 1e6) {
      one.startUs = timeUs;
      one.requests = 0;
    }
    one.requests++;
    one.total++;
    one.lastUs = timeUs;
    if ((http.status ?? 0) >= 500) one.errors++;
    const client = event.src_ip ?? '';
    if (one.clients.size < 1024 || one.clients.has(client)) one.clients.set(client, (one.clients.get(client) ?? 0) + 1);
    if (one.requests < this.rate * this.seconds || one.total < one.told * 2) return;
    one.peak = Math.max(one.peak, Math.round(one.requests / Math.max(0.5, (timeUs - one.startUs) / 1e6)));
    this.tell(one);
  }

  private tell(one: Rush): void {
    one.told = one.total;
    const top = [...one.clients].sort((a, b) => b[1] - a[1]);
    const failing = one.errors > 0.2 * one.total;
    this.emit({
      rule: this.rule, verdict: failing ? 'succeeded' : 'attempted', severity: failing ? 'high' : this.rule.info.severity,
      because: {
        zh: `${one.clients.size} 个来源请求 ${one.server}:${one.port}${one.path.slice(0, 80)} 共 ${one.total} 次，峰值每秒 ${one.peak} 次${failing ? `；服务器以 5xx 应答 ${one.errors} 次，业务已受影响` : ''}。`,
        en: `${one.clients.size} source(s) asked ${one.server}:${one.port} for ${one.path.slice(0, 80)} ${one.total} times, up to ${one.peak} a second${failing ? `; the server answered ${one.errors} of them with 5xx, so the service suffers` : ''}.`,
      },
      attacker: { ip: top[0]?.[0] ?? '' }, victim: { ip: one.server, port: one.port }, proto: 'TCP', app: 'http', firstUs: one.firstUs, lastUs: one.lastUs, count: one.total,
      measured: { path: one.path.slice(0, 200), requests: one.total, per_second: one.peak, sources: one.clients.size, errors: one.errors }, key: one.path.slice(0, 200), source: -1,
      ...(one.node !== undefined && { node: one.node }),
    });
  }

  advance(nowUs: number): void {
    this.rushes.advance(nowUs);
  }

  flush(): void {
    this.rushes.flush();
  }
}

/** Ciphertext posted to one script by few. */
export const rareScript: MakeBehaviour = (rule, emit) => new RareScript(rule, emit);
/** Many paths that are not there. */
export const directoryBruteForce: MakeBehaviour = (rule, emit) => new DirectoryBruteForce(rule, emit);
/** One resource asked for many times a second. */
export const httpFlood: MakeBehaviour = (rule, emit) => new HttpFlood(rule, emit);
