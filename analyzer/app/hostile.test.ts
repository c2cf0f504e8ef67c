import fc from 'fast-check';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Harness } from './harness.js';
import { protocols } from './registry.js';
import { recorded } from './streams.js';

const names = readdirSync(join(process.cwd(), 'analyzer/app/streams'))
  .filter((name) => name.endsWith('.stream'))
  .map((name) => name.slice(0, -7));
/** Ports of services whose bytes alone don't say enough. */
const PORTS: Record<string, number> = { memcached: 11211 };

let last: Harness | undefined;
const harness = (port: number | undefined, entries = protocols, transport: 'tcp' | 'udp' = 'tcp'): Harness =>
  (last = new Harness(entries, port, transport, last));

/** A small generator of numbers in [0, 1), the same for the same seed. */
const random = (seed: number) => () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
};

const what = (h: Harness): unknown => [
  h.events.map(({ type, detail }) => [type, detail]),
  h.anomalies,
  h.files,
  h.inspections.filter((i) => i.buffers.length > 0),
];
/** SSH is told by sizes of reads, so only its clear part is the same in any cut; a call of RMI has no length, so rules see it as it grows. */
const cuttable = names.filter((name) => !name.startsWith('openssh') && name !== 'jdk-rmi');

t.test('any segmentation of a stream gives the same transactions, events and files', async (t) => {
  for (const name of cuttable) {
    const whole = harness(PORTS[name]);
    for (const [d, bytes] of recorded(name)) whole.feed(d, bytes);
    whole.end();
    const expected = JSON.stringify(what(whole));
    fc.assert(
      fc.property(fc.infiniteStream(fc.integer({ min: 1, max: 700 })), (cuts) => {
        const h = harness(PORTS[name]);
        for (const [d, bytes] of recorded(name)) {
          for (let p = 0; p < bytes.length;) {
            const n = cuts.next().value as number;
            h.feed(d, bytes.subarray(p, p + n));
            p += n;
          }
        }
        h.end();
        t.equal(JSON.stringify(what(h)), expected, name);
      }),
      { numRuns: 2, seed: 7 },
    );
  }
});

t.test('every protocol takes damaged, cut and missing bytes: nothing thrown, every block given back', async (t) => {
  const rnd = random(20191001);
  for (const name of names) {
    const stream = recorded(name);
    for (let run = 0; run < 12; run++) {
      const h = harness(PORTS[name]);
      for (const [d, bytes] of stream) {
        if (rnd() < 0.05) {
          h.gap(d, bytes.length);
          continue;
        }
        const damaged = Buffer.from(bytes);
        for (let k = Math.floor(rnd() * 4); k > 0; k--) damaged[Math.floor(rnd() * damaged.length)] = Math.floor(rnd() * 256);
        const cut = rnd() < 0.1 ? Math.floor(rnd() * damaged.length) : damaged.length;
        h.feed(d, damaged.subarray(0, cut));
      }
      if (rnd() < 0.5) h.end();
      h.parser?.close?.(h);
      if (h.arena.used !== 0) t.fail(`${name}, run ${run}: ${h.arena.used} bytes kept`);
    }
  }
});

t.test('every entry of the registry, created without its bytes having been asked for', async (t) => {
  const rnd = random(20191002);
  for (const entry of protocols) {
    for (let run = 0; run < 12; run++) {
      const h = harness(entry.ports[0] ?? 0, [{ ...entry, identify: () => 1 }], entry.transport);
      for (let i = 0; i < 12; i++) {
        const n = 1 + Math.floor(rnd() ** 3 * 1500);
        const bytes = Buffer.alloc(n);
        const kind = rnd();
        for (let p = 0; p < n; p++) bytes[p] = kind < 0.3 ? rnd() * 256 : kind < 0.6 ? 32 + rnd() * 95 : rnd() < 0.7 ? rnd() * 8 : rnd() * 256;
        h.feed(rnd() < 0.5 ? 0 : 1, bytes);
        if (rnd() < 0.1) h.gap(rnd() < 0.5 ? 0 : 1, 1 + Math.floor(rnd() * 5000));
      }
      h.end();
      h.parser?.close?.(h);
      if (h.arena.used !== 0) t.fail(`${entry.protocol}, run ${run}: ${h.arena.used} bytes kept`);
    }
  }
});
