import t from 'tap';
import { Harness } from './harness.js';
import { protocols } from './registry.js';
import { recorded, replay } from './streams.js';

const hex = (s: string): Buffer => Buffer.from(s.replace(/\s/g, ''), 'hex');
const run = (parts: [0 | 1, string | Buffer][], port = 0): Harness => {
  const h = new Harness(protocols, port);
  for (const [d, b] of parts) h.feed(d, b);
  h.end();
  return h;
};
const le = (n: number, size: number): Buffer => {
  const b = Buffer.alloc(size);
  b.writeUIntLE(n, 0, size);
  return b;
};

t.test('OpenSSH: banners, HASSH, outcome of the login', async (t) => {
  const good = new Harness(protocols, 26022);
  replay('openssh-good', good);
  t.match(good.of('ssh')[0], {
    client: { proto_version: '2.0', software_version: /^OpenSSH/ },
    server: { proto_version: '2.0' },
  });
  t.match(good.value('ssh.hassh'), /^[0-9a-f]{32}$/);
  t.match(good.of('auth'), [{ protocol: 'ssh', result: 'success' }]);
  const bad = new Harness(protocols, 26022);
  replay('openssh-bad', bad);
  t.match(bad.of('auth'), [{ protocol: 'ssh', result: 'failure' }]);
  const cut = new Harness(protocols, 26022);
  replay('openssh-good', cut, 3);
  t.same(cut.of('ssh'), good.of('ssh'), 'any segmentation');
});

t.test('Redis: commands, replies, logins', async (t) => {
  for (const step of [0, 1]) {
    const h = new Harness(protocols, 26379);
    replay('redis', h, step);
    t.same(
      h.of('auth').map((a) => a['result']),
      ['failure', 'success'],
    );
    t.ok(h.all('redis.command').includes('CONFIG SET dir /tmp'));
    t.ok(h.of('redis').some((e) => e['command'] === 'GET' && e['reply'] === '$-1'));
  }
});

t.test('missing bytes: reading goes on with the next command, message or record', async (t) => {
  let h = new Harness(protocols, 6379);
  h.feed(0, '*2\r\n$4\r\nAUTH\r\n$3\r\nbad\r\n');
  h.feed(1, '-WRONGPASS no\r\n');
  h.feed(0, '*2\r\n$3\r\nGET\r\n$1\r\na\r\n');
  h.gap(1, 700);
  h.feed(1, 'of a value\r\n');
  h.feed(0, '*2\r\n$4\r\nAUTH\r\n$4\r\ngood\r\n');
  h.feed(1, '+OK\r\n');
  h.gap(0, 40);
  h.feed(0, 'rest\r\n*1\r\n$4\r\nPING\r\n');
  h.end();
  t.match(h.of('auth'), [{ result: 'failure', confidence: 0.99 }, { result: 'success', confidence: 0.6 }]);
  t.same(h.of('redis').map((e) => [e['command'], e['reply']]), [['AUTH', '-WRONGPASS no'], ['GET', undefined], ['AUTH', '+OK'], ['PING', undefined]]);

  const question = hex('001d 0007 0100 0001 0000 0000 0000 03777777 076578616d706c65 00 0001 0001');
  const other = hex('001d 0008 0100 0001 0000 0000 0000 03667470 076578616d706c65 00 0001 0001');
  h = new Harness(protocols, 53);
  h.feed(0, question);
  h.gap(0, 300);
  h.feed(0, Buffer.concat([Buffer.from('rest of another'), other]));
  h.end();
  t.same(h.of('dns').map((e) => e['rrname']), ['www.example', 'ftp.example']);

  // The server's hello is lost; its certificate message begins the segment behind.
  const flight = recorded('openssl-tls1_2');
  const hello = flight.find(([d]) => d === 0)![1];
  const answer = flight.find(([d]) => d === 1)![1];
  const first = 5 + answer.readUInt16BE(3);
  h = new Harness(protocols, 443);
  h.feed(0, hello);
  h.gap(1, first);
  h.feed(1, answer.subarray(first));
  h.end();
  t.match(h.of('tls'), [{ subject: /./ }]);
});

