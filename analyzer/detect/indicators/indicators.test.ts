import t from 'tap';
import { parseIndicators } from './parse.js';
import { IndicatorStore } from './store.js';

const CSV = `value,type,source,confidence,expires,label
198.51.100.7,ip,"City, CERT",90,2019-10-31,"a ""c2"""
203.0.113.0/24,cidr,feed,60,,
Bad.Example.,domain,feed,80,,
https://Bad.example/x?y=1#z,url,feed,80,,
not an address,ip,feed,80,,
`;

t.test('CSV: quotes, ranges, expiry, what cannot be used', (t) => {
  const { indicators, skipped } = parseIndicators(CSV, 'list');
  t.equal(skipped, 1);
  t.match(indicators[0], { kind: 'address', source: 'City, CERT', label: 'a "c2"', confidence: 90 });
  const store = IndicatorStore.of(indicators);
  const at = Date.UTC(2019, 9, 1);
  t.match(store.address(0xc6336407, undefined, at), { source: 'City, CERT', confidence: 90 });
  t.equal(store.address(0xc6336407, undefined, Date.UTC(2019, 10, 2)), undefined, 'expired');
  t.match(store.address(0xcb007142, undefined, at), { source: 'feed', confidence: 60 }, 'in the range');
  t.equal(store.address(0xcb007242, undefined, at), undefined, 'behind the range');
  t.ok(store.find('domain', 'bad.example', at));
  t.ok(store.find('url', 'bad.example/x?y=1', at));
  t.end();
});

t.test('STIX 2.1 and MISP', (t) => {
  const stix = parseIndicators(JSON.stringify({ type: 'bundle', objects: [
    { type: 'indicator', name: 'c2', confidence: 85, valid_until: '2030-01-01T00:00:00Z', pattern: "[ipv4-addr:value = '198.51.100.9' OR domain-name:value = 'c2.example']" },
    { type: 'indicator', pattern: `[file:hashes.'SHA-256' = '${'ab'.repeat(32)}']` }, { type: 'malware' }, { type: 'indicator', revoked: true, pattern: "[domain-name:value = 'old.example']" },
  ] }), 'bundle');
  t.strictSame(stix.indicators.map((i) => [i.kind, i.value, i.confidence]), [['address', '198.51.100.9', 85], ['domain', 'c2.example', 85], ['file', 'ab'.repeat(32), 50]]);
  const misp = parseIndicators(JSON.stringify({ Event: { info: 'campaign', Attribute: [
    { type: 'ip-dst|port', value: '198.51.100.10|443' }, { type: 'domain', value: 'm.example', to_ids: false }, { type: 'comment', value: 'x' },
  ], Object: [{ Attribute: [{ type: 'filename|md5', value: 'a.exe|0123456789abcdef0123456789abcdef' }] }] } }), 'misp');
  t.strictSame(misp.indicators.map((i) => [i.kind, i.value, i.source]), [['address', '198.51.100.10', 'misp: campaign'], ['file', '0123456789abcdef0123456789abcdef', 'misp: campaign']]);
  t.equal(parseIndicators('{broken', 'x').skipped, 1);
  t.end();
});

t.test('a hundred thousand entries, each found and nothing else', (t) => {
  const store = new IndicatorStore(100_000);
  for (let i = 0; i < 100_000; i++) store.add({ kind: 'domain', value: `h${i}.example`, source: 's', confidence: 50, expires: 0, label: '' });
  store.ready();
  let found = 0;
  let wrong = 0;
  for (let i = 0; i < 100_000; i++) {
    if (store.find('domain', `h${i}.example`, 0)) found++;
    if (store.find('domain', `g${i}.example`, 0)) wrong++;
  }
  t.strictSame([found, wrong], [100_000, 0]);
  t.end();
});
