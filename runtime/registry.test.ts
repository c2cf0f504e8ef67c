import fc from 'fast-check';
import t from 'tap';
import { PrefixTrie } from './prefix-trie.js';
import { RegistryIndex, loadRegistry, parseRegistry } from './registry.js';

t.test('the sample registry', async (t) => {
  const index = new RegistryIndex(loadRegistry('deploy/registry.sample.yaml'));
  t.equal(index.registry.units.filter((u) => u.kind === 'city').length, 17);
  t.strictSame(index.lookup('10.0.3.200'), { unit: 'prov-affairs', system: 'ehuiban', value: 'core', zone: 'public' });
  t.strictSame(index.lookup('10.101.9.9'), { unit: 'wuhan', system: 'wuhan-cloud', value: 'high' });
  t.strictSame(index.lookup('::ffff:10.101.9.9'), index.lookup('10.101.9.9'));
  t.match(index.lookup('2001:db8:6::1'), { system: 'office' });
  t.strictSame(index.lookup('8.8.8.8'), {});
  t.strictSame(index.lookup('not an address'), {});
  t.ok(index.isHome('10.255.0.1') && index.isHome('2001:db8::9') && !index.isHome('198.51.100.1'));
  t.equal(index.lookupBytes(Uint8Array.of(9, 10, 0, 3, 200), 1, 4), index.lookup('10.0.3.200'), 'by bytes, the same object');
  const at = Date.parse('2026-01-01T00:00:00Z');
  t.ok(index.allowed('10.0.250.10', '10.0.4.4', 'port_scan', at));
  t.notOk(index.allowed('10.0.250.11', '10.0.4.4', 'port_scan', at));
  t.notOk(index.allowed('10.0.250.10', '10.0.4.4', 'port_scan', Date.parse('2031-01-01T00:00:00+08:00')));
  t.ok(index.allowed('10.0.250.21', '10.0.4.4', 'lateral_movement', at));
  t.notOk(index.allowed('10.0.250.21', '10.1.4.4', 'lateral_movement', at));
  t.notOk(index.allowed('10.0.250.21', '10.0.4.4', 'port_scan', at));
  t.ok(index.mayReach('access', 'public') && !index.mayReach('access', 'core-data') && index.mayReach('public', 'core-data'));
});

t.test('longest prefix, against a list walked one by one', async () => {
  const octet = fc.integer({ min: 0, max: 3 });
  const address = fc.tuple(octet, octet, octet, octet).map((a) => Uint8Array.from(a.map((b) => b * 85)));
  fc.assert(fc.property(fc.array(fc.tuple(address, fc.integer({ min: 0, max: 32 })), { maxLength: 40 }), address, (prefixes, probe) => {
    const trie = new PrefixTrie();
    const mapped = (a: Uint8Array) => Uint8Array.from([...Array(10).fill(0), 255, 255, ...a]);
    prefixes.forEach(([a, bits], i) => trie.add(mapped(a), bits + 96, i));
    const bit = (a: Uint8Array, i: number) => (a[i >> 3] >> (7 - (i & 7))) & 1;
    let want = -1;
    let longest = -1;
    prefixes.forEach(([a, bits], i) => {
      for (let b = 0; b < bits; b++) if (bit(a, b) !== bit(probe, b)) return;
      if (bits >= longest) { longest = bits; want = i; }
    });
    return trie.find(probe, 0, 4) === want && trie.find(mapped(probe), 0, 16) === want;
  }));
});

t.test('mistakes are told with their lines', async (t) => {
  t.throws(() => parseRegistry("units:\n  - { id: a, zh: 甲, en: A }\nsystems:\n  - { id: s, zh: 系, en: S, unit: b, ranges: ['10.1.0.0/33'] }\n", 'r.yaml'),
    { code: 'SW_REGISTRY_INVALID', message: /r\.yaml:4: system "s": there is no unit "b"\nr\.yaml:4: system "s": "10\.1\.0\.0\/33" is not an address range/ });
  t.throws(() => parseRegistry('units: []\nsystems: []\nzonse: []\n', 'r.yaml'), { code: 'SW_CONFIG_INVALID', message: /r\.yaml:3:1: unknown key "zonse"; did you mean "zones"\?/ });
  t.throws(() => parseRegistry('unit,rangs\na,b\n', 'r.csv'), { message: /r\.csv:1: unknown column "rangs"/ });
  t.throws(() => parseRegistry('unit,system,ranges,level\na,s,10.0.0.0/8,9\n', 'r.csv'), { message: /r\.csv:2: level "9" is not 1 to 5/ });
  const csv = parseRegistry('\uFEFFunit,unit_zh,system,system_zh,ranges\r\nwuhan,武汉市,cloud,"云, ""一""",10.1.0.0/16;10.2.0.0/16\r\nwuhan,,office,办公,10.3.0.1\r\n', 'r.csv');
  t.strictSame(csv, {
    units: [{ id: 'wuhan', zh: '武汉市', en: 'wuhan' }],
    systems: [{ id: 'cloud', zh: '云, "一"', en: 'cloud', unit: 'wuhan', ranges: ['10.1.0.0/16', '10.2.0.0/16'] }, { id: 'office', zh: '办公', en: 'office', unit: 'wuhan', ranges: ['10.3.0.1'] }],
  });
});
