/** Webshell tools and implants over HTTP: traffic in the tools' shapes, cipher text that is noise, and what resembles it. */
import { createCipheriv } from 'node:crypto';
import { html, json, noise, notFound, page, text } from './answers.mjs';
import { form, of, post } from './requests.mjs';

const enc = encodeURIComponent;
const saved = () => json({ ok: true });
const b64 = (n, seed) => noise(n, seed).toString('base64');

const as = of('webshell/antsword');
const core = '@ini_set("display_errors", "0");@set_time_limit(0);function asenc($out){return $out;};function asoutput(){$output=ob_get_contents();ob_end_clean();echo "5a3e1";echo @asenc($output);echo "9d2f1";}ob_start();try{$D=dirname($_SERVER["SCRIPT_FILENAME"]);echo $D;}catch(Exception $e){};asoutput();die();';
const ua = ['-A', 'Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/41.0.2228.0 Safari/537.36'];
const antsword = [
  as.hit('plain', 'compromised', 'default encoder, result between random marks', () => html('5a3e1/var/www/html\t/\tLinux web 4.19 x86_64\twww-data9d2f1'), [form('/images/x.php', `ant=${enc(core)}`, ...ua)]),
  as.hit('base64', 'compromised', 'base64 encoder', () => html('c22ab7./\t2019-10-18 10:00:00\t4096\t0755\n41e02'), [form('/images/x.php', `_0x5a6f7c9b1d2e3=${enc(Buffer.from(core).toString('base64'))}&ant=%40eval(%40base64_decode(%24_POST%5B'_0x5a6f7c9b1d2e3'%5D))%3B`, ...ua)]),
  as.hit('jsp', 'compromised', 'class bytes to a JSP', () => html('3f1a2->/usr/local/tomcat/webapps/ROOT\t/9c0d1'), [form('/x.jsp', `ant=${enc(`yv66vgAAADQA${b64(600, 3)}`)}`)], { port: 8080 }),
  as.hit('gone', 'attempted', '404', notFound, [form('/up/1.php', 'a=1', '-A', 'antSword/v2.1')]),
  as.miss('forms', 'forms with hexadecimal names, PHP in an article', saved, [form('/save.php', '0x1f=12&_0xa=1&note=ini_set'), form('/cms/save', `text=${enc('调用 @ini_set("display_errors", "0"); 再 @set_time_limit(0);')}`)]),
];

const bk = of('webshell/behinder-key-exchange', { port: 8080 });
const cookie = { 'Set-Cookie': 'JSESSIONID=6F2A; Path=/; HttpOnly', 'Content-Type': 'text/html' };
const behinder2 = [
  bk.hit('jsp', 'compromised', 'two key requests, then cipher text', (q) => (q.method === 'GET' ? [200, cookie, '1f2c8efc1d4b7a09\n'] : [200, { 'Content-Type': 'text/html' }, noise(160, 7)]), [['/shell.jsp?pass=521'], ['/shell.jsp?pass=88'], post('/shell.jsp', Buffer.from(b64(1536, 4)), 'application/octet-stream')]),
  bk.miss('tokens', 'tokens and digests of other interfaces', (q) => (q.url.includes('md5') ? text('9e107d9d372bb6826bd81d3542a419d6') : q.url.includes('id') ? text('1f2c8efc1d4b7a09') : page('x')), [['/md5.jsp?pass=521'], ['/file.jsp?id=12'], ['/view.jsp?id=3']]),
];

const bh = of('webshell/behinder-encrypted');
const aes = (plain) => { const c = createCipheriv('aes-128-cbc', 'e45e329feb5d925b', Buffer.alloc(16)); return Buffer.concat([c.update(plain), c.final()]).toString('base64'); };
const php = aes(`assert|eval(base64_decode('${Buffer.from('@error_reporting(0);function main($whatever){$info="";phpinfo();}'.repeat(8)).toString('base64')}'));`);
const behinder3 = [
  bh.hit('php', 'compromised', 'the default key\'s cipher text of an eval, answered in kind', () => html(aes('{"status":"c3VjY2Vzcw==","msg":"d3d3LWRhdGE="}')), [post('/uploads/s.php', php, 'application/x-www-form-urlencoded')]),
  bh.hit('jsp', 'compromised', 'noise in the shape of class bytes under a key of its own', () => [200, { 'Content-Type': 'text/html' }, noise(256, 12)], [post('/images/s.jsp', b64(6016, 9), 'application/octet-stream')], { port: 8080 }),
  bh.hit('gone', 'attempted', '404', notFound, [post('/s.php', php, 'application/x-www-form-urlencoded')]),
  bh.miss('interfaces', 'base64 in parameters, an image upload, a signed API', () => json({ code: 0 }), [form('/api/upload.php', `image=${enc(b64(1200, 2))}`), post('/gateway', b64(1200, 6), 'application/octet-stream'), post('/pay/notify.php', `<xml>${b64(900, 1)}</xml>`, 'text/xml')]),
];

