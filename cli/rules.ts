import { Option, type Command } from 'commander';
import YAML from 'yaml';
import { checkRules, judge } from '../analyzer/match/prove.js';
import { dirname, join, relative } from 'node:path';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { CLASSES, PHASES, type DetectionClass, type Phase } from '../contracts/classes.js';
import type { Alert } from '../contracts/alert.js';
import type { RuleDocument } from '../contracts/rule.js';
import { loadRules } from '../analyzer/match/load.js';
import { RuleProfile } from '../analyzer/match/profile.js';
import { ruleErrors } from '../analyzer/match/errors.js';
import { analyzeCaptures } from './analysis.js';
import { loadPack, PACK, ruleFailures, rulePaths } from './pack.js';
import { toDocument } from '../analyzer/match/suricata/document.js';
import { parseRuleFile } from '../analyzer/match/suricata/syntax.js';
import { compileSuricata } from '../analyzer/match/suricata/compile.js';
import { Datasets } from '../analyzer/match/suricata/datasets.js';
import { DEFAULT_VARIABLES } from '../analyzer/match/addresses.js';
import { playCaptures } from './capture-players.js';
import { progress } from './progress.js';
import { reputationIn } from './reputation.js';
import { alertLine, costTable } from './table.js';

const here = (path: string): string => relative(process.cwd(), path) || path;

function check(paths: string[], options: { format: string; reputation?: string }): void {
  const { rules, errors, warnings } = checkRules(rulePaths(paths), options.reputation === undefined ? {} : { reputation: reputationIn(options.reputation) });
  if (options.format === 'json') {
    console.log(JSON.stringify({ rules, errors: errors.map((e) => ({ code: e.code, message: e.message, hint: e.hint })), warnings }, undefined, 1));
  } else {
    for (const e of errors) console.log(`error    ${e.toLine()}`);
    for (const w of warnings) console.log(`warning  ${w.code}: ${here(w.place.file)}:${w.place.line}: ${w.message}`);
    console.log(`${rules} rules, ${errors.length} errors, ${warnings.length} warnings`);
  }
  if (errors.length > 0) process.exitCode = 2;
}

/** Writes each rule of the files as a document in a folder of its own; what cannot be loaded is told and left out. */
function importRules(files: string[], options: { out: string }): void {
  const datasets = new Datasets();
  let written = 0;
  let refused = 0;
  for (const file of files) {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch {
      throw ruleFailures.missing(file);
    }
    const { rules, problems } = parseRuleFile(text, file);
    for (const p of problems) {
      refused++;
      process.stderr.write(`${ruleErrors.syntax(p.place, p.why).toLine()}\n`);
    }
    for (const rule of rules) {
      const { signature, error, notices } = compileSuricata(rule, DEFAULT_VARIABLES, datasets);
      if (error || !signature) {
        refused++;
        if (error) process.stderr.write(`${error.toLine()}\n`);
        continue;
      }
      for (const n of notices) process.stderr.write(`${here(n.place.file)}:${n.place.line}: sid ${signature.info.sid}: '${n.keyword}' changes nothing here (${n.why})\n`);
      const document = toDocument(signature, rule.text);
      const folder = join(options.out, document.id);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'rule.yaml'), YAML.stringify(document, { lineWidth: 0 }));
      written++;
    }
  }
  console.log(`${written} rules written to ${here(options.out)}, ${refused} left out`);
  if (written === 0 && refused > 0) process.exitCode = 2;
}

interface Result { rule: string; capture: string; expect: string; ok: boolean; why: string; ms: number }

/** Rules whose times the table shows; JSON has all. */
const TIMES_SHOWN = 10;

