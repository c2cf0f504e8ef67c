/** Stand-ins for products that can't be had here; they answer as public descriptions say. */
import { html, json, notFound, text } from '../answers.mjs';

const METADATA = { Code: 'Success', Type: 'AWS-HMAC', AccessKeyId: 'ASIAIOSFODNN7EXAMPLE', SecretAccessKey: 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY', Token: 'IQoJ', Expiration: '2019-09-01T00:00:00Z' };
const basic = (request) => Buffer.from(String(request.headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString();
const WINDOWS = { 'win.ini': '; for 16-bit app support\r\n[fonts]\r\n[extensions]\r\n[mci extensions]\r\n[files]\r\n[Mail]\r\nMAPI=1\r\n' };
const actuator = (links) => json({ _links: Object.fromEntries(links.map((l) => [l, { href: `http://10.42.1.10:8082/actuator/${l}`, templated: false }])) });

/** @returns status, headers, body */
export function answer(request, body) {
  const url = new URL(request.url, 'http://x');
  const p = url.pathname;
  if (p === '/win/download') return text(WINDOWS['win.ini']);
  if (p === '/win/ping') return html(`<pre>${url.search.includes('ipconfig') ? '\r\nWindows IP Configuration\r\n\r\n   Host Name . . . . . . . . . . . . : WEB01\r\n   IPv4 Address. . . . . . . . . . . : 10.42.1.10\r\n' : 'iis apppool\\defaultapppool\r\n'}</pre>`);
  if (p === '/win/form.aspx') return [500, { 'Content-Type': 'text/html' }, "<html><head><title>Validation of viewstate MAC failed. If this application is hosted by a Web Farm or cluster, ensure that &lt;machineKey&gt; configuration specifies the same validationKey</title></head></html>"];
  if (p === '/java/invoke') return [500, { 'Content-Type': 'text/html' }, '<pre>java.lang.ClassCastException: java.util.HashSet cannot be cast to org.jboss.invocation.MarshalledInvocation\n\tat org.jboss.invocation.http.servlet.InvokerServlet.processRequest</pre>'];
  if (p === '/proxy') return json(METADATA);
  if (p.startsWith('/latest/meta-data')) return text('ami-id\nhostname\niam/\ninstance-id\nlocal-ipv4\n');
  if (p === '/legacy/go') {
    const [first, ...rest] = (url.searchParams.get('url') ?? '/').split('\r\n');
    const extra = {};
    for (const line of rest) if (line.includes(': ')) extra[line.split(': ')[0]] = line.split(': ')[1];
    const after = rest.indexOf('');
    return [302, { Location: first, ...extra }, after >= 0 ? rest.slice(after + 1).join('\r\n') : ''];
  }
  if (p === '/nosql/login') return /\$ne|\$regex|\$gt/.test(decodeURIComponent(request.url) + body) ? json({ code: 0, token: 'eyJhbGciOiJIUzI1NiJ9.e30.x', user: 'admin' }) : json({ code: 1, message: '密码错误' }, 401);
  if (p === '/cgi-bin/status') return text('uid=33(www-data) gid=33(www-data) groups=33(www-data)\n');
  if (p === '/manager/html' || p === '/host-manager/html') {
    if (['tomcat:tomcat', 'admin:admin'].includes(basic(request))) return html('<html><head><title>/manager</title></head><body><h1>Tomcat Web Application Manager</h1></body></html>');
    return [401, { 'WWW-Authenticate': 'Basic realm="Tomcat Manager Application"' }, '<html><body><h1>401 Unauthorized</h1></body></html>'];
  }
  if (p === '/druid/submitLogin') return text('success', { 'Set-Cookie': 'JSESSIONID=1A2B' });
  if (p === '/druid/index.html') return html('<!doctype html><html><head><title>Druid Stat Index</title></head><body></body></html>');
  if (p === '/console/j_security_check') return [302, { Location: '/console/index.jsp', 'Set-Cookie': 'ADMINCONSOLESESSION=x1' }, ''];
  if (p === '/phpmyadmin/index.php' && request.method === 'POST') return [302, { Location: '/phpmyadmin/index.php?token=1', 'Set-Cookie': ['pmaUser-1=abc', 'pmaAuth-1=def'] }, ''];
  if (p === '/actuator') return actuator(['env', 'heapdump', 'jolokia', 'mappings']);
  if (p === '/actuator/env' || p === '/env') return json({ activeProfiles: [], propertySources: [{ name: 'systemProperties', properties: { 'java.runtime.name': { value: 'OpenJDK' }, 'spring.datasource.password': { value: '******' } } }] });
  if (p === '/actuator/health') return json({ status: 'UP' });
  if (p === '/actuator/heapdump' || p === '/heapdump') return [200, { 'Content-Type': 'application/octet-stream' }, Buffer.concat([Buffer.from('JAVA PROFILE 1.0.2\0'), Buffer.alloc(300, 1)])];
  if (p === '/jolokia/list') return json({ request: { type: 'list' }, value: { 'java.lang': {} }, status: 200, agent: '1.6.0' });
  if (p === '/server-status') return html('<html><head><title>Apache Status</title></head><body><h1>Apache Server Status for 10.42.1.10</h1><dl><dt>Server Version: Apache/2.4.38</dt></dl></body></html>');
  if (p === '/swagger-ui.html') return html('<!DOCTYPE html><html><head><title>Swagger UI</title></head><body><div id="swagger-ui"></div></body></html>');
  if (p === '/v2/api-docs') return json({ swagger: '2.0', info: { title: 'Shop API' }, paths: { '/user/login': {} } });
  if (p === '/man/id.html') return html('<html><body><h1>id(1)</h1><pre>$ id\nuid=1000(user) gid=1000(user) groups=1000(user)</pre><p>/etc/passwd: root:x:0:0:root:/root:/bin/bash</p></body></html>');
  if (p === '/man/mysql-errors.html') return html('<html><body><p>ERROR 1064: You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version. XPATH syntax error. ORA-00933</p></body></html>');
  if (p === '/man/php.html') return html('<html><body><h1>phpinfo</h1><p>phpinfo() shows the PHP Version and more; [core] repositoryformatversion = 0; DB_PASSWORD=...</p></body></html>');
  if (p === '/api/login') return json({ code: 1, message: '用户名或密码错误' }, 401);
  return notFound();
}
