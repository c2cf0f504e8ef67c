import { INDICATOR_KINDS, type Indicator, type IndicatorKind } from './store.js';

/** What a list holds, and what of it cannot be used. */
export interface ParsedIndicators { indicators: Indicator[]; skipped: number }

const DEFAULT_CONFIDENCE = 50;
const KINDS: Readonly<Record<string, IndicatorKind>> = {
  address: 'address', ip: 'address', ipv4: 'address', ipv6: 'address', 'ip-src': 'address', 'ip-dst': 'address', 'ip-dst|port': 'address', 'ip-src|port': 'address', cidr: 'address',
  domain: 'domain', hostname: 'domain', host: 'domain', fqdn: 'domain', 'domain|ip': 'domain', url: 'url', uri: 'url', link: 'url',
  ja3: 'ja3', 'ja3-fingerprint-md5': 'ja3', ja4: 'ja4', 'ja4-plus': 'ja4', certificate: 'certificate', 'x509-fingerprint-sha1': 'certificate', 'x509-fingerprint-sha256': 'certificate',
  'x509-fingerprint-md5': 'certificate', file: 'file', md5: 'file', sha1: 'file', sha256: 'file', sm3: 'file', hash: 'file', 'filename|md5': 'file', 'filename|sha1': 'file', 'filename|sha256': 'file',
};

/**
 * Reads a list: CSV (with a head line, or one value a line), a STIX 2.1 bundle, a MISP event or feed (JSON). Told by content.
 * @param name where it comes from, for entries that do not say. Hostile or broken entries are counted, never thrown on.
 */
export function parseIndicators(text: string, name: string): ParsedIndicators {
  const start = text.trimStart()[0];
  if (start === '{' || start === '[') {
    try {
      return ofJson(JSON.parse(text) as unknown, name);
    } catch {
      return { indicators: [], skipped: 1 };
    }
  }
  return ofCsv(text, name);
}

function ofCsv(text: string, name: string): ParsedIndicators {
  const out: ParsedIndicators = { indicators: [], skipped: 0 };
  let columns: string[] | undefined;
  for (let from = 0; from < text.length; ) {
    let to = text.indexOf('\n', from);
    if (to < 0) to = text.length;
    const line = text.slice(from, to).replace(/^\uFEFF/, '').trim();
    from = to + 1;
    if (line === '' || line.startsWith('#')) continue;
    const cells = line.includes('"') ? quoted(line) : line.split(/[,;\t]/).map((c) => c.trim());
    if (columns === undefined) {
      const head = cells.map((c) => c.toLowerCase());
      if (head.includes('value') || head.includes('indicator')) {
        columns = head.map((c) => (c === 'indicator' ? 'value' : c));
        continue;
      }
      columns = ['value', 'type', 'source', 'confidence', 'expires', 'label'];
    }
    const row: Record<string, string> = {};
    columns.forEach((c, i) => (row[c] = cells[i] ?? ''));
    take(out, row.type || row.kind || '', row.value ?? '', row.source || name, row.confidence, row.expires || row.expiry || row.valid_until, row.label || row.description || row.comment || '');
  }
  return out;
}

function quoted(line: string): string[] {
  const cells: string[] = [];
  for (const m of line.matchAll(/(?:^|[,;\t])(?:"((?:[^"]|"")*)"|([^,;\t]*))/g)) cells.push((m[1]?.replaceAll('""', '"') ?? m[2] ?? '').trim());
  return cells;
}

function ofJson(json: unknown, name: string): ParsedIndicators {
  const out: ParsedIndicators = { indicators: [], skipped: 0 };
  const root = json as Record<string, unknown>;
  if (Array.isArray(json)) for (const one of json) stixOrMisp(one, name, out);
  else if (root.type === 'bundle' && Array.isArray(root.objects)) for (const one of root.objects) stix(one, name, out);
  else stixOrMisp(root, name, out);
  return out;
}

function stixOrMisp(one: unknown, name: string, out: ParsedIndicators): void {
  const object = (one ?? {}) as Record<string, unknown>;
  if (object.type === 'indicator') return stix(object, name, out);
  if (object.type === 'bundle' && Array.isArray(object.objects)) {
    for (const inner of object.objects) stix(inner, name, out);
    return;
  }
  const event = (object.Event ?? object) as Record<string, unknown>;
  const source = typeof event.info === 'string' ? `${name}: ${event.info}` : name;
  for (const a of listOf(event.Attribute)) misp(a, source, out);
  for (const o of listOf(event.Object)) for (const a of listOf((o as Record<string, unknown>).Attribute)) misp(a, source, out);
}

