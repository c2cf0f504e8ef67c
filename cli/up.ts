import type { Command } from 'commander';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Value } from '@sinclair/typebox/value';
import { AnalyzerConfig } from '../analyzer/config.js';
import { Analyzer } from '../analyzer/serve/service.js';
import { Collector } from '../collector/collector.js';
import { CollectorConfig } from '../collector/config.js';
import { replay } from '../collector/replay.js';
import { streams, subjects } from '../contracts/subjects.js';
import { createEmbeddedBus } from '../runtime/bus/embedded.js';
import { serveLocalBus } from '../runtime/bus/local.js';
import { parseConfig } from '../runtime/config.js';
import { coded } from '../runtime/errors.js';
import { systemClock, type Service } from '../runtime/lifecycle.js';
import { createLog, type Log } from '../runtime/log.js';
import { openMetrics } from '../runtime/metrics/open.js';
import { runServices } from '../runtime/process.js';
import { loadRegistry, RegistryIndex } from '../runtime/registry.js';
import { dataFolder, socketPath } from './appliance.js';
import { followIndicators, loadIndicators } from './indicators.js';
import { repeated } from './options.js';
import { CACHE, PACK, rulePaths, UI_FOLDER } from './pack.js';
import { version } from './version.js';

const SAMPLE_REGISTRY = fileURLToPath(new URL('../../deploy/registry.sample.yaml', import.meta.url));
const DEMO = fileURLToPath(new URL('../../deploy/demo/demo.pcap', import.meta.url));
const FIRST_PORT = 8080;
const PORTS_TRIED = 20;
/** The whole demonstration is told in this many seconds. */
const DEMO_SECONDS = 15;

const errors = {
  port: coded('SW_UP_PORT', (port: number) => `Port ${port} is in use.`, 'Choose another with --port, or leave it out to take the next free one.'),
  data: coded('SW_UP_DATA', (path: string, why: string) => `The data folder ${path} cannot be made (${why}).`, 'Name another with --data or SW_DATA.'),
};

interface Options { host: string; port?: string; data?: string; demo: boolean; interface: string[]; filter?: string; rules: string[]; registry?: string; indicators: string[] }

function free(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}

async function choosePort(host: string, named: string | undefined): Promise<number> {
  if (named !== undefined) {
    const port = Number(named);
    if (port !== 0 && !(await free(host, port))) throw errors.port(port);
    return port;
  }
  for (let port = FIRST_PORT; port < FIRST_PORT + PORTS_TRIED; port++) if (await free(host, port)) return port;
  return 0;
}

async function up(options: Options): Promise<void> {
  const data = dataFolder(options.data);
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw errors.data(data, (error as NodeJS.ErrnoException).code ?? String(error));
  }
  const log = createLog({ level: (process.env['SW_LOG_LEVEL'] as 'info' | undefined) ?? 'warn' });
  const bus = createEmbeddedBus({ dir: join(data, 'bus'), onError: (error, subject) => log.error('bus', { error, subject }) });
  const metrics = await openMetrics({ url: 'embedded:', dir: data }, { onError: (error) => log.warn('metrics', { error }) });
  const registryPath = options.registry ?? (existsSync(SAMPLE_REGISTRY) ? SAMPLE_REGISTRY : undefined);
  const registry = registryPath ? new RegistryIndex(loadRegistry(registryPath)) : undefined;
  const lists = options.indicators;
  const indicators = lists.length > 0 ? { store: loadIndicators(lists, (line) => log.warn(line)) } : undefined;
  if (indicators) followIndicators(lists, indicators, log);
  const analyzer = new Analyzer({
    ...(indicators ? { indicators } : {}),
    bus, metrics, log, clock: systemClock, version: version(), rulePaths: rulePaths(options.rules), cache: CACHE,
    config: Value.Default(AnalyzerConfig, { rules: options.rules.length > 0 ? options.rules : ['default'] }) as AnalyzerConfig,
    ...(registry ? { lookup: (ip) => registry.lookup(ip) } : {}),
    onFatal: (error) => {
      log.error('the analyzer died', { error });
      process.exit(1);
    },
  });
  void analyzer.warm();
  const port = await choosePort(options.host, options.port);
  // Loaded while the workers load their rules.
  const { createConsole } = await import('../console/server/console.js');
  const app = await createConsole({
    bus, metrics, log, clock: systemClock,
    config: {
      listen: { host: options.host, port }, dataDir: join(data, 'console'), ui: UI_FOLDER, rulesDir: PACK,
      ...(registryPath ? { registry: registryPath } : {}),
    },
  });
  let local: { close(): Promise<void> } | undefined;
  const gateway: Service = {
    name: 'local bus',
    start: async () => {
      mkdirSync(join(data, 'run'), { recursive: true, mode: 0o700 });
      await bus.ensureStream({ name: streams.packets(0), subjects: [subjects.packetsOf(0)], retention: 'work', maxBytes: 512 << 20, dedupWindowMs: 120_000, storage: 'file' });
      local = await serveLocalBus(bus, socketPath(data));
    },
    stop: async () => local?.close(),
  };
  const outer: Service = {
    name: 'bus and metrics', start: async () => {}, stop: async () => {
      await metrics.flush();
      await metrics.close();
      await bus.close();
    },
  };
  const services: Service[] = [outer, gateway, app, analyzer];
  if (options.interface.length > 0) services.push(liveCollector(options, bus, data, log));
  const stop = new AbortController();
  services.push({ name: 'demonstration', start: async () => {}, stop: async () => stop.abort() });
  await runServices(services, log);
  process.stdout.write(`Shouwang is ready / 守望已就绪: ${app.address}\n`);
  if (app.setupCode) process.stdout.write(`Set-up code for the first administrator, valid once / 首位管理员一次性设置码: ${app.setupCode}\n`);
  if (options.interface.length === 0) {
    process.stdout.write('No interface is watched. To watch one: npm start -- -i eth0 (needs CAP_NET_RAW); or feed a capture: npx shouwang replay FILE.pcap\n');
  }
  if (options.demo) await demonstrate(bus, data, stop.signal, log);
}

