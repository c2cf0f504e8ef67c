/**
 * How often the shipped rules speak on somebody else's traffic: `node dist/bench/false-alarms.js FOLDER…` plays every
 * capture in the folders and prints alerts by severity and rule, per GiB and per 100,000 flows, and names each capture
 * with an alert of medium or above, so that somebody can look at it. What is true there and what is not, people say.
 */
import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { analyzeCaptures } from '../cli/analysis.js';
import { loadPack } from '../cli/pack.js';
import type { Alert } from '../contracts/alert.js';
import { SEVERITIES } from '../contracts/classes.js';

const GIB = 2 ** 30;
const CAPTURE = /\.(?:pcap|pcapng|cap|trace|dmp)(?:\.gz)?$/i;

function capturesIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true, recursive: true }).filter((e) => e.isFile() && CAPTURE.test(e.name))
    .map((e) => join(e.parentPath ?? e.path, e.name)).sort((a, b) => (a < b ? -1 : 1));
}

const folders = process.argv.slice(2);
if (folders.length === 0) {
  console.error('Name folders of captures: node dist/bench/false-alarms.js FOLDER…');
  process.exit(2);
}
const pack = loadPack([], {}, (line) => console.error(line));
const total = { captures: 0, unreadable: 0, packets: 0, bytes: 0, flows: 0 };
const bySeverity = new Map<string, number>();
const byRule = new Map<string, { severity: string; alerts: number; captures: Set<string> }>();
const graver: string[] = [];
for (const file of folders.flatMap((f) => capturesIn(resolve(f)))) {
  const alerts: Alert[] = [];
  const stats = await analyzeCaptures([file], { rules: [], pack }, { alert: (a) => void alerts.push(a), warn: () => {}, unreadable: () => total.unreadable++ });
  for (const s of stats) {
    total.captures++;
    total.packets += s.packets;
    total.bytes += s.bytes;
    total.flows += s.counters['flowsOpened'] ?? 0;
  }
  for (const { shouwang: s } of alerts) {
    bySeverity.set(s.severity, (bySeverity.get(s.severity) ?? 0) + 1);
    const rule = byRule.get(s.rule) ?? { severity: s.severity, alerts: 0, captures: new Set() };
    rule.alerts++;
    rule.captures.add(file);
    byRule.set(s.rule, rule);
    if (SEVERITIES.indexOf(s.severity) >= SEVERITIES.indexOf('medium')) graver.push(`${s.severity.padEnd(9)} ${s.verdict.padEnd(12)} ${s.rule.padEnd(28)} ${file}`);
  }
}
const rate = (n: number): string => `${((n * GIB) / Math.max(1, total.bytes)).toFixed(1)} per GiB, ${((n * 100_000) / Math.max(1, total.flows)).toFixed(1)} per 100,000 flows`;
console.log(`${total.captures} captures (${total.unreadable} unreadable), ${total.packets} packets, ${(total.bytes / GIB).toFixed(2)} GiB, ${total.flows} flows`);
for (const severity of [...SEVERITIES].reverse()) console.log(`${severity.padEnd(9)} ${String(bySeverity.get(severity) ?? 0).padStart(6)}  ${rate(bySeverity.get(severity) ?? 0)}`);
console.log(`medium+   ${String(graver.length).padStart(6)}  ${rate(graver.length)}\n`);
for (const line of graver) console.log(line);
console.log('');
for (const [id, r] of [...byRule].sort((a, b) => b[1].alerts - a[1].alerts)) console.log(`${String(r.alerts).padStart(6)} ${id.padEnd(28)} in ${r.captures.size} captures`);
