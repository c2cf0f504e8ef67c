import { Type, type Static } from '@sinclair/typebox';
import type { Command } from 'commander';
import { dirname, resolve } from 'node:path';
import type { Alert } from '../contracts/alert.js';
import { CLASS_NAMES, SEVERITIES, VERDICTS } from '../contracts/classes.js';
import { loadConfig } from '../runtime/config.js';
import { analyzeCaptures, type AnalysisOptions } from './analysis.js';
import { repeated } from './options.js';
import { progress } from './progress.js';

const closed = { additionalProperties: false } as const;
const oneOf = <T extends readonly string[]>(names: T) => Type.Unsafe<T[number]>({ type: 'string', enum: [...names] });

/** What the red team did, as the referee wrote it down. */
const Attack = Type.Object({
  name: Type.String(),
  attacker: Type.Optional(Type.String()),
  victim: Type.Optional(Type.String()),
  /** Any of these names it: a class, an ATT&CK technique, a rule. */
  class: Type.Optional(Type.Union([oneOf(CLASS_NAMES), Type.Array(oneOf(CLASS_NAMES))])),
  technique: Type.Optional(Type.String({ pattern: '^T[0-9]{4}(?:\\.[0-9]{3})?$' })),
  rule: Type.Optional(Type.String()),
  verdict: Type.Optional(oneOf(VERDICTS)),
  /** When it began, packet time (ISO 8601); without it, the time to detection is not counted. */
  started: Type.Optional(Type.String()),
}, closed);

export const ExercisePlan = Type.Object({
  name: Type.String(),
  captures: Type.Array(Type.Object({
    file: Type.String({ description: 'Path, relative to the plan' }),
    attacks: Type.Array(Attack, { default: [] }),
  }, closed), { minItems: 1 }),
}, { ...closed, $id: 'ExercisePlan' });
export type ExercisePlan = Static<typeof ExercisePlan>;
type AttackRecord = ExercisePlan['captures'][number]['attacks'][number];

export interface AttackResult { capture: string; attack: string; seen: boolean; by?: string; verdict?: string; expected?: string; verdictRight: boolean; seconds?: number }
export interface ExerciseResult {
  name: string;
  attacks: AttackResult[];
  captures: { file: string; alerts: number; unexpected: string[] }[];
  totals: { attacks: number; seen: number; verdictsRight: number; medianAlerts: number; benign: number; benignWithAlarm: number };
}

function names(alert: Alert, attack: AttackRecord): boolean {
  const s = alert.shouwang;
  if (attack.attacker && ![s.attacker.ip, s.victim.ip].includes(attack.attacker)) return false;
  if (attack.victim && ![s.attacker.ip, s.victim.ip].includes(attack.victim)) return false;
  const classes = attack.class === undefined ? [] : [attack.class].flat();
  if (!attack.rule && !attack.technique && classes.length === 0) return true;
  return s.rule === attack.rule || (attack.technique !== undefined && s.techniques.includes(attack.technique)) || classes.includes(s.class);
}

const rank = (alert: Alert): number => VERDICTS.indexOf(alert.shouwang.verdict) * 10 + SEVERITIES.indexOf(alert.shouwang.severity);