t.test('MySQL: another login within a connection', async (t) => {
  const frame = (n: number, body: Buffer | string): Buffer => Buffer.concat([le(body.length, 3), Buffer.from([n]), Buffer.from(body as string, 'latin1')]);
  const h = run([
    [1, frame(0, `\n8.0.36\0${'\0'.repeat(60)}`)],
    [0, frame(1, Buffer.concat([le(0x0fa20d, 4), le(1 << 24, 4), Buffer.alloc(24), Buffer.from('web\0\0')]))],
    [1, frame(2, '\0\0\0\x02\0\0\0')],
    [0, frame(0, '\x11root\0\x14aaaaaaaaaaaaaaaaaaaamysql\0')],
    [1, frame(1, '\xfecaching_sha2_password\0salt')], // asks for another method first
    [0, frame(2, 'b'.repeat(32))],
    [1, frame(3, '\xff\x15\x04#28000Access denied')],
  ], 3306);
  t.match(h.of('auth'), [{ user: 'web', result: 'success' }, { user: 'root', result: 'failure' }]);
  t.match(h.of('mysql')[1], { command: 'change_user', user: 'root', status: 'error 1045' });
});

t.test('SMB1: an AndX chain of session setup and tree connect', async (t) => {
  const header = (response: boolean): Buffer => {
    const b = Buffer.alloc(32);
    b.write('\xffSMB', 0, 'latin1');
    b[4] = 0x73;
    b[9] = response ? 0x80 : 0;
    b.writeUInt16LE(7, 30);
    return b;
  };
  const message = (response: boolean, setup: number[], setupBytes: string, tree: number[], treeBytes: string): Buffer => {
    const block = (words: number[], data: string): Buffer => Buffer.concat([Buffer.from([words.length / 2]), Buffer.from(words), le(data.length, 2), Buffer.from(data, 'latin1')]);
    const one = block([0x75, 0, ...le(32 + 1 + setup.length + 4 + 2 + setupBytes.length, 2), ...setup], setupBytes);
    const all = Buffer.concat([header(response), one, block([0xff, 0, 0, 0, ...tree], treeBytes)]);
    return Buffer.concat([Buffer.from([0, 0, 0, all.length]), all]);
  };
  const words = Buffer.alloc(22); // with the lengths of two responses of 4 bytes at words 7 and 8
  words.writeUInt16LE(4, 10);
  words.writeUInt16LE(4, 12);
  const h = run([
    [0, message(false, [...words], 'aaaabbbbguest\0', [0, 0, 1, 0], '\0\\\\srv\\ADMIN$\0?????\0')],
    [1, message(true, [0, 0], 'Unix\0', [0, 0], 'A:\0')],
  ], 445);
  t.same(h.of('smb').map((e) => [e['command'], e['share']]), [['SMB1_COMMAND_SESSION_SETUP_ANDX', undefined], ['SMB1_COMMAND_TREE_CONNECT_ANDX', '\\\\srv\\ADMIN$']]);
  t.match(h.of('auth'), [{ user: 'guest', result: 'success' }]);
  t.match(h.value('smb.share'), /ADMIN/);
});

t.test('mail and FTP', async (t) => {
  const h = run([
    [1, '220 mx ESMTP Exim\r\n'],
    [0, 'EHLO evil\r\n'],
    [1, '250-mx\r\n250 OK\r\n'],
    [0, 'AUTH PLAIN AGJvYgBwdw==\r\n'],
    [1, '535 no\r\n'],
    [0, 'MAIL FROM:<a@b>\r\n'],
    [1, '250 OK\r\n'],
    [0, 'RCPT TO:<${run{x y}}@localhost>\r\n'],
    [1, '250 OK\r\n'],
    [0, 'DATA\r\n'],
    [1, '354 go\r\n'],
    [
      0,
      'From: a\r\nSubject: =?UTF-8?B?5L2g5aW9?=\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Disposition: attachment; filename="x.exe"\r\n' +
        'Content-Transfer-Encoding: base64\r\n\r\nTVqQAAMA\r\n--B--\r\n.\r\nQUIT\r\n',
    ],
    [1, '250 queued\r\n221 bye\r\n'],
  ]);
  t.equal(h.flow.app, 'smtp');
  t.match(h.of('auth')[0], { protocol: 'smtp', user: 'bob', result: 'failure' });
  t.equal(h.value('smtp.rcpt_to'), '<${run{x y}}@localhost>');
  t.equal(h.value('file.name'), 'x.exe');
  t.equal(h.value('file.data'), 'MZ\x90\0\x03\0');
  t.match(h.of('smtp')[0], { mail_from: '<a@b>', email: { subject: '你好', attachment: ['x.exe'] } });
  t.equal(h.arena.used, 0);
  const f = run(
    [
      [1, '220 (vsFTPd 3.0.3)\r\n'],
      [0, 'USER anonymous\r\n'],
      [1, '331 pw\r\n'],
      [0, 'PASS x\r\n'],
      [1, '530 Login incorrect.\r\n'],
    ],
    21,
  );
  t.match(f.of('auth'), [{ protocol: 'ftp', user: 'anonymous', result: 'failure' }]);
  t.match(f.of('ftp')[1], { command: 'USER', completion_code: ['331'] });
});

