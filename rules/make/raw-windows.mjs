/** SMB 1, RDP and DCE/RPC exchanges for `raw.mjs`, where no Windows is at hand: headers as the protocols have them, payloads of filler. */
import { noise } from './answers.mjs';

const b = (...parts) => Buffer.concat(parts.map((p) => (typeof p === 'string' ? Buffer.from(p, 'latin1') : Array.isArray(p) ? Buffer.from(p) : p)));
const hex = (s) => Buffer.from(s.replaceAll(' ', ''), 'hex');
const c = (...parts) => ['c', b(...parts)];
const s = (...parts) => ['s', b(...parts)];
const le = (...words) => b(...words.map((w) => [w & 255, w >> 8]));
const of = (folder, port) => ({
  hit: (name, verdict, made, turns) => ({ file: `${folder}/${name}.pcap`, verdict, made: `Messages between stand-ins; ${made}`, port, turns }),
  miss: (name, made, turns, more) => ({ file: `${folder}/miss-${name}.pcap`, verdict: 'miss', made: `Messages between stand-ins; ${made}`, port, turns, client: '10.42.3.57', ...more }),
});

/** One SMB 1 message in its NetBIOS frame (MS-CIFS 2.2.3). */
function smb(command, { status = 0, reply = false, mid = 64, words = b(), bytes = b() } = {}) {
  const head = b('\xffSMB', [command, status & 255, (status >> 8) & 255, (status >> 16) & 255, status >>> 24, reply ? 0x98 : 0x18], le(0xc007), Buffer.alloc(12), le(0x0800, 0xfeff, 0x0800, mid));
  const body = b(head, [words.length / 2], words, le(bytes.length), bytes);
  return b([0, 0, body.length >> 8, body.length & 255], body);
}
const negotiate = [c(smb(0x72, { bytes: b('\x02NT LM 0.12\0') })), s(smb(0x72, { reply: true, words: b(le(0), [3], Buffer.alloc(31)), bytes: noise(8, 1) }))];
const session = [c(smb(0x73, { words: b([255, 0], le(0, 0xffff, 2, 1, 0, 0, 0, 0, 0, 0, 0x54, 0)), bytes: b('\0\0.\0Windows\0\0') })), s(smb(0x73, { reply: true, words: le(0xff, 0, 0), bytes: b('\0Windows 7\0') })),
  c(smb(0x75, { words: b([255, 0], le(0, 8, 1)), bytes: b('\0\\\\10.42.1.10\\IPC$\0?????\0') })), s(smb(0x75, { reply: true, words: b([255, 0], le(0, 1, 0xff, 0x1f, 0xff, 0x1f).subarray(0, 4)), bytes: b('IPC\0') }))];
