/**
 * One target as `@jazzer.js/core` wants it, named by SHOUWANG_FUZZ_TARGET. A finding is written to SHOUWANG_FUZZ_KEEP
 * once and the run goes on: one known difference must not end the search for others.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { likeness, trial } from '../fuzz.js';
import { targets } from './targets.js';

const name = process.env['SHOUWANG_FUZZ_TARGET']!;
const keep = process.env['SHOUWANG_FUZZ_KEEP']!;
const kind = targets().get(name)!;
const known = new Set<string>();
let target = kind.make();

export function fuzz(data: Uint8Array): void {
  // A copy: what lies behind it is the fuzzer's own.
  const input = Uint8Array.from(data);
  const what = trial(target, input);
  if (what === undefined) return;
  target = kind.make();
  const like = likeness(what);
  if (known.has(like)) return;
  known.add(like);
  mkdirSync(keep, { recursive: true });
  const file = join(keep, `${name.replace('/', '-')}-${createHash('sha256').update(like).digest('hex').slice(0, 12)}`);
  writeFileSync(file, input);
  writeFileSync(`${file}.txt`, `${what}\n`);
}
