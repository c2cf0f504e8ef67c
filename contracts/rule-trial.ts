/**
 * A rule tried on past evidence: what the console asks one analyzer, and what that answers. The request is a header of
 * JSON behind its length (4 bytes, little-endian), then the captures one behind the other.
 */
import type { Verdict, Severity, DetectionClass } from './classes.js';
import type { Bilingual } from './alert.js';

/** A rule is a page of text; a file of rules belongs into a folder. */
export const TRIAL_RULE_MAX = 128 * 1024;
/** Captures of one request: with the rule it stays below what a NATS server takes by default in the shipped configuration (8 MB). */
export const TRIAL_BYTES_MAX = 6 * 1024 * 1024;
/** An analyzer gives one request no longer than this; the asker waits a little longer. */
export const TRIAL_MS_MAX = 60_000;

export interface TrialRequest { rule: string; captures: { id: string; bytes: Uint8Array }[] }
export interface TrialAlert {
  rule: string; title: Bilingual; severity: Severity; verdict: Verdict; class: DetectionClass; because: Bilingual; attacker: string; victim: string; at: string; count: number;
}
/** `packets` below 0: no capture that can be read. `more`: alerts beyond those told. */
export interface TriedCapture { id: string; packets: number; alerts: TrialAlert[]; more: number }
export type TrialAnswer = { ok: true; captures: TriedCapture[] } | { ok: false; why: 'busy' | 'rule' | 'time' | 'request'; errors: string[] };

export function encodeTrial({ rule, captures }: TrialRequest): Uint8Array {
  const header = new TextEncoder().encode(JSON.stringify({ rule, captures: captures.map((c) => ({ id: c.id, bytes: c.bytes.length })) }));
  const out = new Uint8Array(4 + header.length + captures.reduce((n, c) => n + c.bytes.length, 0));
  new DataView(out.buffer).setUint32(0, header.length, true);
  out.set(header, 4);
  let at = 4 + header.length;
  for (const c of captures) {
    out.set(c.bytes, at);
    at += c.bytes.length;
  }
  return out;
}

/** Undefined for what is no such request. The captures are views into `data`. */
export function decodeTrial(data: Uint8Array): TrialRequest | undefined {
  if (data.length < 4) return undefined;
  const length = new DataView(data.buffer, data.byteOffset).getUint32(0, true);
  if (length > data.length - 4) return undefined;
  try {
    const header = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + length))) as { rule?: unknown; captures?: unknown };
    if (typeof header.rule !== 'string' || header.rule.length > TRIAL_RULE_MAX || !Array.isArray(header.captures)) return undefined;
    let at = 4 + length;
    const captures: TrialRequest['captures'] = [];
    for (const c of header.captures as { id?: unknown; bytes?: unknown }[]) {
      if (typeof c?.id !== 'string' || typeof c.bytes !== 'number' || !Number.isInteger(c.bytes) || c.bytes < 0 || c.bytes > data.length - at) return undefined;
      captures.push({ id: c.id, bytes: data.subarray(at, at + c.bytes) });
      at += c.bytes;
    }
    return { rule: header.rule, captures };
  } catch {
    return undefined;
  }
}