const peek = smb(0x25, { words: b(le(0, 0, 0xffff, 0xffff), [0, 0], le(0), Buffer.alloc(4), le(0, 0, 0x4a, 0, 0x4a), [2, 0], le(0x23, 0)), bytes: b('\0\\PIPE\\\0') });
const mp = of('windows/ms17-010-probe', 445);
const probe = [
  mp.hit('vulnerable', 'succeeded', 'PeekNamedPipe on FID 0, STATUS_INSUFF_SERVER_RESOURCES', [...negotiate, ...session, c(peek), s(smb(0x25, { reply: true, status: 0xc0000205 }))]),
  mp.hit('patched', 'attempted', 'PeekNamedPipe on FID 0, STATUS_INVALID_HANDLE', [...negotiate, ...session, c(peek), s(smb(0x25, { reply: true, status: 0xc0000008 }))]),
  mp.miss('pipe', 'an ordinary transaction on a pipe', [...negotiate, ...session, c(smb(0x25, { words: b(le(0, 0, 0xffff, 0xffff), [0, 0], le(0), Buffer.alloc(4), le(0, 0, 0x4a, 0, 0x4a), [2, 0], le(0x26, 0x4001)), bytes: b('\0\\PIPE\\\0', noise(72, 3)) })), s(smb(0x25, { reply: true }))]),
];
const nt = smb(0xa0, { words: b([1], le(0), hex('1e000000'), hex('d0030100'), hex('1e000000'), hex('00000000'), hex('1e000000'), hex('4b000000'), hex('d0030000'), hex('68000000'), [1], le(0, 0)), bytes: b([0xff], Buffer.alloc(999)) });
const secondary = (i) => smb(0x33, { mid: 65, words: b(le(0, 4096, 0, 0, 0, 4096, 53, 0x1000 + i * 16, 0)), bytes: Buffer.alloc(4096) });
const eb = of('windows/eternalblue', 445);
const blue = [
  eb.hit('overflow', 'succeeded', 'NT transaction, secondary transactions of filler, STATUS_INVALID_PARAMETER', [...negotiate, ...session, c(nt), s(smb(0xa0, { reply: true })), ...[0, 1, 2, 3].map((i) => c(secondary(i))), s(smb(0x33, { reply: true, status: 0xc000000d, mid: 65 }))]),
  eb.hit('silent', 'attempted', 'the same without an answer', [...negotiate, ...session, c(nt), s(smb(0xa0, { reply: true })), c(secondary(0))]),
  eb.miss('copy', 'writes and transactions of a file copy', [...negotiate, ...session, c(smb(0x2f, { words: b([255, 0], le(0, 0x4001, 0, 0, 0, 0, 0, 0, 4000, 64, 0, 0).subarray(0, 26)), bytes: Buffer.alloc(4000) })), s(smb(0x2f, { reply: true })), c(smb(0x32, { words: b(le(18, 0, 10, 0xffff), [0, 0], le(0), Buffer.alloc(4), le(0, 18, 68, 0, 0), [1, 0], le(1)), bytes: b('\0\0', noise(40, 2)) })), s(smb(0x32, { reply: true }))]),
];
const ping = smb(0x32, { mid: 65, words: b(le(12, 0, 1, 0), [0, 0], le(0), hex('a6d9a400'), le(0, 12, 66, 0, 78), [1, 0], le(0x0e)), bytes: b([0], Buffer.alloc(12)) });
const dp = of('windows/doublepulsar', 445);
const pulsar = [
  dp.hit('installed', 'compromised', 'ping answered with multiplex 0x51', [...negotiate, ...session, c(ping), s(smb(0x32, { reply: true, status: 0xc0000002, mid: 81 }))]),
  dp.hit('clean', 'attempted', 'ping answered with multiplex 0x41', [...negotiate, ...session, c(ping), s(smb(0x32, { reply: true, status: 0xc0000002, mid: 65 }))]),
  dp.miss('query', 'a path query with multiplex 0x41', [...negotiate, ...session, c(smb(0x32, { mid: 65, words: b(le(18, 0, 10, 0xffff), [0, 0], le(0), Buffer.alloc(4), le(0, 18, 68, 0, 0), [1, 0], le(5)), bytes: noise(40, 2) })), s(smb(0x32, { reply: true, mid: 65 }))]),
];

