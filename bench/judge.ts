/**
 * How well the shipped rules name attacks: `node dist/bench/judge.js TRUTH.jsonl [WORD…]` plays captures whose truth somebody
 * wrote down and counts what the field asks for: attacks named, verdicts right, alerts per attack, benign captures with
 * an alert of medium or above. A line of the truth is
 *
 *     {"file": "a.pcap", "named": ["sqli-union", "sql_injection", "T1190"], "verdict": ["succeeded"], "attacker": "203.0.113.66", "victim": "10.42.1.10"}
 *
 * with `file` relative to the truth; `named` what the attack may be called: rule ids, classes or ATT&CK ids; without it the
 * capture is benign. An attack counts as named when such an alert is about these two hosts (either way round; a host left
 * out may be any), and its verdict as right when the highest verdict of those alerts is among `verdict`.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { analyzeCaptures } from '../cli/analysis.js';
import { loadPack } from '../cli/pack.js';
import type { Alert } from '../contracts/alert.js';
import { SEVERITIES, VERDICTS, type Verdict } from '../contracts/classes.js';

interface Truth { file: string; named?: string[]; verdict?: Verdict[]; attacker?: string; victim?: string }

const [path, ...words] = process.argv.slice(2);
if (path === undefined) {
  console.error('Name a file of truths: node dist/bench/judge.js TRUTH.jsonl [WORD…]');
  process.exit(2);
}
const truths = readFileSync(path, 'utf8').split('\n').filter((l) => l.trim() !== '').map((l) => JSON.parse(l) as Truth)
  .filter((t) => words.length === 0 || words.some((w) => t.file.includes(w)));
const medium = SEVERITIES.indexOf('medium');
const pack = loadPack([], {}, () => {});
const counts: number[] = [];
const total = { attacks: 0, named: 0, right: 0, benign: 0, loud: 0 };

/** IPv6 addresses as alerts write them: every digit. */
function written(ip: string | undefined): string | undefined {
  if (!ip?.includes(':')) return ip;
  const [head = '', tail = ''] = ip.split('::');
  const [front, back] = [head, tail].map((x) => (x === '' ? [] : x.split(':')));
  return [...front!, ...Array.from({ length: 8 - front!.length - back!.length }, () => '0'), ...back!].map((g) => g.padStart(4, '0')).join(':');
}

function calls(alert: Alert, t: Truth): boolean {
  const s = alert.shouwang;
  if (![s.rule, s.class, ...s.techniques].some((name) => t.named!.includes(name))) return false;
  const hosts = [s.attacker.ip, s.victim.ip];
  return [written(t.attacker), written(t.victim)].filter((ip) => ip !== undefined).some((ip) => hosts.includes(ip));
}

for (const t of truths) {
  const alerts: Alert[] = [];
  await analyzeCaptures([join(dirname(resolve(path)), t.file)], { rules: [], pack }, { alert: (a) => void alerts.push(a), warn: () => {} });
  let wrong = '';
  let shown = alerts;
  if (t.named === undefined) {
    total.benign++;
    shown = alerts.filter((a) => SEVERITIES.indexOf(a.shouwang.severity) >= medium);
    if (shown.length > 0) wrong = 'LOUD';
    if (shown.length > 0) total.loud++;
  } else {
    total.attacks++;
    counts.push(alerts.length);
    const ours = alerts.filter((a) => calls(a, t));
    const verdict = ours.map((a) => a.shouwang.verdict).sort((a, b) => VERDICTS.indexOf(b) - VERDICTS.indexOf(a))[0];
    if (verdict === undefined) wrong = 'NAME';
    else {
      total.named++;
      if (t.verdict?.includes(verdict) !== false) total.right++;
      else wrong = 'VERDICT';
    }
  }
  if (wrong === '') continue;
  console.log(`${wrong.padEnd(8)} ${t.file}: wanted ${t.named ? `${t.named.slice(0, 4).join('|')} ${(t.verdict ?? []).join('|')}` : 'silence'}`);
  for (const { shouwang: s } of shown.slice(0, 12)) console.log(`           ${s.severity.padEnd(8)} ${s.verdict.padEnd(11)} ${s.rule} ×${s.count} ${s.attacker.ip} → ${s.victim.ip}: ${s.because.en.slice(0, 160)}`);
}
counts.sort((a, b) => a - b);
const percent = (n: number, of: number): string => `${n} of ${of} (${((n * 100) / Math.max(1, of)).toFixed(1)} %)`;
console.log(`named ${percent(total.named, total.attacks)}, verdict right ${percent(total.right, total.attacks)}, alerts per attack: median ${counts[counts.length >> 1] ?? 0}, most ${counts.at(-1) ?? 0}`);
console.log(`benign captures with an alert of medium or above: ${percent(total.loud, total.benign)}`);