async function test(paths: string[], options: { format: string }): Promise<void> {
  const pack = loadPack(paths, {}, (line) => process.stderr.write(`${line}\n`));
  const byCapture = new Map<string, { document: RuleDocument; capture: RuleDocument['captures'][number] }[]>();
  for (const { document, file } of pack.loaded.documents) {
    for (const capture of document.captures) {
      const path = join(dirname(file), capture.file);
      const list = byCapture.get(path) ?? [];
      list.push({ document, capture });
      byCapture.set(path, list);
    }
  }
  const started = performance.now();
  const results: Result[] = [];
  const bar = progress('captures', byCapture.size);
  const costs = await playCaptures(playedWith(rulePaths(paths), pack.loaded.documents.map((d) => d.document)), [...byCapture.keys()], ({ path, alerts, failure, ms }) => {
    for (const { document, capture } of byCapture.get(path) ?? []) {
      const why = failure ?? judge(document, capture, alerts);
      results.push({ rule: document.id, capture: here(path), expect: capture.expect, ok: why === undefined, why: why ?? 'as stated', ms });
    }
    bar.step();
  });
  bar.end();
  results.sort((a, b) => (a.rule === b.rule ? compare(a.capture, b.capture) : compare(a.rule, b.rule)));
  const failed = results.filter((r) => !r.ok);
  const times = new Map(pack.loaded.documents.map(({ document }) => [document.id, { rule: document.id, capturesMs: 0, conditionsMs: 0, candidates: 0 }]));
  for (const r of results) times.get(r.rule)!.capturesMs += r.ms;
  for (const c of costs) Object.assign(times.get(c.id) ?? {}, { conditionsMs: c.ms, candidates: c.candidates });
  const took = (performance.now() - started) / 1000;
  if (options.format === 'json') {
    console.log(JSON.stringify({ rules: pack.loaded.documents.length, captures: byCapture.size, failed: failed.length, seconds: took, results, times: [...times.values()] }, undefined, 1));
  } else {
    for (const r of failed) console.log(`FAILED  ${r.rule}  ${r.capture}  (${r.expect}): ${r.why}`);
    const hits = results.filter((r) => r.expect === 'hit');
    const misses = results.filter((r) => r.expect === 'miss');
    for (const line of costTable(costs.slice(0, TIMES_SHOWN))) process.stderr.write(`${line}\n`);
    console.log(`${pack.loaded.documents.length} rules, ${byCapture.size} captures: ${hits.filter((r) => r.ok).length}/${hits.length} hits, ${misses.filter((r) => r.ok).length}/${misses.length} misses, ${took.toFixed(1)} s`);
  }
  if (failed.length > 0) process.exitCode = 2;
}

/** Behaviours over what other rules have found: alone they have nothing to look at. */
const OVER_ALERTS: ReadonlySet<string> = new Set(['many-attempts', 'new-internal-service']);

/** The rules to play captures with: those under test, and the shipped pack where one of them counts other rules' alerts. */
function playedWith(paths: string[], documents: readonly RuleDocument[]): string[] {
  if (!documents.some((d) => d.behaviour !== undefined && OVER_ALERTS.has(d.behaviour.name))) return paths;
  return [PACK, ...paths.filter((p) => relative(PACK, p).startsWith('..'))];
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Capture files in folders, such as the evidence of the console, and those named. */
function capturesIn(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    if (!existsSync(path)) throw ruleFailures.capture(path);
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((e) => e.isFile() && /\.(?:pcap|pcapng|cap)(?:\.gz)?$/i.test(e.name)).map((e) => join(e.parentPath ?? e.path, e.name)).sort(compare);
  });
}

/** Retro-hunt: what a rule would have said of captures and evidence of the past, before it is switched on. */
async function tryRule(rule: string, captures: string[], options: { format: string }): Promise<void> {
  const files = capturesIn(captures);
  const pack = loadPack([rule], {}, (line) => process.stderr.write(`${line}\n`));
  const profile = new RuleProfile(() => performance.now());
  const found: { capture: string; alert: Alert }[] = [];
  let packets = 0;
  let bytes = 0;
  const bar = progress('captures', files.length);
  for (const file of files) {
    const stats = await analyzeCaptures([file], { rules: [], pack, profile }, {
      alert: (alert) => void found.push({ capture: here(file), alert }), warn: () => {},
      unreadable: (_file, error) => process.stderr.write(`${error.toLine()}\n`),
    });
    for (const s of stats) {
      packets += s.packets;
      bytes += s.bytes;
    }
    bar.step();
  }
  bar.end();
  if (options.format === 'json') {
    console.log(JSON.stringify({ rule, captures: files.length, packets, bytes, alerts: found.map(({ capture, alert }) => ({ capture, ...alert.shouwang })), costs: profile.dearest() }, undefined, 1));
    return;
  }
  for (const { capture, alert } of found) console.log(`${capture}\n${alertLine(alert, false)}`);
  for (const line of costTable(profile.dearest(TIMES_SHOWN))) process.stderr.write(`${line}\n`);
  console.log(`${files.length} captures, ${packets} packets, ${(bytes / 2 ** 20).toFixed(1)} MiB: ${found.length} alert${found.length === 1 ? '' : 's'} in ${new Set(found.map((f) => f.capture)).size} of them`);
}