const gz = of('webshell/godzilla');
const godzilla = [
  gz.hit('jsp', 'compromised', 'JAVA_AES_BASE64: upper-case digest around the cipher text', () => html(`11CD6A8758984163${b64(64, 8)}6C37AC826A2A04BC`), [form('/x.jsp', `pass=${enc(b64(4800, 3))}`), form('/x.jsp', `pass=${enc(b64(48, 4))}`)], { port: 8080 }),
  gz.hit('aspx', 'compromised', 'CSHAP_AES_BASE64', () => html(`3c6e0b8a9c152241${b64(32, 8)}7a0c4d1e2f3b5a6c`), [form('/x.aspx', `key=${enc(b64(96, 5))}`)]),
  gz.miss('tokens', 'forms with base64, answered by JSON and by digests', (q) => (q.url.includes('sum') ? text('9e107d9d372bb6826bd81d3542a419d69e107d9d') : json({ token: '11CD6A8758984163' })), [form('/login.jsp', `pass=${enc(b64(128, 5))}`), form('/sum.jsp', `data=${enc(b64(128, 5))}`)]),
];
const gl = of('webshell/godzilla-loader');
const reversed = Buffer.from('@session_start();@set_time_limit(0);function encode($D,$K){for($i=0;$i<strlen($D);$i++){$c=$K[$i+1&15];$D[$i]=$D[$i]^$c;}return $D;}').toString('base64').split('').reverse().join('');
const loader = [
  gl.hit('session', 'compromised', 'PHP_EVAL_XOR_BASE64: loader and encrypted payload; a session is opened', () => html('', { 'Set-Cookie': 'PHPSESSID=g1; path=/' }), [form('/up/x.php', `pass=eval%28base64_decode%28strrev%28urldecode%28%27${reversed}%27%29%29%29%29%3B&key=${enc(b64(900, 3))}`)]),
  gl.hit('gone', 'attempted', '404', notFound, [form('/up/x.php', `pass=eval%28base64_decode%28strrev%28urldecode%28%27${reversed}%27%29%29%29%29%3B&key=a`)]),
  gl.miss('article', 'a post that describes the tool', saved, [form('/cms/save', 'text=the loader is eval, base64_decode, strrev and urldecode around a payload')]),
];

const wv = of('webshell/weevely');
const weevely = [
  wv.hit('commands', 'compromised', 'request as weevely 4.0.1 sends it, the answer of its agent', () => html(`jXGB54PBFPdWp1iUa4e6fa0028a6${b64(60, 3)}670753749a17`), [post('/agent.php', `0M5<$OTA$]'Po#z(a4e6fa0028a6S68ufKz65AIGgNEBt4Y1MisTZgw670753749a17~\`jT=G(T\`Tjx|uL0`, 'application/x-www-form-urlencoded')]),
  wv.miss('digests', 'digests and base64 in forms, answered by digests', () => text('9e107d9d372bb6826bd81d3542a419d6'), [form('/sum.php', `data=${enc(b64(200, 5))}`), post('/sum.php', `9e107d9d372b${b64(60, 6)}6bd81d3542a4`, 'text/plain')]),
];

const ks = of('webshell/known-shell-page');
const known = [
  ks.hit('jspspy', 'compromised', 'title of JspSpy', () => html('<html><head><title>JspSpy Codz By - Ninty</title></head><body><form><input type="password" name="pw"></form></body></html>'), [['/upload/j.jsp']], { port: 8080 }),
  ks.hit('aspxspy', 'compromised', 'titles of ASPXspy and b374k', (q) => html(q.url.includes('aspx') ? '<html><head><title>ASPXSpy2014</title></head></html>' : '<html><head><title>b374k 3.2</title></head></html>'), [['/a.aspx'], ['/b.php']]),
  ks.miss('articles', 'articles about webshells', () => html('<html><head><title>如何发现 JspSpy 与 ASPXSpy 后门</title></head><body>JspSpy</body></html>'), [['/news/1.html']]),
];
const tp = of('webshell/tunnel-page');
const tunnel = [
  tp.hit('neo', 'compromised', 'check page of Neo-reGeorg', () => html("<!-- NeoGeorg says, 'All seems fine' -->"), [['/tunnel.jsp']], { port: 8080 }),
  tp.hit('regeorg', 'compromised', 'check page of reGeorg', () => html("Georg says, 'All seems fine'"), [['/tunnel.aspx']]),
  tp.miss('article', 'a page that quotes the sentence', () => html("<html><p>A tunnel answers: Georg says, 'All seems fine'</p></html>"), [['/blog/1']]),
];
const so = of('webshell/suo5', { port: 8080 });
const suo5 = [
  so.hit('echo', 'compromised', 'handshake bytes come back', () => [200, {}, noise(64, 3)], [post('/suo5.jsp', Buffer.concat([noise(64, 3)]), 'application/plain')]),
  so.hit('gone', 'attempted', '404', notFound, [post('/suo5.jsp', Buffer.concat([noise(64, 3)]), 'application/plain')]),
  so.miss('text', 'plain text posts', () => text('ok'), [post('/notes', 'text', 'text/plain'), post('/x', 'a', 'application/octet-stream')]),
];

