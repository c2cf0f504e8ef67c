import t from 'tap';
import { Harness } from '../harness.js';
import { protocols } from '../registry.js';

const hex = (s: string): Buffer => Buffer.from(s.replace(/\s/g, ''), 'hex');
const udp = (port: number, ...datagrams: [0 | 1, Buffer | string][]): Harness => {
  const h = new Harness(protocols, port, 'udp');
  for (const [d, b] of datagrams) h.feed(d, b);
  h.end();
  return h;
};

t.test('DHCP: options, also in the fields that option 52 lends', async (t) => {
  const fixed = Buffer.alloc(236);
  fixed.set([1, 1, 6, 0, 0, 0, 7, 192]);
  fixed.set(hex('90b11c994929'), 28);
  fixed.set(hex('0c 03 666f6f ff'), 108); // file: host name
  const h = udp(67, [0, Buffer.concat([fixed, hex('63825363 35 01 03 32 04 c0a8d3c2 34 01 01 37 03 01 03 06 3d 07 01 90b11c994929 ff')])]);
  t.match(h.of('dhcp'), [
    {
      type: 'request', id: 1984, client_mac: '90:b1:1c:99:49:29', dhcp_type: 'request', requested_ip: '192.168.211.194',
      params: ['subnet_mask', 'router', 'dns_server'], client_id: '90:b1:1c:99:49:29', hostname: 'foo',
    },
  ]);
});

t.test('NTP: a client, and a monlist answer reflected to port 80', async (t) => {
  const ask = Buffer.alloc(48);
  ask[0] = 0x23;
  t.match(udp(123, [0, ask]).of('ntp'), [{ version: 4, mode: 3 }]);
  const list = Buffer.concat([hex('97 0e 03 2a 0005 0048 '), Buffer.alloc(360)]);
  t.match(udp(80, [0, list]).of('ntp'), [{ mode: 7, request_code: 42 }]);
});

t.test('TFTP: a transfer comes from another port and is one file', async (t) => {
  const rrq = new Harness(protocols, 69, 'udp');
  rrq.flow.clientPort = 40069;
  rrq.feed(0, '\0\x01boot.cfg\0octet\0');
  t.match(rrq.of('tftp'), [{ packet: 'read', file: 'boot.cfg', mode: 'octet' }]);
  const data = new Harness(protocols, 40069, 'udp'); // the server opens this flow
  data.feed(0, Buffer.concat([hex('0003 0001'), Buffer.alloc(512, 65)]));
  data.feed(1, hex('0004 0001'));
  data.feed(0, Buffer.concat([hex('0003 0001'), Buffer.alloc(512, 65)])); // sent again
  data.feed(0, Buffer.concat([hex('0003 0002'), Buffer.alloc(100, 66)]));
  t.match(data.files, [{ name: 'boot.cfg', size: 612, complete: true }]);
  t.equal(udp(9999, [0, Buffer.concat([hex('0003 0001'), Buffer.alloc(10)])]).of('tftp').length, 0, 'nobody asked');
});

t.test('SIP: a registration that fails, then succeeds', async (t) => {
  const ask = (seq: number): string =>
    `REGISTER sip:h SIP/2.0\r\nCall-ID: 1\r\nCSeq: ${seq} REGISTER\r\nAuthorization: Digest username="bob", response="0"\r\nContent-Length: 0\r\n\r\n`;
  const say = (seq: number, line: string): string => `SIP/2.0 ${line}\r\nCall-ID: 1\r\nCSeq: ${seq} REGISTER\r\n\r\n`;
  const h = udp(5060, [0, ask(1)], [1, say(1, '403 Forbidden')], [0, ask(2)], [1, say(2, '200 OK')]);
  t.match(h.of('auth'), [{ protocol: 'sip', user: 'bob', result: 'failure', method: 'digest' }, { result: 'success' }]);
  t.equal(h.value('sip.method'), 'REGISTER');
  t.equal(h.value('sip.uri'), 'sip:h');
  t.equal(h.value('sip.stat_msg'), 'Forbidden');
  const tcp = new Harness(protocols, 5060);
  for (const byte of ask(1)) tcp.feed(0, byte);
  t.equal(tcp.value('sip.request_line'), 'REGISTER sip:h SIP/2.0', 'over a stream, byte by byte');
});

t.test('IKEv2: a weak proposal is named once; ESP on port 4500 is none', async (t) => {
  const transforms = hex('0300000c 01000002 800e0080 03000008 02000001 03000008 03000001 00000008 04000002'.replace('0300000c 01000002 800e0080', '03000008 01000002'));
  const proposal = Buffer.concat([hex(`0000 ${(8 + transforms.length).toString(16).padStart(4, '0')} 01 01 00 04`), transforms]);
  const sa = Buffer.concat([hex(`0000 ${(4 + proposal.length).toString(16).padStart(4, '0')}`), proposal]);
  const header = hex('1122334455667788 0000000000000000 21 20 22 08 00000000 00000000');
  header.writeUInt32BE(28 + sa.length, 24);
  const h = udp(500, [0, Buffer.concat([header, sa])]);
  t.match(h.of('ike'), [{ version_major: 2, exchange_type: 34, init_spi: '1122334455667788', role: 'initiator', payload: ['SecurityAssociation'] }]);
  t.same(h.anomalies, ['ike.weak_crypto_enc', 'ike.weak_crypto_prf', 'ike.weak_crypto_auth', 'ike.weak_crypto_dh']);
  t.equal(udp(4500, [0, Buffer.concat([hex('04888fe4 00000001'), Buffer.alloc(100, 7)])]).of('ike').length, 0);
});
