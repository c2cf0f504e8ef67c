import type { Log } from './log.js';
import type { Service } from './lifecycle.js';

/** How long an ordered stop may take; systemd's TimeoutStopSec in the units is longer. */
export const STOP_MS = 15_000;

/** What the life of a process needs of the process; handed in so that it can be tested. */
export interface Host {
  on(event: string, listener: (...args: any[]) => void): unknown;
  exit(code: number): void;
}

/**
 * Starts the services in order and stops them in reverse order at SIGINT or SIGTERM, within a time limit; a second
 * signal ends the process at once (128 + signal number). What nobody caught is logged and ends the process with 1.
 * Resolves when all have started; `finish()` stops them without a signal.
 */
export async function runServices(services: Service[], log: Log, host: Host = process, stopMs = STOP_MS): Promise<{ finish(code?: number): Promise<void> }> {
  const started: Service[] = [];
  let stopping: Promise<void> | undefined;

  const stopAll = async (): Promise<boolean> => {
    let clean = true;
    for (const service of started.reverse()) {
      try {
        await service.stop();
      } catch (error) {
        clean = false;
        log.error('a part did not stop cleanly', { part: service.name, error });
      }
    }
    return clean;
  };
  const finish = (code = 0): Promise<void> => stopping ??= (async () => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => { timer = setTimeout(() => resolve('late'), stopMs); });
    const result = await Promise.race([stopAll(), late]);
    clearTimeout(timer);
    if (result === 'late') log.error('stopping took too long', { afterMs: stopMs });
    host.exit(result === true ? code : 1);
  })();

  for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15]] as const) {
    host.on(signal, () => {
      if (stopping) { host.exit(128 + number); return; }
      log.info('stopping', { signal });
      void finish(0);
    });
  }
  const fatal = (what: string) => (error: unknown) => {
    log.error(what, { error });
    if (stopping) host.exit(1);
    else void finish(1);
  };
  host.on('uncaughtException', fatal('an exception that nobody caught'));
  host.on('unhandledRejection', fatal('a rejection that nobody caught'));

  for (const service of services) {
    if (stopping) break;
    // Listed before it starts: a start that fails half-way has something to stop.
    started.push(service);
    try {
      await service.start();
    } catch (error) {
      log.error('a part did not start', { part: service.name, error });
      await finish(1);
      throw error;
    }
  }
  return { finish };
}
