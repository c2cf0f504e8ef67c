import type { Alert, Bilingual } from '../../contracts/alert.js';
import type { DetectionClass, Severity, Verdict } from '../../contracts/classes.js';
import { VERDICTS } from '../../contracts/classes.js';
import type { EveEvent } from '../../contracts/event.js';
import { ConnectionKind, ConnectionRecord, RECORD_BYTES } from '../flow/connection-log.js';
import type { Behaviour } from './behaviour.js';
import { BlindInjection } from './blind-injection.js';
import { hostNumber, textOf } from './hosts.js';

/** Victims whose attacks are remembered; the one attacked longest ago is forgotten first. */
const MAX_VICTIMS = 1024;
/** Attacks remembered of one victim. */
const MAX_ATTACKS = 16;
/** Connection records kept, since those of a batch may come before its alerts. */
const RING = 8192;
/** An alert may rest on the response, while the callback came before it. */
const BEFORE_US = 10_000_000;
/** What comes later than this is no consequence that anybody could prove. */
const REMEMBERED_US = 600_000_000;
/** Hosts, ports and files taken out of one attack. */
const MAX_NAMED = 8;
/** Transactions of one attack whose answers may still be under way. */
const MAX_UNDER_WAY = 8;
/** Text of an attack that is searched for them. */
const MAX_TEXT = 16_384;
/** From so much on, what a victim sends to its attacker is data leaving. */
const LEAVING_BYTES = 1_000_000;

/** Attacks after which something may follow from the victim. */
const EXPLOITS: ReadonlySet<DetectionClass> = new Set<DetectionClass>([
  'command_injection', 'code_injection', 'template_injection', 'deserialization', 'jndi', 'exploit', 'xxe', 'ssrf', 'file_inclusion', 'webshell_upload',
  'webshell_use', 'unauthorized_access', 'sql_injection', 'exploit_probe', 'path_traversal', 'backdoor', 'brute_force_success', 'brute_force',
]);

/** Attacks that make the server evaluate what was sent. */
const EVALUATED: ReadonlySet<DetectionClass> = new Set<DetectionClass>(['command_injection', 'code_injection', 'template_injection', 'exploit', 'sql_injection', 'exploit_probe', 'webshell_use', 'webshell_upload', 'deserialization', 'file_inclusion', 'unauthorized_access', 'path_traversal', 'backdoor', 'xxe']);

/** Where a JNDI payload points: scheme, address, port. */
const POINTER = /\b(ldaps?|rmi|iiop|dns):\/\/((?:\d{1,3}\.){3}\d{1,3})(?::(\d{1,5}))?/gi;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { ldap: 389, ldaps: 636, rmi: 1099, iiop: 535, dns: 53 };

interface Attack {
  alert: Alert;
  timeUs: number;
  /** Hosts that the attack names: where it wants the victim to call. */
  hosts: Set<string>;
  /** Files that it uploads, by the end of their path. */
  files: string[];
  /** Transactions in which it came, the latest last. */
  transactions: string[];
}

/** Raises an alert that has been raised before: the same attack, with a higher verdict. */
export type Raise = (alert: Alert) => void;

/**
 * What follows an attack decides whether it worked: a callback of the victim to the attacker or to a host that the attack
 * names, a look-up of such a name, the request for the file that was uploaded, data leaving. The same alert is raised again
 * with a higher verdict and the reason in words.
 */
export class FollowUp implements Behaviour {
  readonly types = ['dns', 'http'] as const;
  private readonly ring = new Uint8Array(RING * RECORD_BYTES);
  private ringAt = 0;
  private readonly kept = new ConnectionRecord();
  private readonly victims = new Map<string, Attack[]>();
  private readonly blind = new BlindInjection();
  /** Victims by number, so that a record of any other host costs one look-up. */
  private readonly numbers = new Map<number, number>();
  /** Whoever connects where a JNDI payload points is the victim, or the server behind it that evaluated the payload. */
  private readonly pointed = new Map<string, { attack: Attack; number: number }>();
  private readonly pointedNumbers = new Map<number, number>();
  readonly counters = { remembered: 0, raised: 0, evicted: 0 };

  constructor(private readonly raise: Raise) {}

  get held(): number {
    return this.victims.size;
  }

  get evicted(): number {
    return this.counters.evicted;
  }