function liveCollector(options: Options, bus: ReturnType<typeof createEmbeddedBus>, data: string, log: Log): Service {
  const config = parseConfig(JSON.stringify({
    node: 'local', unit: 'local', sources: options.interface.map((name) => ({ kind: 'live', interface: name })), ...(options.filter ? { bpf: options.filter } : {}),
  }), 'command line', CollectorConfig);
  return new Collector(config, {
    bus, version: version(), spoolFolder: join(data, 'spool'),
    // The rest of the appliance goes on without this source.
    onSourceError: (source, error) => log.error('a source failed', { source, error }),
  });
}

/** Feeds the bundled capture once per data folder through the collector's path. */
async function demonstrate(bus: ReturnType<typeof createEmbeddedBus>, data: string, signal: AbortSignal, log: Log): Promise<void> {
  const done = join(data, 'demo-shown');
  if (existsSync(done) || !existsSync(DEMO)) return;
  writeFileSync(done, new Date().toISOString());
  try {
    const { speedFor } = await import('./demo-speed.js');
    const speed = await speedFor(DEMO, DEMO_SECONDS);
    const ageMs = (speed - 1) * DEMO_SECONDS * 1000;
    await replay(DEMO, bus, { node: 'demo-gateway', unit: 'wuhan', speed, timestamps: 'now', ageMs, demo: true, signal });
    process.stdout.write('A small staged attack was replayed as a demonstration; the console clears it with one click (--no-demo leaves it out).\n');
  } catch (error) {
    if (!signal.aborted) log.warn('the demonstration could not be replayed', { error });
  }
}

export function register(command: Command): void {
  command
    .option('--host <address>', 'address the console listens on', '127.0.0.1')
    .option('--port <n>', 'port of the console; default: the first free one from 8080 on')
    .option('--data <folder>', 'where everything is kept; default: $SW_DATA or data/ in the checkout')
    .option('-i, --interface <name>', 'watch an interface, again for more (needs CAP_NET_RAW)', repeated, [])
    .option('-f, --filter <bpf>', 'capture filter (pcap-filter)')
    .option('--rules <path>', 'rule file or folder, again for more; "default" names the shipped pack', repeated, [])
    .option('--registry <file>', 'assets registry (YAML or CSV); default: a sample organisation')
    .option('--indicators <path>', 'indicator list (CSV, STIX 2.1, MISP), again for more', repeated, [])
    .option('--no-demo', 'do not replay the bundled demonstration')
    .addHelpText('after', '\nExamples:\n  npm start\n  npm start -- -i eth0 --no-demo\n  npx shouwang up --data /var/lib/shouwang --port 9000')
    .action(up);
}
