import { Option, type Command } from 'commander';
import YAML from 'yaml';
import { checkRules, judge } from '../analyzer/match/prove.js';
import { dirname, join, relative } from 'node:path';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { CLASSES, PHASES, type DetectionClass, type Phase } from '../contracts/classes.js';
import type { Alert } from '../contracts/alert.js';
import type { RuleDocument } from '../contracts/rule.js';
import { loadRules } from '../analyzer/match/load.js';
import { ruleErrors } from '../analyzer/match/errors.js';
import { analyzeCaptures } from './analysis.js';
import { loadPack, ruleFailures, rulePaths } from './pack.js';
import { toDocument } from '../analyzer/match/suricata/document.js';
import { parseRuleFile } from '../analyzer/match/suricata/syntax.js';
import { compileSuricata } from '../analyzer/match/suricata/compile.js';
import { Datasets } from '../analyzer/match/suricata/datasets.js';
import { DEFAULT_VARIABLES } from '../analyzer/match/addresses.js';
import { progress } from './progress.js';
import { reputationIn } from './reputation.js';

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
  const results: Result[] = [];
  const bar = progress('captures', byCapture.size);
  for (const [path, wanted] of byCapture) {
    const started = performance.now();
    const alerts: Alert[] = [];
    let failure: string | undefined;
    if (!existsSync(path)) failure = 'the capture does not exist';
    else {
      try {
        await analyzeCaptures([path], { rules: [], pack }, { alert: (a) => void alerts.push(a), warn: () => {} });
      } catch (error) {
        failure = `the capture cannot be read (${(error as Error).message})`;
      }
    }
    const ms = performance.now() - started;
    for (const { document, capture } of wanted) {
      const why = failure ?? judge(document, capture, alerts);
      results.push({ rule: document.id, capture: here(path), expect: capture.expect, ok: why === undefined, why: why ?? 'as stated', ms });
    }
    bar.step();
  }
  bar.end();
  const failed = results.filter((r) => !r.ok);
  if (options.format === 'json') console.log(JSON.stringify({ rules: pack.loaded.documents.length, captures: byCapture.size, failed: failed.length, results }, undefined, 1));
  else {
    for (const r of failed) console.log(`FAILED  ${r.rule}  ${r.capture}  (${r.expect}): ${r.why}`);
    const hits = results.filter((r) => r.expect === 'hit');
    const misses = results.filter((r) => r.expect === 'miss');
    const took = results.reduce((n, r) => n + r.ms, 0);
    console.log(`${pack.loaded.documents.length} rules, ${byCapture.size} captures: ${hits.filter((r) => r.ok).length}/${hits.length} hits, ${misses.filter((r) => r.ok).length}/${misses.length} misses, ${(took / 1000).toFixed(1)} s`);
  }
  if (failed.length > 0) process.exitCode = 2;
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
  command.command('list').description('list rules, or what they cover').argument('[paths...]', 'rule files and folders; default: the shipped pack')
    .addOption(format(['table', 'markdown', 'json'])).exitOverride().action(list)
    .addHelpText('after', '\nExample:\n  npx shouwang rules list --format markdown > coverage.md');
  command.addHelpText('after', '\nExample:\n  npx shouwang rules test rules/java --format json | jq .failed');
}