t.test('databases: logins and statements', async (t) => {
  const packet = (seq: number, b: Buffer): Buffer => Buffer.concat([le(b.length, 3), Buffer.from([seq]), b]);
  const login = Buffer.concat([
    le(0x000fa685, 4),
    le(1 << 24, 4),
    Buffer.alloc(24),
    Buffer.from('root\0\x00', 'latin1'),
  ]);
  const h = run(
    [
      [1, packet(0, Buffer.from('\x0a5.7.1\0' + 'x'.repeat(40), 'latin1'))],
      [0, packet(1, login)],
      [1, packet(2, Buffer.from('\xff\x15\x04#28000no', 'latin1'))],
    ],
    3306,
  );
  t.match(h.of('auth'), [{ protocol: 'mysql', user: 'root', result: 'failure' }]);
  const p = run([[0, (hex('00000017 00030000') + 'user\0bob\0\0'.padEnd(15, '\0')) as never]], 5432);
  t.ok(p.flow.app === 'unknown' || p.flow.app === 'pgsql');
  const start = Buffer.concat([hex('00000013 00030000'), Buffer.from('user\0bob\0\0\0')]);
  const g = run(
    [
      [0, start],
      [
        1,
        Buffer.concat([
          Buffer.from('R'),
          hex('0000000800000005'),
          Buffer.from('E'),
          hex('0000000c'),
          Buffer.from('C28P01\0\0'),
        ]),
      ],
    ],
    5432,
  );
  t.match(g.of('auth'), [{ protocol: 'pgsql', user: 'bob', result: 'failure', method: 'md5' }]);
});

t.test('SMB2: what EVE says of an open file', async (t) => {
  const guid = Buffer.from(Array.from({ length: 16 }, (_, i) => i));
  const message = (command: number, response: boolean, status: number, ...body: Buffer[]): Buffer => {
    const head = Buffer.alloc(64);
    head.write('\xfeSMB@', 0, 'latin1');
    head.writeUInt32LE(status, 8);
    head.writeUInt16LE(command, 12);
    head[16] = response ? 1 : 0;
    head.writeUInt32LE(5, 36);
    const all = Buffer.concat([head, ...body]);
    return Buffer.concat([Buffer.from([0, 0, 0, all.length]), all]);
  };
  const zeros = (n: number): Buffer => Buffer.alloc(n);
  const path = Buffer.from('\\\\h\\C$', 'utf16le');
  const name = Buffer.from('a.exe', 'utf16le');
  const create = (options: number): Buffer => message(5, false, 0, zeros(36), le(2, 4), le(options, 4), le(120, 2), le(name.length, 2), zeros(8), name);
  const time = hex('80a8c7ae9abad801'); // FILETIME of 2022-08-28 04:57:32
  const h = run([
    [0, message(3, false, 0, le(9, 2), le(0, 2), le(72, 2), le(path.length, 2), path)],
    [1, message(3, true, 0, le(16, 2), le(1, 2), zeros(12))],
    [0, create(0x1000)],
    [1, message(5, true, 0, zeros(8), time, time, time, time, zeros(8), le(700, 6), zeros(2), zeros(8), guid, zeros(8))],
    [0, message(9, false, 0, le(49, 2), le(112, 2), le(2, 4), zeros(8), guid, zeros(16), Buffer.from('MZ'))],
    [1, message(9, true, 0, zeros(16))],
    [0, create(0)],
    [1, message(5, true, 0xc0000034, zeros(8))],
    [0, message(3, false, 0, le(9, 2), le(0, 2), le(72, 2), le(path.length, 2), path)],
    [1, message(3, true, 0xc0000022, zeros(9))],
  ], 445);
  const fuid = '03020100-0504-0706-0908-0b0a0f0e0d0c';
  const share = '\\\\h\\C$';
  const [connected, opened, written, missing, refused] = h.of('smb');
  t.match(connected, { share, share_type: 'FILE' });
  t.match(opened, { filename: 'a.exe', disposition: 'FILE_CREATE', access: 'delete on close', created: 1661662652, size: 700, fuid });
  t.match(written, { command: 'SMB2_COMMAND_WRITE', filename: 'a.exe', share, fuid });
  t.match(missing, { status: 'STATUS_OBJECT_NAME_NOT_FOUND', access: 'normal', created: 0, size: 0, fuid: '' });
  t.match(refused, { status: 'STATUS_ACCESS_DENIED', share_type: 'UNKNOWN' });
});

