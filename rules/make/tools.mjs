/**
 * Makes the captures of the behaviours: `node rules/make/tools.mjs [part of a file name …]` as root. Real nmap, hydra,
 * curl and ssh against real sshd, vsftpd and web servers in network namespaces.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Rig } from './rig.mjs';

const here = fileURLToPath(import.meta.url);
const rules = join(dirname(here), '..');
const wanted = process.argv.slice(2);
const work = mkdtempSync(join(tmpdir(), 'sw-make-'));
const victims = Array.from({ length: 40 }, (_, i) => `10.42.1.${10 + i}`);
const rig = new Rig();

async function make(file, body, filter = 'not arp', snap = 0) {
  if (wanted.length > 0 && !wanted.some((w) => file.includes(w))) return;
  await rig.capture(join(rules, file), async () => {
    const { code, output } = (await body()) ?? {};
    process.stdout.write(`${file}: ${code ?? 0}\n${String(output ?? '').split('\n').slice(-6).join('\n')}\n`);
  }, filter, snap);
}
const nmap = (...args) => rig.attack('nmap', '-n', '-Pn', '-e', 'eth0', ...args);

try {
  rig.open(['203.0.113.66', '10.42.3.57'], victims);
  // Something to find: a web server on two ports of the first host, sshd, vsftpd.
  const web = "const h=require('http');for(const p of [80,8080])h.createServer((q,r)=>r.end('<html><title>home</title>'+'x'.repeat(900)+'</html>')).listen(p)";
  rig.victim(process.execPath, '-e', web);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(work, 'key')]);
  execFileSync('mkdir', ['-p', '/run/sshd']);
  writeFileSync(join(work, 'sshd'), `Port 22\nListenAddress 10.42.1.10\nHostKey ${join(work, 'key')}\nPidFile none\nUsePAM no\nMaxStartups 100\nPasswordAuthentication yes\nUseDNS no\n`);
  rig.victim('/usr/sbin/sshd', '-D', '-f', join(work, 'sshd'));
  // A throw-away account whose password the last try guesses.
  spawnSync('useradd', ['-M', '-d', '/var/tmp', '-s', '/bin/bash', '-p', execFileSync('openssl', ['passwd', '-6', 'Passw0rd!2019']).toString().trim(), 'swmake']);
  writeFileSync(join(work, 'ftpd'), 'listen=YES\nlisten_address=10.42.1.10\nlocal_enable=YES\nanonymous_enable=NO\nseccomp_sandbox=NO\nuse_localtime=YES\nbackground=NO\npam_service_name=login\nmax_login_fails=3\nfile_open_mode=0600\n');
  rig.victim('/usr/sbin/vsftpd', join(work, 'ftpd'));
  await sleep(800);

  const scan = 'behaviour/port-scan/';
  await make(`${scan}nmap-syn.pcap`, () => nmap('-sS', '-T4', '--top-ports', '200', '10.42.1.10'));
  await make(`${scan}nmap-connect.pcap`, () => nmap('-sT', '-T4', '-S', '203.0.113.66', '--top-ports', '100', '10.42.1.10'));
  await make(`${scan}nmap-udp.pcap`, () => nmap('-sU', '-T4', '--max-retries', '1', '--min-rate', '200', '--top-ports', '100', '10.42.1.10'));
  await make('behaviour/host-sweep/nmap-sweep-445.pcap', () => nmap('-sS', '-T4', '-p', '445', '10.42.1.0/25'));
  await make('behaviour/host-sweep/nmap-ping.pcap', () => rig.attack('nmap', '-n', '-sn', '-PE', '-T4', '-e', 'eth0', '10.42.1.0/24'));
  for (const [name, flag] of [['fin', '-sF'], ['null', '-sN'], ['xmas', '-sX']]) {
    await make(`behaviour/stealth-scan/nmap-${name}.pcap`, () => nmap(flag, '-T4', '--top-ports', '60', '10.42.1.10'));
  }

  // A browser: 80 connections to 30 hosts within seconds, two of them down.
  const browse = async () => {
    const urls = Array.from({ length: 80 }, (_, i) => `http://${victims[i % 30]}:${i % 7 === 0 ? 8080 : 80}/a${i}`);
    urls.push('http://10.42.1.200/', 'http://10.42.1.201/');
    return rig.attack('curl', '-sS', '-Z', '--parallel-max', '6', '--interface', '10.42.3.57', '-m', '3', '-o', '/dev/null', ...urls.flatMap((u, i) => (i ? ['-o', '/dev/null', u] : [u])));
  };
  await make(`${scan}miss-browser.pcap`, browse, 'not arp', 160);
  await make('behaviour/host-sweep/miss-browser.pcap', browse, 'not arp', 160);
  await make('behaviour/stealth-scan/miss-closing.pcap', () => rig.attack('curl', '-sS', '--interface', '10.42.3.57', '-m', '3', ...Array.from({ length: 12 }, (_, i) => `http://${victims[i]}/`)));

  writeFileSync(join(work, 'words'), [...Array.from({ length: 23 }, (_, i) => `guess${i}`), 'Passw0rd!2019'].join('\n'));
  writeFileSync(join(work, 'wrong'), Array.from({ length: 24 }, (_, i) => `guess${i}`).join('\n'));
  writeFileSync(join(work, 'few'), ['guess1', 'guess2'].join('\n'));
  writeFileSync(join(work, 'users'), Array.from({ length: 14 }, (_, i) => `user${i}`).join('\n'));
  const hydra = (...args) => rig.attack('hydra', '-I', '-f', ...args);
  const brute = 'behaviour/brute-force/';
  await make(`${brute}hydra-ftp.pcap`, () => hydra('-t', '4', '-l', 'swmake', '-P', join(work, 'wrong'), 'ftp://10.42.1.10'), 'port 21');
  await make(`${brute}hydra-ftp-success.pcap`, () => hydra('-t', '4', '-l', 'swmake', '-P', join(work, 'words'), 'ftp://10.42.1.10'), 'port 21');
  await make(`${brute}miss-ftp-mistyped.pcap`, async () => {
    for (const p of ['wrong1', 'wrong2', 'Passw0rd!2019']) await rig.attack('curl', '-sS', '--interface', '10.42.3.57', '-u', `swmake:${p}`, '-m', '8', '-Q', 'PWD', 'ftp://10.42.1.10/', '-I');
    return {};
  }, 'port 21');
  await make('behaviour/password-spray/hydra-ftp-spray.pcap', () => hydra('-t', '4', '-L', join(work, 'users'), '-P', join(work, 'few'), '-u', 'ftp://10.42.1.10'), 'port 21');
  await make('behaviour/password-spray/miss-one-account.pcap', () => hydra('-t', '4', '-l', 'swmake', '-P', join(work, 'wrong'), 'ftp://10.42.1.10'), 'port 21');
  await make('behaviour/login-rate/miss-ssh-few.pcap', async () => {
    const common = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=5', '-b', '10.42.3.57'];
    for (let i = 0; i < 4; i++) await rig.attack('ssh', ...common, 'nobody1@10.42.1.10', 'true');
    return {};
  }, 'port 22', 160);
} finally {
  rig.close();
  spawnSync('userdel', ['swmake']);
  rmSync(work, { recursive: true, force: true });
}
