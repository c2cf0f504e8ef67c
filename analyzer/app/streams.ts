import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Harness } from './harness.js';

/** Reads a recorded stream of `streams/`: [direction, bytes] in order. */
export function recorded(name: string): [0 | 1, Buffer][] {
  const file = readFileSync(join(process.cwd(), 'analyzer/app/streams', `${name}.stream`), 'utf8');
  return file
    .trim()
    .split('\n')
    .map((l) => [l.startsWith('>') ? 0 : 1, Buffer.from(l.slice(2), 'base64')]);
}

/** Replays a recorded stream into a harness, each read cut into pieces of `step` bytes (0: as recorded), then ends it. */
export function replay(name: string, h: Harness, step = 0): void {
  for (const [d, bytes] of recorded(name)) {
    const n = step === 0 ? bytes.length : step;
    for (let p = 0; p < bytes.length; p += n) h.feed(d, bytes.subarray(p, p + n));
  }
  h.end();
}