t.test('SMB2 session with NTLM, and a pipe with svcctl', async (t) => {
  const u = (s: string): Buffer => Buffer.from(s, 'utf16le');
  const header = (command: number, flags: number, status: number, mid: number): Buffer =>
    Buffer.concat([
      Buffer.from('\xfeSMB', 'latin1'),
      le(64, 2),
      le(0, 2),
      le(status, 4),
      le(command, 2),
      le(1, 2),
      le(flags, 4),
      le(0, 4),
      le(mid, 6),
      le(0, 2),
      le(0, 4),
      le(5, 4),
      le(9, 4),
      le(0, 4),
      Buffer.alloc(16),
    ]);
  const nb = (...b: Buffer[]): Buffer => {
    const all = Buffer.concat(b);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(all.length);
    return Buffer.concat([head, all]);
  };
  const names = [u('CORP'), u('admin'), u('WS1')];
  const at = [88, 88 + names[0]!.length, 88 + names[0]!.length + names[1]!.length];
  const f = (i: number): Buffer => Buffer.concat([le(names[i]!.length, 2), le(names[i]!.length, 2), le(at[i]!, 4)]);
  const ntlm = Buffer.concat([
    Buffer.from('NTLMSSP\0'),
    le(3, 4),
    le(0, 8 - 2),
    le(0, 2),
    le(24, 2),
    le(24, 2),
    le(0, 4),
    f(0),
    f(1),
    f(2),
    Buffer.alloc(8),
    le(1, 4),
    Buffer.alloc(24),
    ...names,
  ]);
  const bind = Buffer.concat([
    hex('05000b0310000000 4800 0000 01000000 b810b810 00000000 01000000 0000 0100'),
    hex('81bb7a3644 98f135ad3298f038001003'.replace(' ', '')),
    hex('02000000'),
    Buffer.alloc(20),
  ]);
  const write = Buffer.concat([
    le(49, 2),
    le(112, 2),
    le(bind.length, 4),
    Buffer.alloc(8),
    le(7, 6),
    le(0, 2),
    le(8, 6),
    le(0, 2),
    Buffer.alloc(16),
    bind,
  ]);
  const h = run(
    [
      [0, nb(header(1, 0, 0, 1), Buffer.alloc(24), ntlm)],
      [1, nb(header(1, 1, 0xc000006d, 1), Buffer.alloc(8))],
      [0, nb(header(3, 0, 0, 2), le(9, 2), le(0, 2), le(72, 2), le(22, 2), u('\\\\h\\IPC$   '))],
      [0, nb(header(9, 0, 0, 3), write)],
    ],
    445,
  );
  t.match(h.of('auth'), [{ protocol: 'smb', user: 'CORP\\admin', result: 'failure' }]);
  t.equal(h.value('smb.ntlmssp_user'), 'admin');
  t.match(h.value('smb.share'), /IPC\$/);
  t.equal(h.value('dcerpc.iface'), '367abb81-9844-35f1-ad32-98f038001003');
  t.match(h.of('smb')[0], { command: 'SMB2_COMMAND_SESSION_SETUP', status: 'STATUS_LOGON_FAILURE', ntlmssp: { host: 'WS1' } });
});

