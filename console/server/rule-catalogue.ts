import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { CLASSES, type DetectionClass } from '../../contracts/classes.js';
import type { RuleDocument } from '../../contracts/rule.js';
import { subjects } from '../../contracts/subjects.js';
import type { Bus } from '../../runtime/bus/bus.js';
import type { Log } from '../../runtime/log.js';
import type { RuleRow, RuleView } from '../model/api.js';

const FRESH_MS = 30_000;
const ANSWER_MS = 2_000;
const DEPTH_MAX = 6;
const RULE_BYTES_MAX = 512 * 1024;

/** The rules as the analyzers run them, asked for over the bus; from a folder where no analyzer answers. */
export class RuleCatalogue {
  private held = new Map<string, Omit<RuleView, 'hits24h'>>();
  private at = 0;
  private loading: Promise<void> | undefined;

  constructor(private readonly bus: Bus, private readonly folder: string | undefined, private readonly log: Log) {}

  async all(now: number): Promise<ReadonlyMap<string, Omit<RuleView, 'hits24h'>>> {
    if (now - this.at > FRESH_MS) {
      this.loading ??= this.load().catch((error: unknown) => this.log.warn('the rule list could not be loaded', { error })).finally(() => { this.loading = undefined; this.at = now; });
      await this.loading;
    }
    return this.held;
  }

  private async load(): Promise<void> {
    const documents = (await this.ask()) ?? (this.folder ? await readFolder(this.folder) : undefined);
    if (!documents) return;
    const held = new Map<string, Omit<RuleView, 'hits24h'>>();
    for (const { document, yaml } of documents) {
      const view = toView(document, yaml);
      if (view) held.set(view.id, view);
    }
    this.held = held;
  }

  private async ask(): Promise<{ document: unknown; yaml?: string }[] | undefined> {
    try {
      const reply = await this.bus.request(subjects.command('analyzer', 'rules'), new Uint8Array(), ANSWER_MS);
      const answer = JSON.parse(new TextDecoder().decode(reply.data)) as unknown;
      const list = Array.isArray(answer) ? answer : (answer as { rules?: unknown })?.rules;
      if (!Array.isArray(list) || list.length === 0) return undefined;
      return list.map((item: unknown) => (typeof item === 'object' && item !== null && 'document' in item ? (item as { document: unknown; yaml?: string }) : { document: item }));
    } catch {
      return undefined; // nobody answers: the folder is next
    }
  }
}

async function readFolder(folder: string, depth = 0): Promise<{ document: unknown; yaml: string }[]> {
  const found: { document: unknown; yaml: string }[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && depth < DEPTH_MAX && entry.name !== 'captures') found.push(...await readFolder(path, depth + 1));
    else if (entry.isFile() && /\.ya?ml$/.test(entry.name)) {
      const yaml = await readFile(path, 'utf8').catch(() => '');
      if (yaml.length > RULE_BYTES_MAX) continue;
      try {
        found.push({ document: parse(yaml), yaml });
      } catch { /* the analyzer refuses it with file and line; here it is only not shown */ }
    }
  }
  return found;
}

/** A rule as lists show it: without its text. */
export const ruleRow = (r: Omit<RuleView, 'hits24h'>, hits24h: number): RuleRow => ({
  id: r.id, sid: r.sid, rev: r.rev, title: r.title, severity: r.severity, class: r.class, phase: r.phase, techniques: r.techniques, references: r.references, enabled: r.enabled, hits24h,
});

function toView(document: unknown, yaml?: string): Omit<RuleView, 'hits24h'> | undefined {
  const d = document as RuleDocument;
  if (typeof d !== 'object' || d === null || typeof d.id !== 'string' || typeof d.title?.zh !== 'string' || !Object.hasOwn(CLASSES, d.class)) return undefined;
  const c = CLASSES[d.class as DetectionClass];
  let text = yaml;
  return {
    id: d.id, sid: d.sid, rev: d.revision, title: d.title, severity: d.severity, class: d.class as DetectionClass, phase: d.phase ?? c.phase,
    techniques: d.techniques ?? [], advice: d.advice, remediation: d.remediation, falsePositives: d.falsePositives,
    enabled: d.enabled !== false, references: (d.references ?? []).map((r) => Object.values(r)[0] as string), gb2007: d.gb2007 ?? c.gb2007, gb2023: d.gb2023 ?? c.gb2023,
    document,
    // Written when the rule is looked at: for all of them at once it would hold up everybody for a second.
    get yaml() { return (text ??= stringify(document)); },
  };
}