const tpkt = (...parts) => { const body = b(...parts); return b([3, 0, (body.length + 4) >> 8, (body.length + 4) & 255], body); };
const request = c(tpkt(hex('26e00000000000'), 'Cookie: mstshash=u\r\n', hex('0100080000000000')));
const confirm = s(tpkt(hex('0ed00000123400'), hex('0200080000000000')));
const channels = (...names) => b(le(0xc003, 8 + names.length * 12), [names.length, 0, 0, 0], ...names.map((n) => b(n.padEnd(8, '\0'), hex('00008080'))));
const connect = (...names) => { const blocks = b(le(0xc001, 216), hex('04000800'), le(1024, 768, 0xca01, 0xaa03), hex('09040000 280a0000'), Buffer.alloc(192), le(0xc004, 12), Buffer.alloc(8), le(0xc002, 12), hex('03000000 00000000'), channels(...names)); return tpkt(hex('02f080 7f6582'), le(0x9401), hex('0401010401010101ff30190201220201020201000201010201000201010202ffff020102'), hex('0500147c0001814800080010000'.padEnd(26, '0')), 'Duca', [0x81, blocks.length & 255], blocks); };
const bk = of('windows/bluekeep', 3389);
const keep = [
  bk.hit('vulnerable', 'succeeded', 'MS_T120 asked for, disconnected after data on it', [request, confirm, c(connect('cliprdr', 'MS_T120', 'rdpsnd')), s(tpkt(hex('02f080 7f66'), noise(80, 2))), c(tpkt(hex('02f080640008 03ed 7010'), noise(16, 5))), s(hex('0300000902f0802180'))]),
  bk.hit('silent', 'attempted', 'MS_T120 asked for, nothing follows', [request, confirm, c(connect('MS_T120')), s(tpkt(hex('02f080 7f66'), noise(80, 2)))]),
  bk.miss('client', 'the channels of an ordinary client', [request, confirm, c(connect('cliprdr', 'rdpdr', 'rdpsnd')), s(tpkt(hex('02f080 7f66'), noise(80, 2)))]),
];
const sg = of('windows/smbghost', 445);
const smb2 = b(hex('00000040fe534d4240000100 00000000 0000 1f00'), Buffer.alloc(50));
const compressed = (size, offset, n) => { const body = b('\xfcSMB', size, hex('0100 0000'), offset, noise(n, 4)); return b([0, 0, body.length >> 8, body.length & 255], body); };
const ghost = [
  sg.hit('overflow', 'attempted', 'original size of 0xffffffff', [c(smb2), s(smb2), c(compressed(hex('ffffffff'), hex('10000000'), 200))]),
  sg.hit('offset', 'attempted', 'offset of 0xffffffff', [c(smb2), s(smb2), c(compressed(hex('32000000'), hex('ffffffff'), 80))]),
  sg.miss('compressed', 'a compressed message with its true sizes', [c(smb2), s(smb2), c(compressed(hex('00100000'), hex('00000000'), 300)), s(compressed(hex('00200000'), hex('68000000'), 300))]),
];