  /** An alert as a rule raised it, before the sink changes it. */
  alert(alert: Alert, timeUs: number): void {
    const s = alert.shouwang;
    if (!EXPLOITS.has(s.class) || (s.verdict === 'compromised' && s.class !== 'sql_injection')) return;
    let attacks = this.victims.get(s.victim.ip);
    if (attacks === undefined) {
      if (this.victims.size >= MAX_VICTIMS) this.forgetOldest();
      attacks = [];
    } else this.victims.delete(s.victim.ip);
    this.victims.set(s.victim.ip, attacks);
    this.numbers.set(numberOfText(s.victim.ip), timeUs);
    const text = textOfAttack(alert);
    this.blind.alert(alert, text);
    const hosts = hostsIn(text, s.victim.ip);
    const files = filesIn(alert, text);
    // Repeats are the same alert, and so is what follows them.
    let attack = attacks.find((a) => a.alert.alert.signature_id === alert.alert.signature_id && a.alert.shouwang.attacker.ip === s.attacker.ip);
    if (attack !== undefined) {
      under(attack, alert);
      attack.timeUs = timeUs;
      const before = attack.hosts.size;
      for (const host of hosts) if (attack.hosts.size < MAX_NAMED) attack.hosts.add(host);
      for (const file of files) if (attack.files.length < MAX_NAMED && !attack.files.includes(file)) attack.files.push(file);
      if (VERDICTS.indexOf(s.verdict) > VERDICTS.indexOf(attack.alert.shouwang.verdict)) attack.alert = copyOf(alert);
      if (attack.hosts.size === before) return;
    } else {
      if (attacks.length >= MAX_ATTACKS) attacks.shift();
      attack = { alert: copyOf(alert), timeUs, hosts, files, transactions: [] };
      under(attack, alert);
      attacks.push(attack);
      this.counters.remembered++;
    }
    if (s.class === 'jndi') this.point(attack, text);
    this.lookBack(attack);
  }

  /** Remembers the host and port that a JNDI payload points at. */
  private point(attack: Attack, text: string): void {
    for (const m of [...text.matchAll(POINTER)].slice(0, MAX_NAMED)) {
      const to = `${m[2]}:${m[3] ?? DEFAULT_PORTS[m[1]!.toLowerCase()]}`;
      if (this.pointed.has(to) || m[2] === attack.alert.shouwang.victim.ip) continue;
      if (this.pointed.size >= MAX_VICTIMS) {
        const oldest = this.pointed.entries().next().value!;
        this.pointed.delete(oldest[0]);
        this.pointedNumbers.delete(oldest[1].number);
      }
      const number = numberOfText(m[2]!);
      this.pointed.set(to, { attack, number });
      this.pointedNumbers.set(number, attack.timeUs);
    }
  }

  /** A server behind the one that took the request does what the payload says. */
  private behind(r: ConnectionRecord): void {
    const to = textOf(r.dst);
    const found = this.pointed.get(`${to}:${r.dstPort}`);
    if (found === undefined || r.kind !== ConnectionKind.Answered) return;
    const { attack } = found;
    const from = textOf(r.src);
    if (r.timeUs < attack.timeUs - BEFORE_US || r.timeUs - attack.timeUs > REMEMBERED_US || from === attack.alert.shouwang.attacker.ip || from === attack.alert.shouwang.victim.ip) return;
    this.rise(attack, 'compromised', 'critical', r.timeUs, {
      zh: `攻击后，后端主机 ${from} 连接了 JNDI 载荷所指的 ${to}:${r.dstPort} 并得到应答：载荷已在该主机上执行。`,
      en: `After the attack ${from}, a host behind the victim, connected to ${to}:${r.dstPort}, where the JNDI payload points, and was answered: the payload ran there.`,
    });
  }

  private lookBack(attack: Attack): void {
    const victim = attack.alert.shouwang.victim.ip;
    const number = numberOfText(victim);
    const { kept } = this;
    for (let i = 0; i < RING; i++) {
      kept.at(this.ring, (this.ringAt + i) % RING);
      if (kept.timeUs < attack.timeUs - BEFORE_US) continue;
      if (hostNumber(kept.src) === number) this.after(attack, kept, textOf(kept.dst));
      else if (this.pointedNumbers.size > 0 && this.pointedNumbers.has(hostNumber(kept.dst))) this.behind(kept);
    }
  }

