// `npm test`: installs, builds, checks, runs every test and ends with "N passed, N failed, N skipped".
// Arguments are files to run alone (compiled tests below dist/).
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { check } from './check.mjs';
import { prepare, root } from './prepare.mjs';

/** Real servers and tools that the tests run against: command → Debian package. */
const tools = {
  'nats-server': 'nats-server', influxd: 'influxdb', tcpdump: 'tcpdump', ip: 'iproute2', curl: 'curl',
  nmap: 'nmap', rsyslogd: 'rsyslog', aiosmtpd: 'python3-aiosmtpd', '/usr/lib/postgresql/15/bin/postgres': 'postgresql', 'fc-list': 'fontconfig',
};

/** Any of these, the first where it can be had: the engine without windows of its own takes three quarters of the time. */
const browsers = ['chromium-headless-shell', 'chromium'];

const has = (name) => spawnSync('sh', ['-c', 'command -v "$1"', 'sh', name], { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } }).status === 0;

function missingTools() {
  const missing = Object.entries(tools).filter(([name]) => !has(name)).map(([, pkg]) => pkg);
  if (!browsers.some(has)) missing.push('chromium');
  if (spawnSync('sh', ['-c', 'fc-list :lang=zh 2>/dev/null | grep -q .']).status !== 0) missing.push('fonts-noto-cjk');
  return missing;
}

/** Installs what the tests run against, as far as this user may. */
async function installTools() {
  let missing = missingTools();
  const root = process.getuid?.() === 0;
  const sudo = !root && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
  if ((missing.length > 0 || !has(browsers[0])) && (root || sudo)) {
    console.error(`Installing Debian packages for the tests: ${[...missing, browsers[0]].join(' ')} …`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const apt = async (...args) => {
      const child = spawn(sudo ? 'sudo' : 'apt-get', [...(sudo ? ['-n', 'apt-get'] : []), ...args], { env, stdio: ['ignore', 'ignore', 2] });
      await once(child, 'exit').catch(() => undefined); // no apt-get here
    };
    const install = (...packages) => apt('install', '-y', '-qq', '--no-install-recommends', ...packages);
    await apt('update', '-qq');
    if (!has(browsers[0])) await install(browsers[0]);
    missing = missingTools();
    if (missing.length > 0) await install(...missing);
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

/** How long one file may take. */
const FILE_SECONDS = 600;
/** The longest first (beside browsers), so that no core waits for one of them in the end. */
const LONG = ['cli/rules', 'cli/', 'analyzer/evasion/', 'console/'];
const rank = (file) => (LONG.findIndex((part) => file.includes(part)) + LONG.length + 1) % (LONG.length + 1);

/** Runs one file and counts its assertions; says of each failed one where it stands. */
async function runFile(file) {
  const total = { pass: 0, fail: 0, skip: 0 };
  const name = relative(join(root, 'dist'), file).replace(/\.test\.js$/, '');
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
  watch(parser, [name]);
  const started = performance.now();
  const child = spawn(process.execPath, ['--enable-source-maps', file], {
    cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_ENV: 'test', TAP: '1', TAP_TIMEOUT: String(FILE_SECONDS) },
  });
  // The file ends itself and says which test it was; this is for one that no longer can.
  const timer = setTimeout(() => child.kill('SIGKILL'), (FILE_SECONDS + 30) * 1000);
  child.stdout.pipe(parser);
  const [results, [code, signal]] = await Promise.all([once(parser, 'complete').then(([r]) => r), once(child, 'exit')]);
  clearTimeout(timer);
  if ((!results.ok || code !== 0) && total.fail === 0) {
    total.fail = 1;
    console.error(`FAILED: ${name} ended with ${signal ?? code}`);
  }
  console.error(`${total.fail === 0 ? 'ok' : 'not ok'}: ${name} (${total.pass} assertions, ${((performance.now() - started) / 1000).toFixed(1)} s)`);
  return total;
}

/** Runs files, two to four at a time. A process each, without the loader that `tap run` brings for TypeScript: it costs more than most files. */
async function runFiles(files) {
  const total = { pass: 0, fail: 0, skip: 0 };
  const browsers = files.filter((file) => file.includes('cli/browser/'));
  const others = files.filter((file) => !browsers.includes(file)).sort((a, b) => rank(a) - rank(b));
  await Promise.all(Array.from({ length: Math.min(4, Math.max(2, availableParallelism())) }, async (_, i) => {
    // A browser and its appliance fill a core by themselves: one of them at a time, as long as there is something else.
    const next = () => (i === 0 ? browsers.shift() ?? others.shift() : others.shift() ?? browsers.shift());
    for (let file = next(); file; file = next()) {
      const one = await runFile(file);
      for (const key of Object.keys(total)) total[key] += one[key];
    }
  }));
  return total;
}

await Promise.all([prepare(), installTools()]);
const checked = check();
const { Parser } = await import('tap-parser');
const only = process.argv.slice(2).filter((a) => !a.startsWith('-'));
const total = await runFiles(only.length > 0 ? only.map((file) => resolve(file)) : compiledTests(join(root, 'dist')).sort());
const broken = await checked;
const failed = total.fail + broken.length;
console.log(`${total.pass + (3 - broken.length)} passed, ${failed} failed, ${total.skip} skipped`);
process.exitCode = failed === 0 ? 0 : 1;
