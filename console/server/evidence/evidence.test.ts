import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import type { ChainView, IncidentRow, Page, PacketDetail, PacketPage, StreamView } from '../../model/api.js';
import { alertOf, startConsole } from '../harness.js';
import { readCapture } from './capture.js';
import { dissect } from './dissect.js';
import { verifyBundle } from './bundle.js';
import { openCapture, packetDetail, packetPage, streamView } from './packets.js';

const DEMO = readFileSync('deploy/demo/demo.pcap');

/** One TCP packet: Ethernet, IPv4 10.0.0.1:1000 → 10.0.0.2:80. */
function packet(seq: number, text: string, flags = 0x18, back = false): Buffer {
  const b = Buffer.alloc(54 + text.length);
  b.writeUInt16BE(0x0800, 12);
  b[14] = 0x45;
  b.writeUInt16BE(40 + text.length, 16);
  b[23] = 6;
  b.set(back ? [10, 0, 0, 2] : [10, 0, 0, 1], 26);
  b.set(back ? [10, 0, 0, 1] : [10, 0, 0, 2], 30);
  b.writeUInt16BE(back ? 80 : 1000, 34);
  b.writeUInt16BE(back ? 1000 : 80, 36);
  b.writeUInt32BE(seq >>> 0, 38);
  b[46] = 0x50;
  b[47] = flags;
  b.write(text, 54, 'latin1');
  return b;
}
function pcap(packets: Buffer[]): Buffer {
  const head = Buffer.from('d4c3b2a1020004000000000000000000000004000100000000', 'hex').subarray(0, 24);
  return Buffer.concat([head, ...packets.flatMap((p, i) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(1_560_000_000 + i, 0);
    record.writeUInt32LE(p.length, 8);
    record.writeUInt32LE(p.length, 12);
    return [record, p];
  })]);
}

t.test('packets with their layers, and the stream in order though its packets are not', (t) => {
  const o = openCapture(pcap([
    packet(0xfffffff9, '', 0x02), packet(99, '', 0x12, true), packet(0xfffffffa, 'GET /a HTTP/1.1\r\nHost: x\r\n\r\n'),
    packet(0xfffffffa, 'GET /a HTTP/1.1\r\nHost: x\r\n\r\n'), packet(100, 'HTTP/1.1 200 OK\r\n\r\n', 0x18, true), packet(130, 'late', 0x18, true),
  ]));
  if (!o) throw new Error('no capture');
  const page = packetPage(o, 1, 100);
  t.match(page, { total: 6, cut: false, conversations: [{ protocol: 'HTTP', client: '10.0.0.1:1000', server: '10.0.0.2:80', packets: 6 }] });
  t.match(page.packets[2], { number: 3, protocol: 'HTTP', info: 'GET /a HTTP/1.1', source: '10.0.0.1', stream: 0, since: 2 });
  const stream = streamView(o, 0);
  t.same(stream?.pieces.map((p) => [p.from, p.printable, p.gap]), [['client', 'GET /a HTTP/1.1\r\nHost: x\r\n\r\n', 0], ['server', 'HTTP/1.1 200 OK\r\n\r\n', 0], ['server', 'late', 11]], 'what came twice is shown once, across the wrap of the sequence numbers; the hole is counted');
  const detail = packetDetail(o, 3);
  t.same(detail?.layers.map((l) => l.name), ['eth', 'ipv4', 'tcp', 'http']);
  const host = detail?.layers[3].fields.find((f) => f.name === 'Host');
  t.equal(host?.value, 'x');
  t.equal(packetDetail(o, 7), undefined);
  t.end();
});

t.test('agrees with tshark on the demonstration', { skip: (() => { try { execFileSync('tshark', ['-v'], { stdio: 'ignore' }); return false; } catch { return 'SW_TEST_NO_TSHARK'; } })() }, (t) => {
  const lines = execFileSync('tshark', ['-r', 'deploy/demo/demo.pcap', '-n', '-T', 'fields', '-e', 'ip.src', '-e', 'ip.dst', '-e', 'tcp.srcport', '-e', 'udp.srcport', '-e', 'tcp.len'], { maxBuffer: 64e6 }).toString().trim().split('\n');
  const capture = readCapture(DEMO);
  t.equal(capture?.packets.length, lines.length);
  let wrong = 0;
  for (const [i, line] of lines.slice(0, 3000).entries()) {
    const [src, dst, tcp, udp, length] = line.split('\t');
    const p = capture?.packets[i];
    if (!p) break;
    const d = dissect(DEMO.subarray(p.offset, p.offset + p.bytes), capture.link);
    if (src.includes(',') || src === '') continue; // a packet within an ICMP error
    if (d.source !== src || d.destination !== dst || (tcp !== '' && (d.ports?.[0] !== Number(tcp) || d.payload === undefined || d.payload[1] - d.payload[0] !== Number(length))) || (udp !== '' && d.ports?.[0] !== Number(udp))) wrong++;
  }
  t.equal(wrong, 0);
  t.end();
});

