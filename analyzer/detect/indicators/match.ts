import type { DetectionClass } from '../../../contracts/classes.js';
import type { EveEvent, EventType } from '../../../contracts/event.js';
import { ConnectionKind, type ConnectionRecord } from '../../flow/connection-log.js';
import { flowOf, textsOf, type Behaviour, type BehaviourHit, type BehaviourRule, type Emit, type MakeBehaviour, type Site } from '../behaviour.js';
import { textOf } from '../hosts.js';
import { parseIndicators } from './parse.js';
import { IndicatorStore, normal, type IndicatorKind, type IndicatorMatch } from './store.js';

/** Levels of a name that are looked up, from the whole name upward. */
const MAX_LEVELS = 8;

const CLASS: Readonly<Record<IndicatorKind, DetectionClass>> = {
  address: 'c2', domain: 'c2', url: 'malware_download', ja3: 'c2', ja4: 'c2', certificate: 'c2', file: 'malware_download',
};
const NAME: Readonly<Record<IndicatorKind, { zh: string; en: string }>> = {
  address: { zh: '地址', en: 'address' }, domain: { zh: '域名', en: 'domain' }, url: { zh: 'URL', en: 'URL' }, ja3: { zh: 'JA3 指纹', en: 'JA3 fingerprint' },
  ja4: { zh: 'JA4 指纹', en: 'JA4 fingerprint' }, certificate: { zh: '证书', en: 'certificate' }, file: { zh: '文件', en: 'file' },
};

/** The lists in force; whoever loads them puts a new store in their place while traffic goes on. */
export interface Indicators {
  store: IndicatorStore;
}

/**
 * Matches indicator lists on connection records and events. What an unsure entry says stays low: below 50 low, below 75
 * medium, else the rule's severity. Parameter: `entries`, values beside the lists.
 */