  connection(r: ConnectionRecord): void {
    const { kind } = r;
    if (r.protocol !== 6 || (kind !== ConnectionKind.Answered && kind !== ConnectionKind.Opened && kind !== ConnectionKind.Ended)) return;
    r.copyTo(this.ring, this.ringAt * RECORD_BYTES);
    this.ringAt = (this.ringAt + 1) % RING;
    if (this.numbers.size === 0) return;
    if (this.pointedNumbers.size > 0 && this.pointedNumbers.has(hostNumber(r.dst))) this.behind(r);
    const last = this.numbers.get(hostNumber(r.src));
    if (last === undefined || r.timeUs - last > REMEMBERED_US) return;
    const to = textOf(r.dst);
    for (const attack of this.victims.get(textOf(r.src)) ?? []) this.after(attack, r, to);
  }

  private after(attack: Attack, r: ConnectionRecord, to: string): void {
    const { kind, timeUs } = r;
    if (timeUs < attack.timeUs - BEFORE_US || timeUs - attack.timeUs > REMEMBERED_US) return;
    if (kind === ConnectionKind.Opened && (r.tcpFlags & 0x12) !== 0x02) return;
    const { attacker: by, victim } = attack.alert.shouwang;
    // One machine that talks to itself calls nobody back.
    if (by.ip === victim.ip) return;
    const attacker = to === by.ip;
    // The connection in which the attack itself was seen is no callback.
    if (attacker && r.srcPort === victim.port && r.dstPort === by.port) return;
    if (!attacker && !attack.hosts.has(to)) return;
    const port = r.dstPort;
    const whom = attacker ? { zh: `攻击来源 ${to}:${port}`, en: `its attacker at ${to}:${port}` } : { zh: `攻击载荷中指定的 ${to}:${port}`, en: `${to}:${port}, which the payload names` };
    const after = Math.max(0, Math.round((timeUs - attack.timeUs) / 1e6));
    if (kind === ConnectionKind.Opened) {
      this.rise(attack, 'succeeded', 'critical', timeUs, {
        zh: `攻击后 ${after} 秒，受害主机主动连接${whom.zh}：载荷已执行。`, en: `${after} s after the attack the victim itself opened a connection to ${whom.en}: the payload ran.`,
      });
    } else if (kind === ConnectionKind.Answered) {
      this.rise(attack, 'compromised', 'critical', timeUs, {
        zh: `对方已应答，会话建立：主机已被控制或正在取回恶意代码。`, en: `It was answered: the host is under control or fetching code from ${to}:${port}.`,
      });
    } else if (r.bytesToServer >= LEAVING_BYTES) {
      this.rise(attack, 'compromised', 'critical', timeUs, {
        zh: `攻击后受害主机向${whom.zh}发送了 ${r.bytesToServer} 字节数据。`, en: `After the attack the victim sent ${r.bytesToServer} bytes to ${whom.en}.`,
      }, true);
    }
  }

  event(event: EveEvent, timeUs: number): void {
    if (this.victims.size === 0) return;
    if (event.event_type === 'dns') this.lookup(event, timeUs);
    else if (event.event_type === 'http') {
      this.request(event, timeUs);
      for (const found of this.blind.event(event)) {
        const attacks = this.victims.get(found.victim)?.filter((a) => a.alert.shouwang.class === found.class && a.alert.shouwang.attacker.ip === found.attacker) ?? [];
        // The alert that names the technique, or the tool, rather than a probe's.
        const attack = attacks.find((a) => /time|boolean/.test(a.alert.shouwang.rule)) ?? attacks.at(-1);
        if (attack) this.rise(attack, 'succeeded', 'high', timeUs, found.because);
      }
    }
  }

  /** The victim (or the resolver that asks for it) looks up a name that the attack carries. */
  private lookup(event: EveEvent, timeUs: number): void {
    const dns = event.dns as { type?: string; rrname?: string };
    if (dns.type !== 'query' || typeof dns.rrname !== 'string') return;
    const name = dns.rrname.toLowerCase().replace(/\.$/, '');
    for (const attack of this.victims.get(event.src_ip ?? '') ?? []) {
      if (timeUs < attack.timeUs || timeUs - attack.timeUs > REMEMBERED_US) continue;
      for (const host of attack.hosts) {
        if (name !== host && !name.endsWith(`.${host}`)) continue;
        this.rise(attack, 'succeeded', 'high', timeUs, {
          zh: `攻击后受害主机查询了攻击载荷中的域名 ${name}：载荷已被解析执行。`, en: `After the attack the victim looked up ${name}, a name that the payload carries: the payload was evaluated.`,
        });
        break;
      }
    }
  }