/** Holds alerts against what was done. Pure, so that a plan can be scored again without the captures. */
export function score(plan: ExercisePlan, alertsOf: Map<string, Alert[]>): ExerciseResult {
  const attacks: AttackResult[] = [];
  const captures: ExerciseResult['captures'] = [];
  for (const capture of plan.captures) {
    const alerts = alertsOf.get(capture.file) ?? [];
    const used = new Set<Alert>();
    for (const attack of capture.attacks) {
      const found = alerts.filter((a) => names(a, attack));
      found.forEach((a) => used.add(a));
      const best = [...found].sort((a, b) => rank(b) - rank(a))[0];
      const first = [...found].sort((a, b) => a.shouwang.first_seen.localeCompare(b.shouwang.first_seen))[0];
      attacks.push({
        capture: capture.file, attack: attack.name, seen: best !== undefined,
        ...(best ? { by: best.shouwang.rule, verdict: best.shouwang.verdict } : {}),
        ...(attack.verdict ? { expected: attack.verdict } : {}),
        verdictRight: best !== undefined && (attack.verdict === undefined || best.shouwang.verdict === attack.verdict),
        ...(first && attack.started ? { seconds: (Date.parse(first.shouwang.first_seen) - Date.parse(attack.started)) / 1000 } : {}),
      });
    }
    const loud = alerts.filter((a) => !used.has(a) && SEVERITIES.indexOf(a.shouwang.severity) >= 2);
    captures.push({ file: capture.file, alerts: alerts.length, unexpected: [...new Set(loud.map((a) => a.shouwang.rule))] });
  }
  const withAttacks = plan.captures.filter((c) => c.attacks.length > 0).map((c) => alertsOf.get(c.file)?.length ?? 0).sort((a, b) => a - b);
  const benign = captures.filter((_, i) => plan.captures[i]!.attacks.length === 0);
  return {
    name: plan.name, attacks, captures,
    totals: {
      attacks: attacks.length,
      seen: attacks.filter((a) => a.seen).length,
      verdictsRight: attacks.filter((a) => a.verdictRight).length,
      medianAlerts: withAttacks[withAttacks.length >> 1] ?? 0,
      benign: benign.length,
      benignWithAlarm: benign.filter((c) => c.unexpected.length > 0).length,
    },
  };
}

function print(result: ExerciseResult): void {
  for (const a of result.attacks) {
    const mark = !a.seen ? 'MISSED ' : a.verdictRight ? 'seen   ' : 'VERDICT';
    const detail = a.seen ? `${a.by} (${a.verdict}${a.verdictRight ? '' : `, expected ${a.expected}`})${a.seconds === undefined ? '' : ` after ${a.seconds.toFixed(1)} s`}` : '';
    console.log(`${mark}  ${a.capture}  ${a.attack}  ${detail}`);
  }
  for (const c of result.captures) if (c.unexpected.length > 0) console.log(`ALARM    ${c.file}  ${c.unexpected.join(', ')}`);
  const t = result.totals;
  const share = (n: number, of: number) => (of === 0 ? '–' : `${((100 * n) / of).toFixed(1)} %`);
  console.log(`\n${result.name}: ${t.seen} of ${t.attacks} attacks seen (${share(t.seen, t.attacks)}), ${t.verdictsRight} verdicts right (${share(t.verdictsRight, t.attacks)}), median ${t.medianAlerts} alerts a capture, ${t.benignWithAlarm} of ${t.benign} benign captures with an alarm of medium or above`);
}

export function register(command: Command): void {
  command
    .argument('<plan>', 'YAML: captures, and of each what the red team did')
    .option('--rules <path>', 'rule file or folder, again for more; "default" names the shipped pack', repeated, [])
    .option('--format <format>', 'table or json', 'table')
    .addHelpText('after', `
A plan:
  name: Drill of 2019-06
  captures:
    - file: night.pcap
      attacks:
        - { name: S2-045 on the portal, attacker: 203.0.113.9, victim: 10.42.1.20, class: code_injection, verdict: succeeded }
    - file: quiet-day.pcap        # no attacks: every alert of medium or above is a false alarm

Example:
  npx shouwang exercise drill.yaml --format json | jq .totals`)
    .action(async (file: string, options: { rules: string[]; format: string }) => {
      const plan = loadConfig(file, ExercisePlan);
      const analysis: AnalysisOptions = { rules: options.rules };
      const done = new Map<string, Alert[]>();
      const bar = progress('analysed', plan.captures.length);
      for (const capture of plan.captures) {
        const alerts: Alert[] = [];
        await analyzeCaptures([resolve(dirname(file), capture.file)], analysis, { alert: (a) => void alerts.push(a), warn: (w) => process.stderr.write(`${w}\n`) });
        done.set(capture.file, alerts);
        bar.step();
      }
      bar.end();
      const result = score(plan, done);
      if (options.format === 'json') console.log(JSON.stringify(result, undefined, 1));
      else print(result);
    });
}