class IndicatorMatching implements Behaviour {
  readonly held = 0;
  readonly evicted = 0;
  private readonly own: IndicatorStore | undefined;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit, private readonly site: Site) {
    const entries = textsOf(rule, 'entries');
    if (entries.length > 0) {
      const { indicators } = parseIndicators(entries.join('\n'), rule.info.id);
      this.own = IndicatorStore.of(indicators.map((i) => ({ ...i, confidence: 100 })));
    }
  }

  /** Files cost their digests: they are looked at where a list in force names one. */
  get types(): readonly EventType[] {
    return (this.site.indicators?.store.digests.size ?? 0) > 0 ? ['dns', 'http', 'tls', 'fileinfo'] : ['dns', 'http', 'tls'];
  }

  private find(kind: IndicatorKind, value: string, nowMs: number): IndicatorMatch | undefined {
    return this.site.indicators?.store.find(kind, value, nowMs) ?? this.own?.find(kind, value, nowMs);
  }

  private address(r: ConnectionRecord, source: boolean, nowMs: number): IndicatorMatch | undefined {
    const number = source ? r.src32 : r.dst32;
    const text = r.ipVersion === 6 ? textOf(source ? r.src : r.dst) : undefined;
    const n = r.ipVersion === 6 ? -1 : number;
    return this.site.indicators?.store.address(n, text, nowMs) ?? this.own?.address(n, text, nowMs);
  }

  connection(r: ConnectionRecord): void {
    if (r.kind !== ConnectionKind.Answered && r.kind !== ConnectionKind.Opened) return;
    const nowMs = r.timeUs / 1000;
    for (const source of [false, true]) {
      const match = this.address(r, source, nowMs);
      if (match === undefined) continue;
      const bad = textOf(source ? r.src : r.dst);
      const other = textOf(source ? r.dst : r.src);
      const port = r.protocol === 6 || r.protocol === 17 ? r.dstPort : 0;
      const answered = r.kind === ConnectionKind.Answered;
      this.tell(match, bad, {
        attacker: { ip: bad, ...(!source && port > 0 && { port }) }, victim: { ip: other, ...(source && port > 0 && { port }) },
        proto: r.protocol === 6 ? 'TCP' : r.protocol === 17 ? 'UDP' : 'ICMP', source: r.source,
        // Whoever is on a list knocks on every door; what counts is that one of ours called and was answered.
        ...(source ? { class: 'exploit_probe' as const, verdict: 'attempted' as const } : { verdict: answered ? ('compromised' as const) : ('attempted' as const) }),
        low: source,
      }, r.timeUs);
    }
  }

  event(event: EveEvent, timeUs: number): void {
    const nowMs = timeUs / 1000;
    switch (event.event_type) {
      case 'dns': {
        const dns = event.dns as { type?: string; rrname?: string };
        if (dns.type === 'query' && typeof dns.rrname === 'string') this.name(dns.rrname, event, timeUs, 'attempted');
        return;
      }
      case 'tls': {
        const tls = event.tls as { sni?: string; ja3?: { hash?: string }; ja4?: string; fingerprint?: string };
        if (tls.sni !== undefined) this.name(tls.sni, event, timeUs, 'compromised');
        if (tls.ja3?.hash !== undefined) this.value('ja3', tls.ja3.hash, event, timeUs);
        if (tls.ja4 !== undefined) this.value('ja4', tls.ja4, event, timeUs);
        if (tls.fingerprint !== undefined) this.value('certificate', normal('certificate', tls.fingerprint), event, timeUs);
        return;
      }
      case 'http': {
        const http = event.http as { hostname?: string; url?: string };
        if (http.hostname === undefined) return;
        this.name(http.hostname, event, timeUs, 'compromised');
        const url = normal('url', `${http.hostname}${http.url ?? ''}`);
        const match = this.find('url', url, nowMs) ?? this.find('url', url.split('?', 1)[0]!, nowMs);
        if (match !== undefined) this.of(match, url, event, timeUs, 'compromised');
        return;
      }
      case 'fileinfo': {
        const info = event.fileinfo as { md5?: string; sha1?: string; sha256?: string; sm3?: string; filename?: string };
        for (const digest of [info.sha256, info.sm3, info.sha1, info.md5]) {
          const match = digest === undefined ? undefined : this.find('file', digest, nowMs);
          if (match === undefined) continue;
          this.of(match, `${info.filename ?? ''} ${digest}`, event, timeUs, 'compromised');
          break;
        }
        return;
      }
      default:
    }
  }

  private name(name: string, event: EveEvent, timeUs: number, verdict: 'attempted' | 'compromised'): void {
    let rest = normal('domain', name).replace(/:\d+$/, '');
    for (let level = 0; level < MAX_LEVELS; level++) {
      const match = this.find('domain', rest, timeUs / 1000);
      if (match !== undefined) {
        this.of(match, name, event, timeUs, verdict);
        return;
      }
      const dot = rest.indexOf('.');
      if (dot < 0) return;
      rest = rest.slice(dot + 1);
    }
  }

  private value(kind: IndicatorKind, value: string, event: EveEvent, timeUs: number): void {
    const match = this.find(kind, value, timeUs / 1000);
    if (match !== undefined) this.of(match, value, event, timeUs, 'compromised');
  }

  private of(match: IndicatorMatch, value: string, event: EveEvent, timeUs: number, verdict: 'attempted' | 'compromised'): void {
    const { src_ip = '', dest_ip = '', dest_port = 0 } = event;
    const ours = this.site.isHome(src_ip) || !this.site.isHome(dest_ip);
    this.tell(match, value, {
      attacker: ours ? { ip: dest_ip, port: dest_port } : { ip: src_ip }, victim: ours ? { ip: src_ip } : { ip: dest_ip, port: dest_port },
      proto: typeof event.proto === 'string' ? event.proto : 'TCP', ...(event.app_proto !== undefined && { app: event.app_proto }), source: -1, verdict, low: false,
      ...(event.host !== undefined && { node: event.host }), flow: flowOf(event),
    }, timeUs);
  }

  private tell(
    match: IndicatorMatch, value: string,
    hit: Pick<BehaviourHit, 'attacker' | 'victim' | 'proto' | 'source' | 'verdict'> & Partial<BehaviourHit> & { low: boolean }, timeUs: number,
  ): void {
    const { low, ...rest } = hit;
    const kind = NAME[match.kind];
    const label = match.label !== '' ? { zh: `（${match.label}）`, en: ` (${match.label})` } : { zh: '', en: '' };
    this.emit({
      class: CLASS[match.kind], ...rest, rule: this.rule, severity: low || match.confidence < 50 ? 'low' : match.confidence < 75 ? 'medium' : this.rule.info.severity,
      because: {
        zh: `${kind.zh} ${value.slice(0, 200)} 在情报「${match.source}」中${label.zh}，置信度 ${match.confidence}。`,
        en: `The ${kind.en} ${value.slice(0, 200)} is on the list "${match.source}"${label.en}, confidence ${match.confidence}.`,
      },
      firstUs: timeUs, lastUs: timeUs, count: 1,
      measured: { kind: match.kind, value: value.slice(0, 400), source: match.source, confidence: match.confidence, ...(match.label !== '' && { label: match.label }) },
      key: `${match.kind} ${value.slice(0, 200)}`,
    });
  }

  advance(): void {
    // nothing ends
  }

  flush(): void {
    // nothing waits
  }
}

/** Values on the lists in force. */
export const indicators: MakeBehaviour = (rule, emit, site) => new IndicatorMatching(rule, emit, site);