  /** Somebody asks for the file that was uploaded. */
  private request(event: EveEvent, timeUs: number): void {
    const http = event.http as { url?: string; status?: number; length?: number; body_length?: number; http_method?: string; computed?: string };
    if (http.computed !== undefined) this.evaluated(event, http.computed, timeUs);
    if (http.status !== 200 || !http.url) return;
    const path = http.url.split('?', 1)[0]!.toLowerCase();
    for (const attack of this.victims.get(event.dest_ip ?? '') ?? []) {
      if (attack.files.length === 0 || timeUs <= attack.timeUs || timeUs - attack.timeUs > REMEMBERED_US) continue;
      if (event.flow_id === attack.alert.flow_id && event.tx_id === attack.alert.tx_id) continue;
      const file = attack.files.find((f) => (f.endsWith('/') ? path.startsWith(`/${f}`) : path.endsWith(`/${f}`)));
      if (file === undefined || http.http_method === 'PUT') continue;
      this.rise(attack, 'compromised', 'critical', timeUs, {
        zh: `上传的文件 ${file} 随后被访问，服务器返回 200（${http.body_length ?? http.length ?? 0} 字节）：后门可用。`,
        en: `The uploaded file ${file} was asked for afterwards and the server answered 200 (${http.body_length ?? http.length ?? 0} bytes): the backdoor works.`,
      });
    }
  }

  /** The reply shows the result of a calculation that the attack asked for. */
  private evaluated(event: EveEvent, computed: string, timeUs: number): void {
    const transaction = `${event.flow_id}.${event.tx_id}`;
    for (const attack of this.victims.get(event.dest_ip ?? '') ?? []) {
      if (!EVALUATED.has(attack.alert.shouwang.class) || !attack.transactions.includes(transaction)) continue;
      this.rise(attack, 'succeeded', 'high', timeUs, {
        zh: `响应中出现了请求所要求的计算结果（${computed}）：服务器对输入进行了求值。`, en: `The reply shows the result of the calculation that was sent (${computed}): the server evaluated the input.`,
      });
    }
  }

  private rise(attack: Attack, verdict: Verdict, severity: Severity, timeUs: number, because: Bilingual, again = false): void {
    const { alert } = attack;
    const s = alert.shouwang;
    const higher = VERDICTS.indexOf(verdict) > VERDICTS.indexOf(s.verdict);
    if (!higher && !again) return;
    if (again && s.because.en.endsWith(because.en)) return;
    // What was known before stays said.
    s.because = { zh: `${s.because.zh} ${because.zh}`, en: `${s.because.en} ${because.en}` };
    if (higher) s.verdict = verdict;
    s.severity = severity;
    s.last_seen = stamp(timeUs);
    this.counters.raised++;
    this.raise({ ...alert, alert: { ...alert.alert }, shouwang: { ...s, matched: [...s.matched] } });
  }

  advance(): void {
    // Packets of several clocks come by; the caps alone bound what is remembered.
  }

  flush(): void {
    // an attack that nothing followed stays as it was told
  }

  private forgetOldest(): void {
    const oldest = this.victims.keys().next().value;
    if (oldest === undefined) return;
    this.counters.evicted++;
    this.victims.delete(oldest);
    this.numbers.delete(numberOfText(oldest));
  }
}

function under(attack: Attack, alert: Alert): void {
  if (attack.transactions.push(`${alert.flow_id}.${alert.tx_id}`) > MAX_UNDER_WAY) attack.transactions.shift();
}

function copyOf(alert: Alert): Alert {
  return { ...alert, alert: { ...alert.alert }, shouwang: { ...alert.shouwang } };
}

function stamp(us: number): string {
  const ms = Math.floor(us / 1000);
  return `${new Date(ms).toISOString().slice(0, -1)}${String(Math.floor(us - ms * 1000)).padStart(3, '0')}+0000`;
}

/** The same number as `hostNumber` gives for the bytes; IPv6 attacks are followed by text alone and cost a miss here. */
function numberOfText(ip: string): number {
  const parts = ip.split('.');
  if (parts.length === 4) return hostNumber(Uint8Array.from(parts, Number));
  const [head = '', tail] = ip.split('::');
  const groups = (s: string) => (s === '' ? [] : s.split(':')).map((g) => Number.parseInt(g, 16));
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const all = tail === undefined ? front : [...front, ...Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => 0), ...back];
  return hostNumber(Uint8Array.from(all.flatMap((g) => [g >> 8, g & 255])));
}

