import type { Draftsman } from './compile.js';
import { comparison } from './packet-keywords.js';
import { compares } from './byte-tester.js';
import type { Scene, SuricataTag } from './program.js';
import type { Reputation } from './reputation.js';
import { hostKey } from './shared-state.js';
import type { Option } from './syntax.js';

type Keyword = (d: Draftsman, o: Option) => void;

/** Packets that a tag without numbers logs, and most that one in packets does, as in Suricata. */
const TAG_PACKETS = 256;
const BOTH = 3;

const text = (o: Option) => (o.value ?? '').trim();

function tag(d: Draftsman, o: Option): void {
  const m = /^(host|session)\s*(?:,\s*(\d+)\s*,\s*(packets|bytes|seconds)\s*(?:,\s*(src|dst))?)?$/i.exec(text(o));
  if (!m) throw d.wrong(o, 'wants session or host, then a count of packets, bytes or seconds, then src or dst');
  const metric = (m[3]?.toLowerCase() ?? 'packets') as SuricataTag['metric'];
  const count = m[2] === undefined ? TAG_PACKETS : Number(m[2]);
  d.tags.push({ what: m[1]!.toLowerCase() as 'host', count: metric === 'packets' ? Math.min(count, TAG_PACKETS) : count, metric, host: (m[4]?.toLowerCase() ?? 'dst') as 'dst' });
}

/** `filestore`, `filestore:both,flow`: which files are stored, where a folder for them is configured. */
function filestore(d: Draftsman, o: Option): void {
  let directions = 0;
  let flow = false;
  for (const word of text(o).split(',').map((w) => w.trim().toLowerCase()).filter((w) => w !== '')) {
    switch (word) {
      case 'request': case 'to_server': directions = 1; break;
      case 'response': case 'to_client': directions = 2; break;
      case 'both': directions = BOTH; break;
      case 'file': case 'tx': flow = false; break;
      case 'ssn': case 'flow': flow = true; break;
      default: throw d.wrong(o, `'${word}' is neither a direction nor a scope`);
    }
  }
  d.storesFiles = true;
  d.effects.push((s) => {
    if (s.flow) s.context.storeFiles?.(s.flow, flow ? undefined : s.tx, directions !== 0 ? directions : flow ? BOTH : 1 << s.direction);
  });
}

function storeCertificates(d: Draftsman): void {
  d.storesCertificates = true;
  d.effects.push((s) => {
    if (s.flow && s.tx) s.context.storeCertificates?.(s.flow, s.tx);
  });
}

/** `iprep:src,CnC,>,30`, `iprep:any,CnC,isset`. */
function iprep(d: Draftsman, o: Option): void {
  const [who = '', name = '', operator = '', value] = text(o).split(',').map((s) => s.trim());
  if (!['any', 'src', 'dst', 'both'].includes(who) || name === '') throw d.wrong(o, 'wants any, src, dst or both, a category, and a comparison or isset');
  const { reputation } = d.datasets;
  if (!reputation) throw d.unsupported(o, 'no reputation lists are configured: analyzer.reputation, or --reputation');
  const category = reputation.numberOf(name);
  if (category === undefined) throw d.wrong(o, `no category of the reputation lists is named '${name}'`);
  const unset = operator === 'isnotset';
  const c = operator === 'isset' || unset ? undefined : comparison(operator + (value ?? ''));
  if (operator !== 'isset' && !unset && (!c || c.value > 127)) throw d.wrong(o, 'compares with no score from 0 to 127');
  const holds = (score: number | undefined): boolean => (unset ? score === undefined : score !== undefined && (!c || compares(c.compare, score, c.value, c.high) !== c.negated));
  const of = (s: Scene, side: 'src' | 'dst', r: Reputation): boolean => holds(r.score(category, hostKey(s, side)));
  d.tests.push((s) => {
    switch (who) {
      case 'src': case 'dst': return of(s, who, reputation);
      case 'both': return of(s, 'src', reputation) && of(s, 'dst', reputation);
      default: return of(s, 'src', reputation) || of(s, 'dst', reputation);
    }
  });
}

const without = (why: string): Keyword => (d, o) => d.without(o, why);

/** Keywords about what a match does beside alerting, and about what lists say of addresses. */
export const EFFECT_KEYWORDS: Record<string, Keyword> = {
  tag, filestore, iprep, 'tls.store': storeCertificates, tls_store: storeCertificates,
  bypass: without('every flow is followed to its end'),
  logto: without('alerts have one way out; it has no effect in Suricata either'),
  rawbytes: without('contents are looked for in the bytes as they came; it has no effect in Suricata either'),
  prefilter: without('the literal that is looked for first is chosen by the loader, or by fast_pattern'),
};
