import t from 'tap';
import { ConnectionKind, ConnectionRecord, RECORD_BYTES } from '../flow/connection-log.js';
import type { RuleInfo } from '../match/signature.js';
import { PRIVATE_SITE, type BehaviourHit, type BehaviourRule } from './behaviour.js';
import { exfiltration } from './local.js';

const HOUR = 3_600_000_000;
const T0 = 1_571_364_000_000_000;
const rule: BehaviourRule = { behaviour: { name: 'exfiltration', parameters: { bytes: 20_000_000, ratio: 8, deviations: 6, hours: 24 } }, info: { id: 'exfiltration-volume', severity: 'high' } as RuleInfo };

/** Hourly megabytes that one asset sends to one address outside. */
function sent(megabytes: readonly number[]): BehaviourHit[] {
  const hits: BehaviourHit[] = [];
  const behaviour = exfiltration(rule, (hit) => hits.push(hit), PRIVATE_SITE);
  const bytes = new Uint8Array(RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set([ConnectionKind.Ended, 4, 6], 0);
  bytes.set([10, 42, 1, 10], 12);
  bytes.set([203, 0, 113, 66], 28);
  view.setUint16(6, 443, true);
  megabytes.forEach((mb, hour) => {
    view.setUint32(44, mb * 1e6, true);
    view.setUint32(48, 40_000, true);
    view.setFloat64(56, T0 + hour * (HOUR + 1_000_000), true);
    behaviour.connection?.(new ConnectionRecord().at(bytes, 0));
    behaviour.advance(T0 + hour * (HOUR + 1_000_000));
  });
  return hits;
}

t.test('an asset is measured by its own usual hour', (t) => {
  const backup = Array.from({ length: 30 }, (_, i) => 50 + (i % 3));
  t.same(sent(backup).filter((h) => h.severity === 'high'), [], 'what it always sends is no alarm once that is known');
  const [hit] = sent([...Array.from({ length: 30 }, () => 1), 60]);
  t.match(hit, { severity: 'high', verdict: 'succeeded', attacker: { ip: '203.0.113.66' }, victim: { ip: '10.42.1.10' }, measured: { usual_bytes_an_hour: 1_000_000 } });
  t.match(sent([60])[0], { severity: 'low' }, 'without a history it says so, quietly');
  t.end();
});
