import t from 'tap';
import { Harness } from '../harness.js';
import { protocols } from '../registry.js';
import { replay } from '../streams.js';
import { ja3, ja4, type Hello } from './hello.js';

const hello = (h: Partial<Hello>): Hello => ({
  version: 0x303,
  randomAt: 0,
  sniAt: 0,
  sniLength: -1,
  alpn: [],
  alpnAt: 0,
  alpnLength: -1,
  supported: 0,
  sessionLength: 0,
  ciphers: [],
  extensions: [],
  groups: [],
  formats: [],
  signatures: [],
  ...h,
});

t.test('fingerprints are the published ones', async (t) => {
  // the example of the JA3 paper
  t.equal(
    ja3(
      hello({
        version: 769,
        ciphers: [47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
        extensions: [0, 10, 11],
        groups: [23, 24, 25],
        formats: [0],
      }),
    ).hash,
    'ada70206e40642a3e4461f35503241d5',
  );
  // the example of the JA4 technical details, with GREASE put back
  const hex = (s: string): number[] => s.split(',').map((v) => parseInt(v, 16));
  t.equal(
    ja4(
      hello({
        supported: 0x304,
        alpn: ['h2', 'http/1.1'],
        signatures: hex('0403,0804,0401,0503,0805,0501,0806,0601'),
        ciphers: hex('3a3a,1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035'),
        extensions: hex('5a5a,001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015'),
      }),
      't',
    ),
    't13d1516h2_8daaf6152771_e5627efa2ab1',
  );
});

// JA3 and JA3S as tshark 4.0 computes them
t.test('openssl s_client and s_server, TLS 1.2 and 1.3, whole and byte by byte', async (t) => {
  for (const step of [0, 1, 7]) {
    const h = new Harness(protocols, 24433);
    replay('openssl-tls1_2', h, step);
    t.match(h.of('tls'), [
      {
        version: 'TLS 1.2',
        sni: 'tls.example',
        subject: 'C=CN, O=Example, CN=tls.example',
        issuerdn: 'C=CN, O=Example, CN=tls.example',
        serial: '12:B6:B9:88:32:D8:3C:84:91:12:DA:FF:93:BA:71:2E:5E:3E:E4:49',
        notbefore: '2026-11-23T04:55:40',
        notafter: '2036-11-20T04:55:40',
        fingerprint: '9c:87:13:2d:ac:1b:e7:f9:39:15:e9:e3:b7:7b:8b:56:a3:dc:e2:a7',
        subjectaltname: ['tls.example', '*.tls.example'],
        ja3: { hash: '22558766122974704364c9c75c5cce0a' },
        ja3s: { hash: '895252f3ce80cebf7a8837be83ec8e16' },
        client_alpns: ['h2', 'http/1.1'],
        server_alpns: ['h2'],
      },
    ]);
    const g = new Harness(protocols, 24433);
    replay('openssl-tls1_3', g, step);
    t.match(g.of('tls'), [
      {
        version: 'TLS 1.3',
        sni: 'tls.example',
        ja3: { hash: '9dffdb8b608a430b774a2ff7d36c1a0c' },
        ja3s: { hash: '15af977ce25de452b96affa2addb1036' },
      },
    ]);
    t.equal(g.of('tls').length, 1);
    t.equal(h.value('tls.cert_subject'), 'C=CN, O=Example, CN=tls.example');
    t.equal(h.arena.used, 0);
  }
});