t.test('directories, Java, AJP, RDP, SOCKS', async (t) => {
  t.notOk(run([[0, hex('0300001611e00000000700c1020100c2020102c0010a')]], 102).parser, 'S7 speaks X.224, too');
  const bind = hex('300c 020101 6007 020103 0400 8000'),
    deny = hex('300c 020101 6107 0a0131 0400 0400');
  const named = hex('3013 020101 600e 020103 0405 636e3d6164 8002 7077');
  const l = run(
    [
      [0, named],
      [1, deny],
    ],
    389,
  );
  t.match(l.of('auth'), [{ protocol: 'ldap', user: 'cn=ad', result: 'failure', method: 'simple' }]);
  t.equal(run([[0, bind]]).flow.app, 'ldap');
  const stream = Buffer.concat([hex('aced0005 73 72 0011'), Buffer.from('java.util.HashMap'), Buffer.alloc(20)]);
  const frame = Buffer.concat([hex('000000ff'), Buffer.alloc(20), stream]);
  frame.writeUInt32BE(frame.length, 0);
  const w = run([
    [0, 't3 12.2.1\nAS:255\nHL:19\n\n'],
    [1, 'HELO:10.3.6.0.false\nAS:2048\nHL:19\n\n'],
    [0, frame],
  ]);
  t.match(w.value('t3.header'), /^t3 12/);
  t.equal(w.value('java.class'), 'java.util.HashMap');
  t.equal(
    run([[0, Buffer.concat([Buffer.from('JRMI'), hex('00024b'), stream])]]).value('java.class'),
    'java.util.HashMap',
  );
  const s = (x: string): Buffer =>
    Buffer.concat([hex(x.length.toString(16).padStart(4, '0')), Buffer.from(x), Buffer.from([0])]);
  const body = Buffer.concat([
    hex('0202'),
    s('HTTP/1.1'),
    s('/x.txt'),
    s('1.1.1.1'),
    s('a'),
    s('b'),
    hex('1f9000'),
    hex('0000'),
    hex('0a'),
    s('javax.servlet.include.path_info'),
    s('/WEB-INF/web.xml'),
    hex('ff'),
  ]);
  const a = run([[0, Buffer.concat([hex('1234'), hex(body.length.toString(16).padStart(4, '0')), body])]]);
  t.equal(a.value('ajp.attribute'), 'javax.servlet.include.path_info=/WEB-INF/web.xml');
  const cr = Buffer.from('Cookie: mstshash=bob\r\n');
  const r = run([
    [
      0,
      Buffer.concat([
        hex('030000'),
        Buffer.from([11 + cr.length]),
        Buffer.from([6 + cr.length]),
        hex('e0 0000 0000 00'),
        cr,
      ]),
    ],
  ]);
  t.equal(r.value('rdp.cookie'), 'bob');
  const k = run([
    [0, hex('050100')],
    [1, hex('0500')],
    [0, hex('050100030161 0050')],
    [1, hex('05000001000000000000')],
    [0, 'GET /in HTTP/1.1\r\nHost: a\r\n\r\n'],
  ]);
  t.match(k.of('socks')[0], { host: 'a', port: 80, command: 'connect', status: 0 });
  t.equal(k.value('http.uri'), '/in', 'what goes through is parsed');
});

t.test('CONNECT and hostile bytes for every parser', async (t) => {
  const [first] = recorded('openssl-tls1_3');
  const c = run([
    [0, 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n'],
    [1, 'HTTP/1.1 200 OK\r\n\r\n'],
    [0, first![1]],
  ]);
  t.equal(c.value('tls.sni'), 'tls.example', 'TLS inside CONNECT');
  let x = 99;
  const rand = (n: number): number => (x = (Math.imul(x, 1664525) + 1013904223) >>> 0) % n;
  const streams = ['openssh-good', 'redis', 'openssl-tls1_2'].map((s) => recorded(s));
  const h = new Harness(protocols);
  for (const entry of protocols) {
    for (let i = 0; i < 150; i++) {
      h.failed = false;
      h.parser = entry.create(h.flow);
      h.inspections.length = h.events.length = h.details.length = 0;
      const s = streams[rand(3)]!;
      for (let k = 0; k < 6; k++) {
        const [d, bytes] = s[rand(s.length)]!;
        const b =
          rand(3) === 0
            ? Buffer.from(Array.from({ length: rand(200) }, () => rand(rand(4) + 1 === 1 ? 8 : 256)))
            : Buffer.from(bytes.subarray(0, rand(600)));
        for (let m = rand(6); m > 0 && b.length > 0; m--) b[rand(b.length)] = rand(256);
        h.feed(rand(5) === 0 ? ((1 - d) as 0 | 1) : d, b);
        if (rand(8) === 0) h.gap(d, rand(400));
      }
      h.end();
      h.parser = undefined;
      (h as unknown as { kept: Uint8Array[] }).kept.fill(new Uint8Array(0));
    }
    t.pass(`${entry.protocol} over ${entry.transport}`);
  }
  t.ok(h.arena.used < 1 << 20, `blocks are given back: ${h.arena.used}`);
});