function misp(attribute: unknown, source: string, out: ParsedIndicators): void {
  const { type, value, to_ids, comment } = attribute as { type?: string; value?: string; to_ids?: boolean; comment?: string };
  if (to_ids === false || typeof type !== 'string' || typeof value !== 'string') return;
  // Compound types carry the file's name or the address first, or the port behind.
  const part = type.startsWith('filename|') ? value.slice(value.lastIndexOf('|') + 1) : value.split('|', 1)[0]!;
  take(out, type, part, source, undefined, undefined, comment ?? '');
}

/** The comparisons of a STIX pattern; each stands for itself, as lists use them. */
const COMPARISON = /([a-z0-9-]+):([A-Za-z0-9_.'"-]+)\s*(?:=|ISSUBSET|LIKE)\s*'((?:[^'\\]|\\.)*)'/g;

function stix(one: unknown, name: string, out: ParsedIndicators): void {
  const object = (one ?? {}) as { type?: string; pattern?: string; confidence?: number; valid_until?: string; name?: string; revoked?: boolean; created_by_ref?: string };
  if (object.type !== 'indicator' || object.revoked === true || typeof object.pattern !== 'string') return;
  let found = false;
  for (const m of object.pattern.slice(0, 65_536).matchAll(COMPARISON)) {
    const kind = m[1] === 'ipv4-addr' || m[1] === 'ipv6-addr' ? 'address' : m[1] === 'domain-name' ? 'domain' : m[1] === 'url' ? 'url'
      : m[1] === 'file' && m[2]!.startsWith('hashes') ? 'file' : m[1] === 'x509-certificate' && m[2]!.startsWith('hashes') ? 'certificate'
        : m[1] === 'network-traffic' && /ja3/i.test(m[2]!) ? 'ja3' : m[1] === 'network-traffic' && /ja4/i.test(m[2]!) ? 'ja4' : '';
    if (kind === '') continue;
    found = true;
    take(out, kind, m[3]!.replace(/\\(.)/g, '$1'), name, object.confidence === undefined ? undefined : String(object.confidence), object.valid_until, object.name ?? '');
  }
  if (!found) out.skipped++;
}

function take(out: ParsedIndicators, type: string, value: string, source: string, confidence: string | undefined, expires: string | undefined, label: string): void {
  const kind = KINDS[type.toLowerCase()] ?? (INDICATOR_KINDS as readonly string[]).find((k) => k === type) as IndicatorKind | undefined ?? (type === '' ? guess(value) : undefined);
  if (kind === undefined || value === '' || value.length > 4096 || !fits(kind, value)) {
    out.skipped++;
    return;
  }
  const sure = confidence === undefined || confidence === '' ? DEFAULT_CONFIDENCE : Number(confidence);
  const until = expires ? Date.parse(/^\d{4}-\d\d-\d\d$/.test(expires) ? `${expires}T23:59:59+08:00` : expires) : 0;
  out.indicators.push({ kind, value, source, confidence: Number.isFinite(sure) ? sure : DEFAULT_CONFIDENCE, expires: Number.isFinite(until) ? until : 0, label });
}

function fits(kind: IndicatorKind, value: string): boolean {
  switch (kind) {
    case 'address': return /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)(?:\/\d{1,3})?$/.test(value.trim());
    case 'domain': return /^(?:\*\.)?[^\s/]+\.[^\s/]+$/.test(value.trim());
    case 'url': return value.includes('/') || value.includes('.');
    case 'ja4': return value.length >= 10;
    default: return /^[0-9a-fA-F:\s]{32,128}$/.test(value);
  }
}

function guess(value: string): IndicatorKind | undefined {
  if (/^\d{1,3}(?:\.\d{1,3}){3}(?:\/\d+)?$/.test(value) || /^[0-9a-f]*:[0-9a-f:]+(?:\/\d+)?$/i.test(value)) return 'address';
  if (/^[0-9a-f]{32}$|^[0-9a-f]{40}$|^[0-9a-f]{64}$/i.test(value)) return 'file';
  if (/^[a-z]+:\/\//i.test(value)) return 'url';
  return /^[^\s/]+\.[^\s/.]{2,}$/.test(value) ? 'domain' : undefined;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
