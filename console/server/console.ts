import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Bus, Subscription } from '../../runtime/bus/bus.js';
import type { Clock, Service } from '../../runtime/lifecycle.js';
import type { Log } from '../../runtime/log.js';
import type { MetricsStore } from '../../runtime/metrics/metrics.js';
import { subjects } from '../../contracts/subjects.js';
import { HeartbeatSender } from '../../runtime/health.js';
import { loadRegistry } from '../../runtime/registry.js';
import { followLeft } from './aftermath.js';
import { buildApp } from './app.js';
import { issueSetupCode } from './auth/setup-code.js';
import { settle, type ConsoleConfig } from './config.js';
import { Context } from './context.js';
import { watchDeadlines } from './deadline-watch.js';
import { cannotListen, exposedWithoutTls } from './errors.js';
import { SigningKey } from './evidence/signing.js';
import { HashedFiles } from './files.js';
import { Ingest } from './ingest/ingest.js';
import { Outbound } from './outbound/outbound.js';
import { closeQuiet } from './remediation.js';
import { runSchedules } from './reports/scheduler.js';
import { nightlyRetention } from './routes/upkeep.js';
import { openStore } from './store/store.js';

export interface ConsoleDeps { bus: Bus; metrics: MetricsStore; config: ConsoleConfig; log: Log; clock: Clock }
export interface Console extends Service {
  /** Where a browser finds it; known after `start`. */
  readonly address: string;
  /** For the first administrator, once; absent when there is one. Print it, do not log it. */
  readonly setupCode?: string;
  /** The web application, for tests that need no socket. */
  readonly app: FastifyInstance;
  readonly context: Context;
}

const SWEEP_MS = 60_000;

function packageVersion(): string {
  for (const up of ['../..', '../../..']) {
    try {
      return (JSON.parse(readFileSync(new URL(`${up}/package.json`, import.meta.url), 'utf8')) as { version: string }).version;
    } catch { /* one level further up: the compiled form lies deeper */ }
  }
  return '0.0.0';
}

/**
 * The console: store, ingest, web server. Opens (and migrates) the store; `start` begins to take alerts and listens.
 * Throws SW_CONSOLE_NO_TLS, SW_CONSOLE_STORE, SW_CONSOLE_STORE_NEWER, SW_CONSOLE_ROUTE_OPEN; `start` SW_CONSOLE_LISTEN.
 */
export async function createConsole(deps: ConsoleDeps): Promise<Console> {
  const { bus, metrics, clock } = deps;
  const log = deps.log.child({ part: 'console' });
  const config = settle(deps.config);
  if (!config.loopback && !config.tls && !config.behindProxy) throw exposedWithoutTls(config.host);
  const version = packageVersion();
  const store = await openStore(config.dataDir, config.database);
  const context = new Context(config, store, bus, metrics, log, clock, new HashedFiles(join(config.dataDir, 'files')), new SigningKey(config.dataDir), version);
  const outbound = new Outbound(context);
  context.outbound = outbound;
  const ingest = new Ingest(context);
  context.counters = () => ({ ...ingest.counters, listeners: context.live.count });

  let app: FastifyInstance;
  let setupCode: string | undefined;
  try {
    let registry = await store.registry.current();
    if (!registry && config.registry) {
      const loaded = loadRegistry(config.registry);
      await store.together(async (s) => {
        if (await s.registry.put(loaded, 0, clock.now(), null) !== undefined) await s.audit.append({ at: clock.now(), actor: null, address: null, action: 'registry', object: null, outcome: 'done', details: { units: loaded.units.length, systems: loaded.systems.length } });
      });
      registry = await store.registry.current();
    }
    if (registry) context.useRegistry(registry.registry, registry.version);
    await context.loadSettings();
    await context.loadSuppressions();
    context.demo = await store.demo.present();
    setupCode = await store.people.anybody() ? undefined : await issueSetupCode(store.people);
    app = await buildApp(context);
  } catch (error) {
    await store.close();
    throw error;
  }
  const heartbeat = new HeartbeatSender(bus, { role: 'console', id: 'console', version }, () => ({ counters: context.counters(), gauges: {} }));

  let address = '';
  let registryAnswers: Subscription | undefined;
  let sweep: NodeJS.Timeout | undefined;
  let sweeping: Promise<unknown> = Promise.resolve();
  let stopping: Promise<void> | undefined;
  const tidy = (): void => {
    sweeping = Promise.all([followLeft(context), closeQuiet(context), watchDeadlines(context), context.endSuppressions(), store.notices.dropOld(clock.now()), store.channels.tidy(), runSchedules(context), nightlyRetention(context), store.people.dropStale(clock.now(), config.idleMs)])
      .catch((error: unknown) => log.warn('the sweep of ended windows and sessions failed', { error }));
  };
  return {
    name: 'console',
    get address() { return address; },
    get setupCode() { return setupCode; },
    app,
    context,
    async start() {
      await ingest.start();
      // Analyzers that start later ask; those that run hear of it now.
      await outbound.load();
      outbound.start();
      registryAnswers = await bus.respond(subjects.registryWanted, () => context.registryBytes());
      await context.announceRegistry();
      const left = await followLeft(context, true);
      if (left > 0) log.info('what a stop had left undone after steps of tickets is done', { steps: left });
      for (const id of await store.suppressions.unfinished()) await context.showAgain(id);
      try {
        await app.listen({ host: config.host, port: config.port });
      } catch (error) {
        throw cannotListen(config.host, config.port, (error as Error).message);
      }
      const bound = app.server.address() as { port: number };
      const host = config.host.includes(':') ? `[${config.host}]` : config.host;
      address = `${config.tls ? 'https' : 'http'}://${host}:${bound.port}`;
      await heartbeat.start();
      sweep = setInterval(tidy, SWEEP_MS);
      sweep.unref();
      log.info('the console listens', { address });
    },
    stop() {
      stopping ??= (async () => {
        clearInterval(sweep);
        await heartbeat.stop();
        await registryAnswers?.close();
        await outbound.stop();
        context.live.close();
        await app.close();
        await ingest.stop();
        await sweeping;
        await store.close();
      })();
      return stopping;
    },
  };
}
