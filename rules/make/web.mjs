/**
 * Makes the HTTP captures of the rules: `node rules/make/web.mjs [part of a file name …]` as root. Each scenario starts
 * a stand-in server that answers as the product does (vulnerable, patched, or innocent) and curl sends the requests.
 */
import { createServer } from 'node:http';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Rig } from './rig.mjs';
import java from './web-java.mjs';
import php from './web-php.mjs';
import office from './web-office.mjs';
import shells from './web-shells.mjs';
import middleware from './web-middleware.mjs';
import products from './web-products.mjs';
import suites from './web-suites.mjs';
import implants from './web-implants.mjs';
import interfaces from './web-interfaces.mjs';
import published from './web-published.mjs';
import collections from './web-collections.mjs';

const here = fileURLToPath(import.meta.url);
const rules = join(dirname(here), '..');
const BROWSER = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/76.0.3809.132 Safari/537.36';
/**
 * Each: `file` below rules/, `port`, `answer(request, body)` → [status, headers, body], `requests`: lists of curl
 * arguments after the URL's path (bytes are passed as a file), `client` and `server` where the addresses differ.
 */
const scenarios = [...java, ...php, ...office, ...shells, ...middleware, ...products, ...suites, ...implants, ...interfaces, ...published, ...collections];

const [first, ...rest] = process.argv.slice(2);
if (first === '--serve') serve(scenarios.find((s) => s.file === rest[0]));
else await record(process.argv.slice(2));

function serve(scenario) {
  createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const [status, headers, body] = scenario.answer(request, Buffer.concat(chunks).toString('latin1'));
      response.writeHead(status, headers);
      response.end(body);
    });
  }).listen(scenario.port ?? 80);
}

async function record(wanted) {
  const rig = new Rig();
  const bytes = join(mkdtempSync(join(tmpdir(), 'rules-')), 'body');
  try {
    rig.open(['203.0.113.66', '10.42.3.57'], ['10.42.1.10', '198.51.100.23']);
    for (const scenario of scenarios) {
      if (wanted.length > 0 && !wanted.some((w) => scenario.file.includes(w))) continue;
      const server = rig.victim(process.execPath, here, '--serve', scenario.file);
      await listening(rig, scenario.port ?? 80);
      const address = scenario.server ?? '10.42.1.10';
      await rig.capture(join(rules, scenario.file), async () => {
        for (const [path, ...given] of scenario.requests) {
          const args = given.map((a) => (Buffer.isBuffer(a) ? (writeFileSync(bytes, a), `@${bytes}`) : a));
          const { code, output } = await rig.attack('curl', '-sS', '-o', '/dev/null', '-m', '10', '-w', '%{http_code}', '--path-as-is', '-g',
            '--interface', scenario.client ?? '203.0.113.66', '-A', BROWSER, ...args, `http://${address}:${scenario.port ?? 80}${path}`);
          process.stdout.write(`${scenario.file} ${path.slice(0, 60)} ${code === 0 ? output : `curl ${code}: ${output}`}\n`);
        }
      });
      const gone = new Promise((resolve) => server.once('exit', resolve));
      server.kill();
      await gone;
    }
  } finally {
    rig.close();
  }
}


async function listening(rig, port) {
  for (let i = 0; i < 100; i++) {
    const { output } = await rig.fromVictim('ss', '-Hltn', `sport = :${port}`);
    if (output.trim() !== '') return;
    await sleep(50);
  }
  throw new Error(`nothing listens on ${port}`);
}
