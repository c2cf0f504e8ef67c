import { OperatorError, coded } from '../errors.js';

/** A `work` stream is full: whoever reads it is slower than whoever writes. The publisher waits and tries again. */
export class BusFull extends OperatorError {
  constructor(stream: string) {
    super('SW_BUS_FULL', `Stream ${stream} is full.`, 'Try again when its consumer has caught up; if this lasts, add analyzers or partitions.');
    this.name = 'BusFull';
  }
}

/** Nobody answered a request in time. */
export class BusTimeout extends OperatorError {
  constructor(subject: string) {
    super('SW_BUS_TIMEOUT', `No answer on ${subject} in time.`, 'See whether the process that answers it is running and on the same bus.');
    this.name = 'BusTimeout';
  }
}

/** The bus was closed while, or before, something was asked of it. */
export class BusClosed extends OperatorError {
  constructor() {
    super('SW_BUS_CLOSED', 'The bus is closed.', 'Nothing to do if the process is stopping.');
    this.name = 'BusClosed';
  }
}

export const busErrors = {
  subject: coded('SW_BUS_SUBJECT', (subject: string) => `"${subject.slice(0, 100)}" is not a valid subject.`,
    'Use tokens joined by dots; wildcards (* and >) only in subscriptions and stream subjects.'),
  noStream: coded('SW_BUS_NO_STREAM', (what: string) => `No stream takes ${what}.`,
    'Create it with ensureStream first; on NATS see whether JetStream is enabled for this account.'),
  overlap: coded('SW_BUS_STREAM_OVERLAP', (name: string, other: string) => `The subjects of stream ${name} overlap those of stream ${other}.`,
    'Give each stream subjects of its own.'),
  consumerOverlap: coded('SW_BUS_CONSUMER_OVERLAP', (stream: string, durable: string, other: string) =>
    `Consumers ${durable} and ${other} of the work stream ${stream} want the same messages.`, 'A message of a work stream goes to one consumer: use one name, or filters that do not overlap.'),
  remote: coded('SW_BUS_REMOTE', (subject: string, message: string) => `The answer to ${subject} is an error: ${message}.`,
    'See the log of the process that answers it.'),
  tooLarge: coded('SW_BUS_TOO_LARGE', (bytes: number, limit: number) => `A message of ${bytes} bytes is over the limit of ${limit}.`,
    'Publish smaller messages, or raise max_payload of the NATS server.'),
  journal: coded('SW_BUS_JOURNAL', (path: string, why: string) => `The journal ${path} cannot be written: ${why}.`,
    'See whether the disk is full and the data directory is writable.'),
  directoryBusy: coded('SW_BUS_DIR_BUSY', (dir: string, pid: number) => `The data directory ${dir} is in use by process ${pid}.`,
    'Stop that process, or use another data directory.'),
  url: coded('SW_BUS_URL', (url: string) => `"${url}" is not the address of a bus.`,
    'Use embedded:, unix:/path/to/bus.sock, nats://host:4222 or tls://host:4222.'),
  connect: coded('SW_BUS_CONNECT', (url: string, why: string) => `The bus at ${url} cannot be reached: ${why}.`,
    'See whether it is running, the address and port are right, and the credentials and certificates fit.'),
  protocol: coded('SW_BUS_PROTOCOL', (why: string) => `The local bus speaks another language: ${why}.`,
    'Run the same version of the program on both sides.'),
  permission: coded('SW_BUS_PERMISSION', (operation: string, subject: string) => `The account may not ${operation} ${subject}.`,
    'Give it the permission in the configuration of the NATS server, or use the credentials meant for this role.'),
  stream: coded('SW_BUS_STREAM', (name: string, why: string) => `Stream ${name} cannot be brought to its options: ${why}.`,
    'See the limits of the NATS account and of its JetStream store; retention and storage of a stream cannot be changed, only by making it anew.'),
  takenOver: coded('SW_BUS_TAKEN_OVER', (stream: string, durable: string) => `Another process took over consumer ${durable} of stream ${stream}.`,
    'Run one process a partition; this one goes on when the other has gone.'),
  socketPath: coded('SW_BUS_SOCKET_PATH', (path: string) => `The path of the socket is too long: ${path}.`,
    'Use a data directory with a shorter path (a unix socket takes 107 bytes).'),
  socketBusy: coded('SW_BUS_SOCKET_BUSY', (path: string) => `Another process serves ${path}.`,
    'Stop it, or use another data directory.'),
  noServer: coded('SW_BUS_NO_NATS_SERVER', () => 'The program nats-server was not found.',
    'Install it (Debian: apt-get install nats-server) or set NATS_SERVER to its path.'),
} as const;

/** Rebuilds an error that crossed a process boundary as code, message and hint. */
export function reviveError(code: string, message: string, hint: string): OperatorError {
  const error = new OperatorError(code, message, hint);
  const kind = code === 'SW_BUS_FULL' ? BusFull : code === 'SW_BUS_TIMEOUT' ? BusTimeout : code === 'SW_BUS_CLOSED' ? BusClosed : undefined;
  return kind ? Object.setPrototypeOf(error, kind.prototype) as OperatorError : error;
}
