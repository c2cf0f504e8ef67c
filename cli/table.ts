import type { RuleCost } from '../analyzer/match/profile.js';
import type { Alert } from '../contracts/alert.js';

/** Characters that could steer a terminal, and those that reorder text, are shown as escapes. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Columns that a terminal gives a text: Chinese characters take two. */
function width(text: string): number {
  let n = 0;
  for (const c of text) n += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/.test(c) ? 2 : 1;
  return n;
}
const pad = (text: string, to: number): string => text + ' '.repeat(Math.max(0, to - width(text)));

const address = (side: { ip: string; port?: number }): string => (side.port ? (side.ip.includes(':') ? `[${side.ip}]:${side.port}` : `${side.ip}:${side.port}`) : side.ip);

/** One alert a line: time, severity, verdict, count, title in both languages, attacker → victim, why. */
export function alertLine(alert: Alert, chinese: boolean): string {
  const s = alert.shouwang;
  const title = chinese ? s.title.zh : s.title.en;
  const because = chinese ? s.because.zh : s.because.en;
  return `${s.first_seen.slice(0, 19)}  ${pad(s.severity, 8)}  ${pad(s.verdict, 11)}  ${pad(`×${s.count}`, 6)}  ${address(s.attacker)} → ${address(s.victim)}  ${printable(title)}  [${s.rule}]\n${' '.repeat(21)}${printable(because)}`;
}

/** Rules by what their conditions cost, dearest first. */
export function costTable(costs: readonly RuleCost[]): string[] {
  const all = costs.reduce((n, c) => n + c.ms, 0);
  return [
    `${pad('rule', 34)}${'ms'.padStart(10)}${'share'.padStart(8)}${'looked at'.padStart(12)}${'matched'.padStart(10)}${'µs each'.padStart(10)}`,
    ...costs.map((c) => `${pad(c.id, 34)}${c.ms.toFixed(1).padStart(10)}${`${((100 * c.ms) / Math.max(all, 1e-9)).toFixed(0)} %`.padStart(8)}${String(c.candidates).padStart(12)}${String(c.matches).padStart(10)}${((c.ms * 1000) / Math.max(1, c.candidates)).toFixed(1).padStart(10)}`),
  ];
}
