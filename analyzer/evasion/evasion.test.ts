import t from 'tap';
import { Value } from '@sinclair/typebox/value';
import { readFileSync } from 'node:fs';
import { AnalyzerConfig } from '../config.js';
import { loadRules } from '../match/load.js';
import { CARRIERS } from './carriers.js';
import { type Frame, readFrames } from './frame.js';
import { Judge } from './judge.js';
import { ENCODING_VARIANTS, exchangeOf, REQUEST_VARIANTS, saying } from './requests.js';
import { CHECKSUM_VARIANTS, POLICY_VARIANTS, SEGMENT_VARIANTS } from './segments.js';

const TCP = [
  'java/struts-content-type-ognl/command-output', 'php/thinkphp5-rce/command-output', 'web/sqli-union/mariadb-data', 'web/path-traversal/passwd',
  'web/os-command-injection/output', 'office/weaver-file-upload/operation', 'database/redis-unauthenticated-write/config-set',
  'web/xxe/file-read', 'product/f5-tmui/read', 'shell/command-output-reply/unix-id',
];
const UDP = ['malware/cobalt-strike-dns/tasks'];

const rules = loadRules(['rules']).rules!;
const config = Value.Default(AnalyzerConfig, {}) as AnalyzerConfig;
const judge = new Judge(config, rules);
const onWire = CARRIERS.ethernet!;

/** A small generator of its own, so that every run makes the same variants. */
function picker(seed: number): (n: number) => number {
  let s = seed;
  return (n) => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return Math.floor((s / 4294967296) * n);
  };
}

function load(name: string): Frame[] {
  return readFrames(readFileSync(`rules/${name}.pcap`));
}

for (const name of TCP) {
  const frames = load(name);
  const plain = judge.alerts(onWire(frames, picker(1)));
  t.test(name, async (t) => {
    t.not(plain.length, 0, 'alerts as captured');
    for (const [variant, rewrite] of Object.entries(SEGMENT_VARIANTS)) t.same(judge.alerts(onWire(rewrite(frames, picker(7)), picker(1))), plain, variant);
    for (const [carrier, carry] of Object.entries(CARRIERS)) t.same(judge.alerts(carry(frames, picker(3))), plain, carrier);
    const exchange = exchangeOf(frames);
    if (!exchange) return;
    const again = judge.alerts(onWire(saying(REQUEST_VARIANTS['said again']!(exchange)!, frames), picker(1)));
    for (const [variant, reword] of Object.entries(REQUEST_VARIANTS)) {
      const said = reword(exchange);
      if (said) t.same(judge.alerts(onWire(saying(said, frames), picker(1))), again, variant);
    }
    for (const [variant, reword] of Object.entries(ENCODING_VARIANTS)) {
      const said = reword(exchange);
      if (said) t.same(judge.alerts(onWire(saying(said, frames), picker(1))), again, variant);
    }
  });
}

for (const name of UDP) {
  const frames = load(name);
  t.test(name, async (t) => {
    const plain = judge.alerts(onWire(frames, picker(1)));
    t.not(plain.length, 0, 'alerts as captured');
    for (const [carrier, carry] of Object.entries(CARRIERS)) t.same(judge.alerts(carry(frames, picker(3))), plain, carrier);
  });
}

t.test('what only some receivers take', async (t) => {
  const frames = load('web/path-traversal/passwd');
  // One rule makes an engine quickly.
  const rules = loadRules(['rules/web/path-traversal']).rules!;
  const plain = new Judge(config, rules).alerts(onWire(frames, picker(1)));
  t.same(plain, ['path-traversal succeeded']);
  for (const [variant, { policies, rewrite }] of Object.entries(POLICY_VARIANTS)) {
    for (const policy of policies) t.same(new Judge(config, rules, { policy }).alerts(onWire(rewrite(frames, picker(5)), picker(1))), plain, `${variant}: ${policy}`);
  }
  const strict = new Judge(config, rules, { checksums: 'verify' });
  for (const [variant, rewrite] of Object.entries(CHECKSUM_VARIANTS)) t.same(strict.alerts(onWire(rewrite(frames, picker(5)), picker(1))), plain, variant);
});