const uuid = (id) => { const [a, x, y, d, e] = id.split('-'); return b(hex(a).reverse(), hex(x).reverse(), hex(y).reverse(), hex(d), hex(e)); };
const pdu = (type, call, ...parts) => { const body = b(...parts); return b([5, 0, type, 3], hex('10000000'), le(body.length + 16, 0), [call, 0, 0, 0], body); };
const rpcBind = (id) => [c(pdu(11, 1, hex('b810b810 00000000 01000000 0000 0100'), uuid(id), hex('00000000'), uuid('8a885d04-1ceb-11c9-9fe8-08002b104860'), hex('02000000'))), s(pdu(12, 1, hex('b810b810 00000000 0000 0000 01000000 0000 0000'), uuid('8a885d04-1ceb-11c9-9fe8-08002b104860'), hex('02000000')))];
const call = (n, opnum, ...stub) => { const data = b(...stub); return c(pdu(0, n, [data.length & 255, data.length >> 8, 0, 0], le(0, opnum), data)); };
const answer = (n, ...stub) => s(pdu(2, n, hex('08000000 00000000'), ...stub));
const wm = of('windows/remote-wmi', 49154);
const WBEM = '9556dc99-828c-11cf-a37e-00aa003240c7';
const wmi = [
  wm.hit('exec-method', 'attempted', 'ExecMethod of IWbemServices, its body encrypted', [...rpcBind(WBEM), call(2, 24, noise(300, 3)), answer(2, noise(60, 4))]),
  wm.miss('query', 'a query of monitoring software', [...rpcBind(WBEM), call(2, 20, noise(200, 3)), answer(2, noise(60, 4))]),
];
const WINREG = '338cd001-2244-31f1-aaaa-900038001003';
const rg = of('windows/remote-registry', 49156);
const registry = [
  rg.hit('set-value', 'succeeded', 'a value set by winreg', [...rpcBind(WINREG), call(2, 22, noise(120, 3)), answer(2, hex('00000000'))]),
  rg.miss('query', 'a value read by winreg', [...rpcBind(WINREG), call(2, 17, noise(80, 3)), answer(2, noise(40, 4), hex('00000000'))]),
];
const NETLOGON = '12345678-1234-abcd-ef00-01234567cffb';
const utf16 = (t) => Buffer.from(t, 'utf16le');
const zl = of('windows/zerologon', 49155);
const names = b(hex('00000200 05000000 00000000 05000000'), utf16('DC01\0'), hex('0000 0b000000 00000000 0b000000'), utf16('ATTACKER01\0'));
const zero = [
  zl.hit('password-set', 'compromised', 'zero challenge and credential, then an empty password', [...rpcBind(NETLOGON), call(2, 4, names, Buffer.alloc(8)), answer(2, noise(8, 3), hex('00000000')), call(3, 26, names, Buffer.alloc(8), hex('ffff2f21')), answer(3, noise(8, 4), hex('ffff2f21 00000000')), call(4, 30, names, Buffer.alloc(12 + 516)), answer(4, Buffer.alloc(12), hex('00000000'))]),
  zl.miss('member', 'a member sets up its channel', [...rpcBind(NETLOGON), call(2, 4, names, noise(8, 7)), answer(2, noise(8, 3), hex('00000000')), call(3, 26, names, noise(8, 5), hex('ffff2f21')), answer(3, noise(8, 4), hex('ffff2f21 00000000')), call(4, 30, names, noise(528, 6)), answer(4, noise(12, 2))]),
];
const TASK = '86d35949-83c9-4044-b424-db363231fd0c';
const rt = of('windows/remote-task', 49156);
const task = [
  rt.hit('register', 'attempted', 'a task is registered, its body encrypted', [...rpcBind(TASK), call(2, 1, noise(900, 3)), answer(2, noise(60, 4))]),
  rt.miss('list', 'tasks are listed', [...rpcBind(TASK), call(2, 7, noise(60, 3)), answer(2, noise(60, 4))]),
];
const der = (tag, ...parts) => { const body = b(...parts); return b([tag], body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 255], body); };
const principal = (type, ...names) => der(0x30, der(0xa0, [2, 1, type]), der(0xa1, der(0x30, ...names.map((n) => der(0x1b, n)))));
const realm = der(0x1b, 'EXAMPLE.LAN');
const kdc = (tag, ...fields) => { const m = der(tag, der(0x30, ...fields)); return b([0, 0, m.length >> 8, m.length & 255], m); };
const etypes = (...types) => der(0xa8, der(0x30, ...types.map((t) => b([2, 1, t]))));
const body = (server, ...types) => der(0xa4, der(0x30, der(0xa0, hex('0305005080 0000')), der(0xa1, principal(1, 'svc')), der(0xa2, realm), der(0xa3, principal(2, ...server)), der(0xa5, der(0x18, '20371231235959Z')), der(0xa7, hex('02047d1c2b3a')), etypes(...types)));
const encrypted = (type, n, seed) => der(0x30, der(0xa0, [2, 1, type]), der(0xa2, der(4, noise(n, seed))));
const issued = (tag, kind, server, type) => kdc(tag, der(0xa0, [2, 1, 5]), der(0xa1, [2, 1, kind]), der(0xa3, realm), der(0xa4, principal(1, 'svc')), der(0xa5, der(0x61, der(0x30, der(0xa0, [2, 1, 5]), der(0xa1, realm), der(0xa2, principal(2, ...server)), der(0xa3, encrypted(type, 500, 3))))), der(0xa6, encrypted(type, 200, 4)));
const ar = of('windows/asrep-roast', 88);
const roast = [ar.hit('answered', 'succeeded', 'no pre-authentication, RC4 first, and the answer of the controller', [c(kdc(0x6a, der(0xa1, [2, 1, 5]), der(0xa2, [2, 1, 10]), body(['krbtgt', 'EXAMPLE.LAN'], 23))), s(issued(0x6b, 11, ['krbtgt', 'EXAMPLE.LAN'], 23))])];
const kr = of('windows/kerberoast', 88);
const ticket = der(0xa3, der(0x30, der(0x30, der(0xa1, [2, 1, 1]), der(0xa2, der(4, noise(700, 8))))));
const kerberoast = [kr.hit('issued', 'succeeded', 'service ticket asked for with RC4 first, and issued', [c(kdc(0x6c, der(0xa1, [2, 1, 5]), der(0xa2, [2, 1, 12]), ticket, body(['MSSQLSvc', 'db01.example.lan:1433'], 23, 16, 3, 18))), s(issued(0x6d, 13, ['MSSQLSvc', 'db01.example.lan:1433'], 23))])];
export default [...roast, ...kerberoast, ...probe, ...blue, ...pulsar, ...keep, ...ghost, ...wmi, ...registry, ...zero, ...task];
