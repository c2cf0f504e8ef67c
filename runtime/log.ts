import { Writable } from 'node:stream';
import winston from 'winston';
import { OperatorError } from './errors.js';

export interface Log {
  error(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  debug(message: string, fields?: Record<string, unknown>): void;
  /** The same log with fields of its own on every line. */
  child(fields: Record<string, unknown>): Log;
}

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  /** Default: `SW_LOG_LEVEL` of the environment, else `info`. */
  level?: LogLevel;
  /** `json` one object a line, `text` for people; default: text on a terminal, JSON in a pipe (`SW_LOG_FORMAT` overrides). */
  format?: 'json' | 'text';
  /** Where to; default: standard error. Rotation is the business of journald or logrotate. */
  stream?: NodeJS.WritableStream & { isTTY?: boolean };
}

const SECRET = /pass(word|wd|phrase)?$|token|secret|credential|cookie|authorization|^auth$|api_?key|private_?key|(^|_)seed$|nkey|set_?up_?code|otp/i;
/** Depth and length to which fields are written out: a log line is for reading. */
const DEPTH_MAX = 6;
const TEXT_MAX = 8192;

/** A copy in which values under keys that look secret are struck out, and errors and bytes are readable. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return (value.length > TEXT_MAX ? `${value.slice(0, TEXT_MAX)}…` : value).replace(/(\w+:\/\/[^\s:/@]*:)[^\s@/]+@/g, '$1***@');
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof OperatorError) return { code: value.code, message: redact(value.message), hint: value.hint };
  if (value instanceof Error) return { name: value.name, message: redact(value.message), stack: redact(value.stack), ...(value.cause === undefined || depth > 2 ? {} : { cause: redact(value.cause, depth + 1) }) };
  if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`;
  if (depth >= DEPTH_MAX) return '…';
  if (Array.isArray(value)) return value.slice(0, 100).map((v) => redact(v, depth + 1));
  if (value instanceof Date) return value.toISOString();
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, SECRET.test(k) ? '***' : redact(v, depth + 1)]));
}

const COLOUR: Record<string, string> = { error: '31', warn: '33', info: '32', debug: '90' };

function readable(colour: boolean): winston.Logform.Format {
  return winston.format.printf(({ level, message, timestamp, ...fields }) => {
    const time = String(timestamp).slice(11, 23);
    const name = colour ? `\x1b[${COLOUR[level]}m${level.padEnd(5)}\x1b[0m` : level.padEnd(5);
    const rest = Object.entries(fields).map(([k, v]) => `${k}=${typeof v === 'string' && !/[\s"=]/.test(v) ? v : JSON.stringify(v)}`).join(' ');
    // What came off the wire may hold control characters that would drive the terminal.
    // oxlint-disable-next-line no-control-regex
    const clean = `${String(message)}${rest === '' ? '' : ` ${rest}`}`.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
    return `${time} ${name} ${clean}`;
  });
}

/** The log of a process: one line an entry, to standard error. */
export function createLog(options: LogOptions = {}): Log {
  const stream = options.stream ?? process.stderr;
  const environment = process.env.SW_LOG_LEVEL;
  const level = options.level ?? (LOG_LEVELS as readonly string[]).find((l) => l === environment) ?? 'info';
  const terminal = (stream as { isTTY?: boolean }).isTTY === true;
  const wanted = options.format ?? (/^(json|text)$/.test(process.env.SW_LOG_FORMAT ?? '') ? process.env.SW_LOG_FORMAT : terminal ? 'text' : 'json');
  const clean = winston.format((info) => Object.assign(info, redact({ ...info, level: undefined }), { level: info.level }));
  const logger = winston.createLogger({
    level,
    format: winston.format.combine(winston.format.timestamp(), clean(), wanted === 'json' ? winston.format.json() : readable(terminal)),
    transports: [new winston.transports.Stream({ stream: stream as Writable })],
  });
  const wrap = (bound: Record<string, unknown>): Log => {
    const at = (name: LogLevel) => (message: string, fields?: Record<string, unknown>) => {
      const { message: _, level: __, ...rest } = { ...bound, ...fields };
      logger.log(name, String(message), rest);
    };
    return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug'), child: (fields) => wrap({ ...bound, ...fields }) };
  };
  return wrap({});
}
