/**
 * Makes the captures of protocols other than HTTP that have no real server here: `node rules/make/raw.mjs [part of a
 * file name …]` as root. Both sides say their turns of a scenario over real TCP (or UDP) between two namespaces.
 */
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Rig } from './rig.mjs';
import scenarios from './raw-scenarios.mjs';

const here = fileURLToPath(import.meta.url);
const rules = join(dirname(here), '..');
const [role, name] = process.argv.slice(2);
const address = (s) => s.server ?? '10.42.1.10';
const client = (s) => s.client ?? '203.0.113.66';
if (role === '--serve') serve(scenarios.find((s) => s.file === name));
else if (role === '--connect') play(scenarios.find((s) => s.file === name));
else await record(process.argv.slice(2));

/** Says the turns of one side (`c` or `s`), each once all the other side has to say before it is there. */
function speaker(turns, side, send, done) {
  let at = 0,
    heard = 0;
  const next = () => {
    for (; at < turns.length; at++) {
      const [who, bytes] = turns[at];
      if (who === side) send(bytes);
      else if (heard >= bytes.length) heard -= bytes.length;
      else return;
    }
    done();
  };
  return { next, hear: (n) => ((heard += n), next()) };
}

function serve(scenario) {
  if (scenario.udp) {
    const socket = createSocket('udp4').bind(scenario.port, address(scenario));
    let turns = [...scenario.turns];
    return void socket.on('message', (_m, from) => {
      turns = turns.slice(turns.findIndex(([who]) => who === 'c') + 1);
      if (turns[0]?.[0] === 's') socket.send(turns[0][1], from.port, from.address);
    });
  }
  createServer({ noDelay: true }, (socket) => {
    const s = speaker(scenario.turns, 's', (b) => socket.write(b), () => setTimeout(() => socket.end(), 60));
    socket.on('data', (d) => s.hear(d.length)).on('error', () => {});
    s.next();
  }).listen(scenario.port, address(scenario), () => process.stdout.write('listening\n'));
}

async function play(scenario) {
  if (scenario.udp) {
    const socket = createSocket('udp4').bind(0, client(scenario));
    for (const [who, bytes] of scenario.turns) {
      if (who === 'c') socket.send(bytes, scenario.port, address(scenario));
      else await Promise.race([new Promise((resolve) => socket.once('message', resolve)), sleep(1000)]);
    }
    return void setTimeout(() => socket.close(), 50);
  }
  const socket = connect({ host: address(scenario), port: scenario.port, localAddress: client(scenario), noDelay: true });
  // Segments apart, as a program's separate writes are.
  let queue = Promise.resolve();
  const s = speaker(scenario.turns, 'c', (b) => (queue = queue.then(() => socket.write(b)).then(() => sleep(5))), () => {});
  socket.on('connect', () => s.next()).on('data', (d) => s.hear(d.length)).on('end', () => socket.end()).on('error', (e) => process.stderr.write(`${e.message}\n`));
}

async function record(wanted) {
  const rig = new Rig();
  try {
    rig.open(['203.0.113.66', '10.42.3.57'], ['10.42.1.10', '198.51.100.23']);
    for (const scenario of scenarios) {
      if (wanted.length > 0 && !wanted.some((w) => scenario.file.includes(w))) continue;
      const server = rig.victim(process.execPath, here, '--serve', scenario.file);
      for (let i = 0; i < 100; i++) {
        const { output } = await rig.fromVictim('ss', scenario.udp ? '-Hlnu' : '-Hltn', `sport = :${scenario.port}`);
        if (output.trim() !== '') break;
        await sleep(50);
      }
      await rig.capture(join(rules, scenario.file), async () => {
        const { output } = await rig.attack('timeout', '6', process.execPath, here, '--connect', scenario.file);
        process.stdout.write(`${scenario.file} ${output.trim()}\n`);
      });
      const gone = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGKILL');
      await gone;
    }
  } finally {
    rig.close();
  }
}
