import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { OperatorError } from '../runtime/errors.js';
import { readCaptureStream } from './capture-reader.js';
import { checkFilter, checkInterface } from './capture-filter.js';
import { CapBackend } from './cap-backend.js';
import { backendFailed, noBackend } from './errors.js';
import type { LiveBackend, LiveOptions } from './live-backend.js';
import { initialStatus, type PacketSink, type PacketSource, type SourceRun, type SourceStatus } from './packet-source.js';
import { TcpdumpBackend } from './tcpdump-backend.js';

const POLL_MS = 2000;
const BACKOFF_FIRST_MS = 250;
const BACKOFF_LAST_MS = 5000;
/** A child that ran this long was well: the next failure starts with the shortest wait again. */
const WELL_MS = 10_000;
const KILL_AFTER_MS = 2000;
/** A line of a child's standard error that is kept; it is shown to people. */
const MAX_LINE = 400;
const IFF_UP = 1;

/** Chooses the backend: tcpdump where it is there, else cap. @throws OperatorError SW_COLLECT_NO_BACKEND */
export function chooseBackend(wanted: 'auto' | 'tcpdump' | 'cap'): LiveBackend {
  const all: LiveBackend[] = [new TcpdumpBackend(), new CapBackend()];
  const reasons: string[] = [];
  for (const backend of all) {
    if (wanted !== 'auto' && wanted !== backend.name) continue;
    const missing = backend.missing();
    if (missing === undefined) return backend;
    reasons.push(missing);
  }
  throw noBackend(reasons.join('; '));
}

/** One interface, captured by a child process that is started again whenever it ends. */
export class LiveSource implements PacketSource {
  readonly name: string;
  readonly status: SourceStatus;
  private child: ChildProcess | undefined;
  private stopped = false;
  private wake: (() => void) | undefined;
  /** Drops counted by children that are gone. */
  private readonly before = { kernel: 0, interface: 0 };

  constructor(private readonly options: LiveOptions, private readonly backend: LiveBackend) {
    this.name = `live:${options.interface}`;
    this.status = initialStatus(backend.counts ? 0 : -1);
  }

  async run(open: (run: SourceRun) => PacketSink): Promise<void> {
    checkInterface(this.options.interface);
    await checkFilter(this.options.filter, new TcpdumpBackend().path);
    let backoff = BACKOFF_FIRST_MS;
    while (!this.stopped) {
      const began = Date.now();
      const fatal = await this.capture(open);
      if (this.stopped) break;
      if (fatal !== undefined) {
        this.status.state = 'failed';
        this.status.reasons = [{ code: fatal.code, message: fatal.message }];
        throw fatal;
      }
      if (Date.now() - began > WELL_MS) backoff = BACKOFF_FIRST_MS;
      this.status.state = 'waiting';
      await this.sleep(backoff);
      backoff = Math.min(BACKOFF_LAST_MS, backoff * 2);
    }
    this.status.state = 'ended';
  }

  stop(): void {
    this.stopped = true;
    this.wake?.();
    this.end(this.child);
  }

  /** One life of a child. @returns the error that makes another pointless */
  private async capture(open: (run: SourceRun) => PacketSink): Promise<OperatorError | undefined> {
    const { options, backend, status } = this;
    let fatal: OperatorError | undefined;
    let gone: string | undefined;
    let lastLine = '';
    let child: ChildProcess;
    try {
      child = backend.launch(options);
    } catch (error) {
      return backendFailed(options.interface, backend.name, (error as Error).message);
    }
    this.child = child;
    status.runs++;
    if (this.stopped) this.end(child);
    const orphan = (): void => void child.kill('SIGTERM');
    process.once('exit', orphan);
    const exited = new Promise<void>((resolve) => {
      child.once('close', () => resolve());
      child.once('error', (error) => {
        lastLine = error.message;
        resolve();
      });
    });
    createInterface({ input: child.stderr! }).on('line', (line) => {
      const meaning = backend.meaning(line.slice(0, MAX_LINE), options);
      if (meaning.kind === 'ready') {
        status.state = 'running';
        status.reasons = [];
      } else if (meaning.kind === 'counters') {
        if (meaning.kernel !== undefined) status.droppedKernel = this.before.kernel + meaning.kernel;
        if (meaning.interface !== undefined) status.droppedInterface = this.before.interface + meaning.interface;
      } else if (meaning.kind === 'fatal') fatal = meaning.error;
      else if (meaning.kind === 'gone') gone = meaning.message;
      else lastLine = meaning.message;
    });
    const poll = setInterval(() => {
      backend.poll(child);
      this.watchLink();
    }, POLL_MS);
    const sink = open({ interface: options.interface, kind: 'live', clock: backend.clock });
    try {
      await readCaptureStream(child.stdout!, sink.region, sink, { name: this.name });
    } catch (error) {
      // A child that dies before the first byte leaves an empty pipe; why it died stands on its standard error.
      if (!(error instanceof OperatorError)) lastLine = (error as Error).message;
    }
    await exited;
    process.off('exit', orphan);
    clearInterval(poll);
    await sink.end();
    this.child = undefined;
    if (backend.counts) {
      this.before.kernel = status.droppedKernel;
      this.before.interface = status.droppedInterface;
    }
    if (fatal === undefined && !this.stopped) {
      status.reasons = gone !== undefined
        ? [{ code: 'SW_COLLECT_INTERFACE_GONE', message: `${options.interface}: ${gone}` }]
        : [{ code: 'SW_COLLECT_BACKEND_ENDED', message: `${backend.name} on ${options.interface} ended: ${lastLine || 'no message'}` }];
    }
    return fatal;
  }

  /** tcpdump stays when a link goes down; the operator should know all the same. */
  private watchLink(): void {
    const { status, options } = this;
    if (options.netns !== undefined) return;
    let up = true;
    try {
      up = (Number(readFileSync(`/sys/class/net/${options.interface}/flags`, 'utf8')) & IFF_UP) !== 0;
    } catch {
      return; // "any"
    }
    const others = status.reasons.filter((r) => r.code !== 'SW_COLLECT_INTERFACE_DOWN');
    status.reasons = up ? others : [...others, { code: 'SW_COLLECT_INTERFACE_DOWN', message: `${options.interface} is down` }];
  }

  private end(child: ChildProcess | undefined): void {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
    child.once('close', () => clearTimeout(timer));
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
