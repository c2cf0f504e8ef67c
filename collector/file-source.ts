import { basename } from 'node:path';
import type { CaptureInterface } from './capture-format.js';
import type { CaptureSummary } from './capture-parser.js';
import { readCaptureFile, readCaptureStream } from './capture-reader.js';
import { initialStatus, type PacketSink, type PacketSource, type SourceRun, type SourceStatus } from './packet-source.js';

/** Opens a sink for one capture, reads it to its end, and notes its damage in `status`. */
export async function readInto(
  path: string, open: (run: SourceRun) => PacketSink, status: SourceStatus, signal: AbortSignal, epoch?: string,
): Promise<CaptureSummary> {
  const interfaces: CaptureInterface[] = [];
  const file = basename(path);
  const sink = open({ interface: '', interfaces, file, kind: 'file', clock: 'exact', epoch });
  status.runs++;
  try {
    const summary = await readCaptureFile(path, sink.region, sink, { signal, interfaces });
    status.reasons = summary.warnings.map((w) => ({ code: w.code, message: `${file} at byte ${w.offset}: ${w.message}` }));
    const dropped = interfaces.reduce((sum, i) => sum + Math.max(0, i.dropped), 0);
    if (interfaces.some((i) => i.dropped >= 0)) status.droppedKernel = Math.max(0, status.droppedKernel) + dropped;
    return summary;
  } finally {
    await sink.end();
  }
}

/** One capture file, read once. */
export class FileSource implements PacketSource {
  readonly name: string;
  readonly status = initialStatus(-1);
  summary: CaptureSummary | undefined;
  private readonly abort = new AbortController();

  constructor(private readonly path: string) {
    this.name = `file:${basename(path)}`;
  }

  async run(open: (run: SourceRun) => PacketSink): Promise<void> {
    this.status.state = 'running';
    try {
      this.summary = await readInto(this.path, open, this.status, this.abort.signal);
      this.status.state = 'ended';
    } catch (error) {
      this.status.state = 'failed';
      throw error;
    }
  }

  stop(): void {
    this.abort.abort();
  }
}

/** A capture on standard input, such as another machine's tcpdump through ssh. It waits for us, we wait for the bus. */
export class StdinSource implements PacketSource {
  readonly name = 'stdin';
  readonly status = initialStatus(-1);
  summary: CaptureSummary | undefined;
  private readonly abort = new AbortController();

  constructor(private readonly input: NodeJS.ReadStream = process.stdin) {}

  async run(open: (run: SourceRun) => PacketSink): Promise<void> {
    const interfaces: CaptureInterface[] = [];
    const sink = open({ interface: 'stdin', interfaces, kind: 'pipe', clock: 'exact' });
    this.status.state = 'running';
    this.status.runs++;
    try {
      this.summary = await readCaptureStream(this.input, sink.region, sink, { signal: this.abort.signal, interfaces });
      this.status.reasons = this.summary.warnings.map((w) => ({ code: w.code, message: `at byte ${w.offset}: ${w.message}` }));
      this.status.state = 'ended';
    } catch (error) {
      this.status.state = 'failed';
      throw error;
    } finally {
      await sink.end();
    }
  }

  stop(): void {
    this.abort.abort();
  }
}