const outside = { server: '198.51.100.23', client: '10.42.3.57' };
const cs = of('malware/cobalt-strike-http', outside);
const beacon = [
  cs.hit('get', 'compromised', 'nameless cookie of 172 characters, an empty task list', () => [200, { 'Content-Type': 'application/octet-stream', 'Content-Length': '0' }, ''], [['/ca', '-H', `Cookie: ${b64(128, 77)}`], ['/ca', '-H', `Cookie: ${b64(128, 77)}`]]),
  cs.hit('submit', 'compromised', 'results to submit.php', () => [200, { 'Content-Type': 'text/html' }, ''], [post('/submit.php?id=242569267', noise(132, 5), 'application/octet-stream')]),
  cs.miss('cookies', 'cookies with names, a form posted to submit.php', saved, [['/ca', '-H', `Cookie: session=${b64(128, 77)}`], form('/submit.php?id=12', 'a=1'), ['/', '-H', `Cookie: ${b64(60, 7)}`]]),
];
const st = of('malware/stager-download', outside);
const stage = [
  st.hit('x64', 'compromised', 'head of a 64-bit reflective loader, by a four-letter address', () => [200, { 'Content-Type': 'application/octet-stream' }, Buffer.concat([Buffer.from('4d5a4152554889e5', 'hex'), noise(4000, 3)])], [['/aaa9']]),
  st.hit('shellcode', 'compromised', 'shellcode head, by a long address', () => [200, { 'Content-Type': 'application/octet-stream' }, Buffer.concat([Buffer.from('fce8890000006089e5', 'hex'), noise(3000, 3)])], [[`/${'Zx8q_'.repeat(20)}/`]]),
  st.miss('programs', 'an ordinary program and a picture', (q) => (q.url === '/tool' ? [200, {}, Buffer.concat([Buffer.from('4d5a90000300000004000000ffff0000', 'hex'), noise(900, 4)])] : [200, {}, Buffer.concat([Buffer.from('fce10000', 'hex'), noise(300, 1)])]), [['/tool'], ['/icon']]),
];
const em = of('malware/empire-http', outside);
const ie = ['-A', 'Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko'];
const empire = [
  em.hit('tasking', 'compromised', 'routing packet in the cookie, a task comes back', () => [200, { 'Content-Type': 'text/html' }, noise(80, 2)], [['/admin/get.php', '-H', `Cookie: session=${b64(28, 4)}`, ...ie]]),
  em.hit('closed', 'attempted', '404', notFound, [['/news.php', '-H', `Cookie: session=${b64(28, 4)}`, ...ie]]),
  em.miss('news', 'a reader of news', () => page('新闻'), [['/news.php', '-H', 'Cookie: session=8f2a11c0', ...ie], ['/login/process.php', '-H', `Cookie: session=${b64(28, 4)}`]]),
];
const fs = of('malware/fscan');
const fscan = [
  fs.hit('titles', 'attempted', 'requests as the tool sends them to two pages', () => page('首页'), [['/', '-H', 'Cookie: rememberMe=1'], ['/index.html', '-H', 'Cookie: rememberMe=1']]),
  fs.miss('remembered', 'a browser that remembers its user', () => page('首页'), [['/', '-H', 'Cookie: rememberMe=1; JSESSIONID=22BB'], ['/', '-H', 'Cookie: rememberMe=true']]),
];
export default [...fscan, ...antsword, ...behinder2, ...behinder3, ...godzilla, ...loader, ...weevely, ...known, ...tunnel, ...suo5, ...beacon, ...stage, ...empire];
