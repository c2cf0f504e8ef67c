// `npm test`: installs, builds, checks, runs every test and ends with "N passed, N failed, N skipped".
// Arguments are passed on to tap as file names (of the compiled tests below dist/).
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { check } from './check.mjs';
import { prepare, root } from './prepare.mjs';

/** Real servers and tools that the tests run against: command → Debian package. */
const tools = {
  'nats-server': 'nats-server', influxd: 'influxdb', chromium: 'chromium', tcpdump: 'tcpdump', ip: 'iproute2', curl: 'curl',
  nmap: 'nmap', rsyslogd: 'rsyslog', aiosmtpd: 'python3-aiosmtpd', '/usr/lib/postgresql/15/bin/postgres': 'postgresql', 'fc-list': 'fontconfig',
};

function missingTools() {
  const has = (name) => spawnSync('sh', ['-c', 'command -v "$1"', 'sh', name], { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } }).status === 0;
  const missing = Object.entries(tools).filter(([name]) => !has(name)).map(([, pkg]) => pkg);
  if (spawnSync('sh', ['-c', 'fc-list :lang=zh 2>/dev/null | grep -q .']).status !== 0) missing.push('fonts-noto-cjk');
  return missing;
}

function installTools() {
  let missing = missingTools();
  if (missing.length === 0) return;
  const root = process.getuid?.() === 0;
  const sudo = !root && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
  if (root || sudo) {
    console.error(`Installing Debian packages for the tests: ${missing.join(' ')} …`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const apt = (...args) => spawnSync(sudo ? 'sudo' : 'apt-get', [...(sudo ? ['-n', 'apt-get'] : []), ...args], { env, stdio: ['ignore', 'ignore', 2] });
    apt('update', '-qq');
    apt('install', '-y', '-qq', '--no-install-recommends', ...missing);
    missing = missingTools();
  }
  if (missing.length > 0) {
    console.error(`SW_TEST_TOOLS: without ${missing.join(', ')} the tests that need them are skipped. To run them too: sudo apt-get install ${missing.join(' ')}`);
  }
}

function compiledTests(dir) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((e) => {
    const path = join(dir, e.name);
    return e.isDirectory() ? compiledTests(path) : e.name.endsWith('.test.js') ? [path] : [];
  });
}

/** Counts assertions over all files and says of each failed one where it stands. */
async function count(stream) {
  const { Parser } = await import('tap-parser');
  const total = { pass: 0, fail: 0, skip: 0 };
  const watch = (parser, path) => {
    let pending;
    parser.on('child', (child) => {
      const before = total.fail;
      pending = { failedInside: () => total.fail > before };
      watch(child, [...path, child.name]);
    });
    parser.on('assert', (a) => {
      const own = pending !== undefined;
      const failedInside = pending?.failedInside() ?? false;
      pending = undefined;
      if (own && (a.ok || a.skip)) return; // counted by its own assertions
      if (a.skip) { total.skip++; console.error(`skipped: ${[...path, a.name].filter(Boolean).join(' › ')}${typeof a.skip === 'string' ? ` (${a.skip})` : ''}`); }
      else if (a.ok || a.todo) total.pass++;
      else if (!failedInside) {
        total.fail++;
        console.error(`FAILED: ${[...path, a.name].filter(Boolean).join(' › ')}`);
        if (a.diag) console.error(JSON.stringify(a.diag, undefined, 1).slice(0, 2000));
      }
    });
    parser.on('bailout', (why) => { total.fail++; console.error(`FAILED: bail out: ${why}`); });
  };
  const parser = new Parser();
  watch(parser, []);
  stream.pipe(parser);
  const results = await new Promise((resolve) => parser.on('complete', resolve));
  if (!results.ok && total.fail === 0) total.fail = 1;
  return total;
}

await prepare();
installTools();
const broken = check();
const only = process.argv.slice(2).filter((a) => !a.startsWith('-'));
const files = only.length > 0 ? only : compiledTests(join(root, 'dist')).sort();
const tap = spawn(process.execPath, ['node_modules/tap/dist/esm/run.mjs', 'run', '--reporter=tap', '--disable-coverage', '--allow-empty-coverage',
  '--jobs=2', '--timeout=300', ...files], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_ENV: 'test' } });
const total = await count(tap.stdout);
const failed = total.fail + broken.length;
console.log(`${total.pass + (3 - broken.length)} passed, ${failed} failed, ${total.skip} skipped`);
process.exitCode = failed === 0 ? 0 : 1;