t.test('hostile bytes give values, never an exception', (t) => {
  const sound = pcap([packet(1, 'GET / HTTP/1.1\r\n\r\n'), packet(50, 'x'.repeat(100))]);
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { maxLength: 20 }), fc.nat(sound.length), (changes, length) => {
    const bytes = Buffer.from(sound);
    for (const [at, value] of changes) bytes[at] = value;
    const o = openCapture(bytes.subarray(0, length));
    if (o) {
      packetPage(o, 1, 500);
      for (let i = 1; i <= o.capture.packets.length; i++) packetDetail(o, i);
      for (const c of o.conversations) streamView(o, c.stream);
    }
  }), { numRuns: 300 });
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(0, 1, 101, 113, 276), (bytes, link) => { dissect(Buffer.from(bytes), link); }), { numRuns: 1000 });
  t.end();
});

t.test('the chain of an incident is checked on another machine', async (t) => {
  const h = await startConsole();
  t.teardown(() => h.stop());
  await h.useRegistry();
  const ana = await h.person('ana', ['analyst']);
  const yi = await h.person('yi', ['unit_handler'], 'yichang');
  const bytes = pcap([packet(1, 'GET /shell.php HTTP/1.1\r\n\r\n')]);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await h.send(alertOf({ id: 'c-1', evidence: [{ id: 'ev-c', sha256, bytes: bytes.length, packets: 1 }, { id: 'ev-lost', sha256: 'a'.repeat(64), bytes: 1, packets: 1 }] }));
  await h.evidence('ev-c', 'c-1', bytes);
  await h.until(() => h.console.context.counters().alerts === 1 && h.console.context.counters().evidence === 1, 'ingest');
  t.match((await ana.call<PacketPage>('GET', '/api/evidence/ev-c/packets')).body, { total: 1, packets: [{ protocol: 'HTTP' }] });
  t.match((await ana.call<PacketDetail>('GET', '/api/evidence/ev-c/packets/1')).body.layers, [{ name: 'eth' }, { name: 'ipv4' }, { name: 'tcp' }, { name: 'http' }]);
  t.match((await ana.call<StreamView>('GET', '/api/evidence/ev-c/stream?stream=0')).body.pieces, [{ from: 'client', printable: /shell\.php/ }]);
  t.equal((await yi.call('GET', '/api/evidence/ev-c/packets')).status, 404);

  const incident = (await ana.call<Page<IncidentRow>>('GET', '/api/incidents')).body.items[0];
  await ana.call('POST', `/api/incidents/${incident.id}/actions`, { version: incident.version, action: 'confirm' });
  await ana.call('POST', `/api/incidents/${incident.id}/actions`, { version: incident.version + 1, action: 'close', reason: '已处置' });
  const chain = (await ana.call<ChainView>('GET', `/api/incidents/${incident.id}/chain`)).body;
  t.same(chain.links.map((l) => l.kind), ['evidence', 'alert', 'incident', 'step', 'closure']);
  t.same(chain.missing, ['ev-lost']);
  t.match(chain.links[0], { sha256, sm3: createHash('sm3').update(bytes).digest('hex') });
  const bundle = (await ana.call('GET', `/api/incidents/${incident.id}/bundle`)).raw;
  const good = verifyBundle(bundle, chain.keyId);
  t.match(good, { sound: true, faults: [], links: 5, keyId: chain.keyId });
  t.match(verifyBundle(bundle, '0'.repeat(32)).faults, [/signed by the key/]);
  const plain = gunzipSync(bundle);
  const at = plain.indexOf('shell.php');
  plain[at] ^= 1;
  t.match(verifyBundle(gzipSync(plain)).faults, [/evidence\/00001\.pcap was changed/]);
  plain[at] ^= 1;
  plain[plain.indexOf('"closure"') + 1] ^= 2;
  t.ok(verifyBundle(gzipSync(plain)).faults.some((f) => f.includes('signature')));
  t.equal(verifyBundle(Buffer.from('x')).sound, false);
  const whole = gunzipSync(bundle);
  fc.assert(fc.property(fc.nat(bundle.length - 1), fc.integer({ min: 1, max: 255 }), (i, x) => {
    const changed = Buffer.from(bundle);
    changed[i] ^= x;
    const result = verifyBundle(changed);
    // Bytes of the gzip header (time, system) carry nothing, and a reference to the same text elsewhere says the same.
    return !result.sound || i < 10 || gunzipSync(changed).equals(whole);
  }), { numRuns: 100 });

  const file = join(h.dir, 'x.swbundle');
  writeFileSync(file, bundle);
  t.match(execFileSync(process.execPath, ['dist/cli/main.js', 'verify', file, '--key', chain.keyId]).toString(), /5 of 5 links are sound[^]*Sound\./);
  writeFileSync(file, gzipSync(plain));
  t.equal(spawnSync(process.execPath, ['dist/cli/main.js', 'verify', file]).status, 1);
});