/** Request, headers and body of the attack as text, decoded as far as payloads are usually wrapped. */
function textOfAttack(alert: Alert): string {
  const http = alert.http as Record<string, unknown> | undefined;
  let text = http ? [http.url, http.http_request_printable, http.http_request_body_printable].filter((v) => typeof v === 'string').join('\n') : String(alert.payload_printable ?? '');
  for (const m of alert.shouwang.matched) if (m.direction === 'to_server') text += `\n${Buffer.from(m.data, 'base64').toString('latin1')}`;
  text = text.slice(0, MAX_TEXT);
  let plain = text;
  try {
    plain = decodeURIComponent(text.replace(/%(?![0-9a-fA-F]{2})/g, '%25').replace(/\+/g, ' '));
  } catch {
    plain = text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  }
  plain = plain.replace(/\\u00([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  // Commands travel in base64: `echo … | base64 -d`, `{echo,…}|{base64,-d}`.
  let inner = '';
  for (const run of plain.match(/[A-Za-z0-9+/]{24,}={0,2}/g)?.slice(0, 8) ?? []) {
    const decoded = Buffer.from(run, 'base64').toString('latin1');
    if (/^[\x09\x0a\x0d\x20-\x7e]+$/.test(decoded.slice(0, 64))) inner += `\n${decoded}`;
  }
  return `${plain}${inner}`;
}

function hostsIn(text: string, victim: string): Set<string> {
  const hosts = new Set<string>();
  const add = (host: string) => {
    const name = host.toLowerCase();
    if (name !== victim && hosts.size < MAX_NAMED) hosts.add(name);
  };
  for (const m of text.matchAll(/\b(?:ldaps?|rmi|dns|iiop|https?|ftp|jdbc:mysql|gopher|tcp|smb|file):\/\/(?:[^\s/@'"<>]{0,64}@)?([A-Za-z0-9.-]{4,253})/gi)) add(m[1]!);
  for (const m of text.matchAll(/\/dev\/(?:tcp|udp)\/([A-Za-z0-9.-]{4,253})\/\d/g)) add(m[1]!);
  for (const m of text.matchAll(/\b(?:nc|ncat|ping|curl|wget|nslookup|dig|telnet|certutil|slaveof|bash|connect\()[^\n]{0,80}?\b((?:\d{1,3}\.){3}\d{1,3})\b/gi)) add(m[1]!);
  for (const m of text.matchAll(/\b(?:ping|curl|wget|nslookup|dig|host)\s+(?:-\S+\s+(?:\d+\s+)?)*([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)/gi)) add(m[1]!);
  // The Host header names the victim itself.
  const own = /^host:\s*([^\s:]+)/im.exec(text)?.[1]?.toLowerCase();
  if (own !== undefined) hosts.delete(own);
  return hosts;
}

/** Scripts that a command redirects its output to or downloads into. */
function filesWritten(text: string): string[] {
  const names = [...text.matchAll(/(?:>{1,2}|\s-[oO]|\btee)\s*"?[\w./\\:$-]{0,200}?([\w.-]{1,64}\.(?:jspx?|php\d?|phtml|aspx?|ashx|cer))\b/gi)];
  return [...new Set(names.map((m) => m[1]!.toLowerCase()))].slice(0, MAX_NAMED);
}

function filesIn(alert: Alert, text: string): string[] {
  const { class: kind } = alert.shouwang;
  if (kind === 'command_injection') return filesWritten(text);
  if (!['webshell_upload', 'exploit', 'unauthorized_access', 'path_traversal', 'code_injection', 'deserialization'].includes(kind)) return [];
  const files = new Set<string>();
  for (const m of text.matchAll(/filename="?([^"\r\n;]{1,255})/gi)) files.add(m[1]!);
  const http = alert.http as { url?: string; http_method?: string } | undefined;
  if (http?.http_method === 'PUT' && http.url) files.add(http.url);
  for (const m of text.matchAll(/[\w.-]{1,64}\.(?:jspx?|php\d?|phtml|aspx?|ashx|asmx|cer)\b/gi)) files.add(m[0]);
  // What is deployed answers below its own name.
  const deployed = [...text.matchAll(/([\w.-]{1,64})\.war\b/gi)].map((m) => `${m[1]!.toLowerCase()}/`);
  const own = http?.url?.split('?', 1)[0]!.toLowerCase() ?? '';
  return [...deployed, ...[...files].map((f) => f.replace(/[\s/.%\\]+$/, '').split(/[/\\]/).pop()!.toLowerCase())
    .filter((f) => /\.(?:jspx?|php\d?|phtml|aspx?|ashx|asmx|cer)$/.test(f) && (http?.http_method === 'PUT' || !own.endsWith(`/${f}`)))].slice(0, MAX_NAMED);
}