const phaseOf = (d: RuleDocument): Phase => d.phase ?? CLASSES[d.class as DetectionClass].phase;

function list(paths: string[], options: { format: string }): void {
  const { documents } = loadRules(rulePaths(paths));
  const rules = documents.map(({ document: d }) => ({
    id: d.id, sid: d.sid, title: d.title, severity: d.severity, class: d.class, phase: phaseOf(d), techniques: d.techniques ?? [],
    references: (d.references ?? []).map((r) => Object.values(r)[0] as string), behaviour: d.behaviour?.name, captures: d.captures.length,
    verdicts: ['attempted', ...(d.verdict ?? []).map((v) => v.is)],
  })).sort((a, b) => a.sid - b.sid);
  if (options.format === 'json') {
    console.log(JSON.stringify(rules, undefined, 1));
    return;
  }
  if (options.format === 'markdown') {
    const by = (title: string, keys: (r: (typeof rules)[number]) => string[]): string => {
      const map = new Map<string, string[]>();
      for (const r of rules) for (const k of keys(r)) map.set(k, [...(map.get(k) ?? []), `\`${r.id}\``]);
      return `\n## ${title}\n\n| | rules |\n|---|---|\n${[...map].sort(([a], [b]) => a.localeCompare(b)).map(([k, v]) => `| ${k} | ${v.join(', ')} |`).join('\n')}\n`;
    };
    console.log(`# Coverage\n\n${rules.length} rules.\n`);
    console.log(`| phase | rules |\n|---|---|\n${PHASES.map((p) => `| ${p} | ${rules.filter((r) => r.phase === p).length} |`).join('\n')}`);
    console.log(by('By ATT&CK technique', (r) => r.techniques));
    console.log(by('By reference', (r) => r.references.filter((x) => /^(CVE|CNVD|CNNVD)-/.test(x))));
    console.log(by('By class', (r) => [`${r.class} ${CLASSES[r.class as DetectionClass].zh}`]));
    return;
  }
  for (const r of rules) console.log(`${String(r.sid).padEnd(8)} ${r.severity.padEnd(8)} ${r.class.padEnd(22)} ${r.id.padEnd(34)} ${r.title.zh} / ${r.title.en}`);
}

export function register(command: Command): void {
  command.command('import').description("turn rules in Suricata's language into YAML rules of ours").argument('<files...>', 'files of rules')
    .requiredOption('--out <folder>', 'where to write a folder for each rule').exitOverride().action(importRules)
    .addHelpText('after', '\nExample:\n  npx shouwang rules import emerging-web_server.rules --out my-rules/');
  const format = (choices: string[]) => new Option('--format <format>', 'what to print').choices(choices).default('table');
  command.command('check').description('look for mistakes in rules').argument('[paths...]', 'rule files and folders; default: the shipped pack')
    .option('--reputation <folder>', 'reputation of addresses for iprep: categories.txt and *.list')
    .addOption(format(['table', 'json'])).exitOverride().action(check)
    .addHelpText('after', '\nExample:\n  npx shouwang rules check my-rules/');
  command.command('test').description('play every rule its captures').argument('[paths...]', 'rule files and folders; default: the shipped pack')
    .addOption(format(['table', 'json'])).exitOverride().action(test)
    .addHelpText('after', '\nExample:\n  npx shouwang rules test rules/java');
  command.command('try').description('say what a rule would have found in captures or evidence of the past').argument('<rule>', 'rule file or folder')
    .argument('<captures...>', 'captures, and folders of them such as the evidence of the console').addOption(format(['table', 'json'])).exitOverride().action(tryRule)
    .addHelpText('after', '\nExample:\n  npx shouwang rules try my-rules/new-shell /var/lib/shouwang/evidence last-week.pcap');
  command.command('list').description('list rules, or what they cover').argument('[paths...]', 'rule files and folders; default: the shipped pack')
    .addOption(format(['table', 'markdown', 'json'])).exitOverride().action(list)
    .addHelpText('after', '\nExample:\n  npx shouwang rules list --format markdown > coverage.md');
  command.addHelpText('after', '\nExample:\n  npx shouwang rules test rules/java --format json | jq .failed');
}
