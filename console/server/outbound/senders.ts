import { createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { appendFile, mkdir } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { join } from 'node:path';
import { checkServerIdentity, connect as connectTls } from 'node:tls';
import nodemailer from 'nodemailer';
import type { ChannelForm } from '../../model/channel.js';
import { cefLine, eveLine, mailOf, syslogLine, type Message } from './formats.js';
import { safeAddress } from './target.js';

const TIMEOUT_MS = 10_000;
/** Name of the header with `t=<seconds>,v1=<HMAC-SHA-256 over "<seconds>.<body>">`. */
export const SIGNATURE_HEADER = 'x-shouwang-signature';

/** The same at every try of the same delivery, also after a restart: who has seen it needs it no more. */
export const KEY_HEADER = 'idempotency-key';

export interface SendContext { allow: readonly string[]; dataDir: string; host: string; version: string; now: number; /** A file of the console; throws where it is gone. */ file(sha256: string): Promise<Buffer> }

/** @returns how many the other side took, in their order, and why it took no more */
export async function send(form: ChannelForm, secret: string | undefined, messages: readonly (Message & { key?: string })[], context: SendContext): Promise<{ sent: number; error?: Error }> {
  const { target } = form;
  const lang = form.lang ?? 'zh';
  let sent = 0;
  try {
    switch (form.kind) {
      case 'webhook':
        for (const { key, ...m } of messages) {
          await webhook(target.url ?? '', target.ca, secret, key, JSON.stringify(m), context);
          sent++;
        }
        break;
      case 'mail': {
        const transport = await mailer(target, secret, context);
        try {
          for (const m of messages) {
            const attachments = await Promise.all((m.attachments ?? []).map(async ({ name, type, sha256 }) => ({ filename: name, contentType: type, content: await context.file(sha256) })));
            await transport.sendMail({ from: target.from ?? 'shouwang@localhost', to: target.to ?? [], ...(m.key === undefined ? {} : { messageId: `<${m.key}@shouwang>` }), ...mailOf(m, lang), attachments } as object);
            sent++;
          }
        } finally {
          transport.close();
        }
        break;
      }
      case 'syslog': case 'cef':
        await lines(form, messages.map((m) => (form.kind === 'cef' ? cefLine(m, context.host, lang, context.version) : syslogLine(m, context.host, lang))), context);
        sent = messages.length;
        break;
      case 'eve_file': {
        const folder = join(context.dataDir, 'eve');
        await mkdir(folder, { recursive: true, mode: 0o700 });
        const day = new Date(context.now).toISOString().slice(0, 10);
        await appendFile(join(folder, (target.file ?? 'eve.json').replace(/\.json$/, `-${day}.json`)), messages.map((m) => `${eveLine(m)}\n`).join(''), { mode: 0o600 });
        sent = messages.length;
      }
    }
    return { sent };
  } catch (error) {
    return { sent, error: error as Error };
  }
}

async function mailer(target: ChannelForm['target'], secret: string | undefined, context: SendContext) {
  const host = target.host ?? '';
  const { address } = await safeAddress(host, context.allow);
  const security = target.security ?? 'starttls';
  return nodemailer.createTransport({
    host: address, port: target.port ?? (security === 'tls' ? 465 : 587), secure: security === 'tls', requireTLS: security === 'starttls', ignoreTLS: security === 'none', pool: true, maxConnections: 1,
    tls: { servername: isIP(host) ? '' : host, ...(target.ca ? { ca: target.ca } : {}) }, ...(target.user ? { auth: { user: target.user, pass: secret ?? '' } } : {}),
    connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS, disableFileAccess: true, disableUrlAccess: true,
  } as object);
}

async function webhook(url: string, ca: string | undefined, secret: string | undefined, key: string | undefined, body: string, context: SendContext): Promise<void> {
  const to = new URL(url);
  const { address, family } = await safeAddress(to.hostname, context.allow);
  const seconds = Math.floor(context.now / 1000);
  const request = to.protocol === 'https:' ? httpsRequest : httpRequest;
  await new Promise<void>((resolve, reject) => {
    const r = request(to, {
      method: 'POST', timeout: TIMEOUT_MS, ...(ca ? { ca } : {}),
      // Redirects are not followed, and the name is not looked up again.
      lookup: (_host, options, done) => { if ((options as { all?: boolean }).all) (done as (e: null, a: object[]) => void)(null, [{ address, family }]); else done(null, address, family); },
      headers: {
        'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'user-agent': `Shouwang/${context.version}`, ...(key === undefined ? {} : { [KEY_HEADER]: key }),
        ...(secret ? { [SIGNATURE_HEADER]: `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}` } : {}),
      },
    }, (answer) => {
      answer.resume();
      if (answer.statusCode !== undefined && answer.statusCode >= 200 && answer.statusCode < 300) resolve();
      else reject(new Error(`the other side answered ${answer.statusCode}`));
    });
    r.on('timeout', () => r.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    r.on('error', reject);
    r.end(body);
  });
}

async function lines(form: ChannelForm, texts: readonly string[], context: SendContext): Promise<void> {
  const { host = '', transport = 'udp', ca } = form.target;
  const port = form.target.port ?? (transport === 'tls' ? 6514 : 514);
  const { address, family } = await safeAddress(host, context.allow);
  if (transport === 'udp') {
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    try {
      for (const text of texts) await new Promise<void>((resolve, reject) => { socket.once('error', reject); socket.send(text, port, address, (error) => { if (error) reject(error); else resolve(); }); });
    } finally {
      socket.close();
    }
    return;
  }
  // Octet counting (RFC 6587, section 3.4.1; RFC 5425, section 4.3).
  const framed = Buffer.concat(texts.flatMap((text) => { const bytes = Buffer.from(text); return [Buffer.from(`${bytes.length} `), bytes]; }));
  await new Promise<void>((resolve, reject) => {
    const write = (socket: Socket): void => { socket.end(framed); };
    const socket: Socket = transport === 'tls'
      ? connectTls({ host: address, port, servername: isIP(host) ? '' : host, ...(ca ? { ca } : {}), checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate) }, () => write(socket))
      : connectTcp({ host: address, port }, () => write(socket));
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    socket.on('error', reject);
    // Only when the other side has closed, too, has it read to the end.
    socket.resume();
    socket.on('close', () => resolve());
  });
}
