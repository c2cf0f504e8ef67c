import { CLASSES, CLASS_NAMES, PHASES, SEVERITIES, type DetectionClass } from '../../contracts/classes.js';
import type { Covered, CoverageView, RuleView } from '../model/api.js';

type Rule = Pick<RuleView, 'id' | 'title' | 'severity' | 'class' | 'phase' | 'techniques' | 'references' | 'enabled'>;

function covered(rules: readonly Rule[], hits: ReadonlyMap<string, number>): Covered {
  return {
    rules: rules.map((r) => r.id), hits24h: rules.reduce((n, r) => n + (hits.get(r.id) ?? 0), 0),
    severity: SEVERITIES[Math.max(0, ...rules.map((r) => SEVERITIES.indexOf(r.severity)))],
  };
}
const KINDS = ['cve', 'cnvd', 'cnnvd'] as const;
const kindOf = (reference: string): (typeof KINDS)[number] | undefined => KINDS.find((k) => new RegExp(`^${k}-[0-9]+-[0-9]+$`, 'i').test(reference));
/** CVE-2019-2725 before CVE-2019-999: numbers compare as numbers. */
const newestFirst = (a: string, b: string): number => b.localeCompare(a, 'en', { numeric: true });

/** What the rules see: their techniques, vulnerabilities and phases, with gaps where a class has no rule. */
export function coverageOf(all: readonly Rule[], hits: ReadonlyMap<string, number>): CoverageView {
  const rules = all.filter((r) => r.enabled).sort((a, b) => (a.id < b.id ? -1 : 1));
  const group = (keys: (r: Rule) => readonly string[]): Map<string, Rule[]> => {
    const found = new Map<string, Rule[]>();
    for (const r of rules) for (const key of new Set(keys(r))) found.set(key, [...found.get(key) ?? [], r]);
    return found;
  };
  const techniques = group((r) => r.techniques.flatMap((t) => (t.includes('.') ? [t, t.slice(0, t.indexOf('.'))] : [t])));
  const vulnerabilities = group((r) => r.references.filter((x) => kindOf(x)).map((x) => x.toUpperCase()));
  return {
    rules: rules.length,
    titles: Object.fromEntries(rules.map((r) => [r.id, r.title])),
    techniques: [...techniques].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, list]) => ({ id, ...covered(list, hits) })),
    vulnerabilities: [...vulnerabilities].sort(([a], [b]) => newestFirst(a, b)).map(([id, list]) => ({ id, kind: kindOf(id) ?? 'cve', ...covered(list, hits) })),
    phases: PHASES.map((phase) => {
      const here = rules.filter((r) => r.phase === phase);
      const classes = CLASS_NAMES.filter((c) => CLASSES[c].phase === phase || here.some((r) => r.class === c));
      return { phase, ...covered(here, hits), classes: classes.map((c: DetectionClass) => ({ class: c, ...covered(here.filter((r) => r.class === c), hits) })) };
    }),
  };
}
