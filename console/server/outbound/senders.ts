import { createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { appendFile, mkdir } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import nodemailer from 'nodemailer';
import type { ChannelForm } from '../../model/channel.js';
import { cefLine, mailOf, syslogLine, type Message } from './formats.js';
import { safeAddress } from './target.js';

const TIMEOUT_MS = 10_000;
/** Name of the header with `t=<seconds>,v1=<HMAC-SHA-256 over "<seconds>.<body>">`. */
export const SIGNATURE_HEADER = 'x-shouwang-signature';

export interface SendContext { allow: readonly string[]; dataDir: string; host: string; version: string; now: number }

/** Sends one message; throws where the other side did not take it. */
export async function send(form: ChannelForm, secret: string | undefined, m: Message, context: SendContext): Promise<void> {
  const { target } = form;
  const lang = form.lang ?? 'zh';
  switch (form.kind) {
    case 'webhook': return webhook(target.url ?? '', target.ca, secret, JSON.stringify(m), context);
    case 'mail': {
      const host = target.host ?? '';
      const { address } = await safeAddress(host, context.allow);
      const security = target.security ?? 'starttls';
      const transport = nodemailer.createTransport({
        host: address, port: target.port ?? (security === 'tls' ? 465 : 587), secure: security === 'tls', requireTLS: security === 'starttls', ignoreTLS: security === 'none',
        tls: { servername: host, ...(target.ca ? { ca: target.ca } : {}) }, ...(target.user ? { auth: { user: target.user, pass: secret ?? '' } } : {}),
        connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS, disableFileAccess: true, disableUrlAccess: true,
      } as object);
      try {
        await transport.sendMail({ from: target.from ?? 'shouwang@localhost', to: target.to ?? [], ...mailOf(m, lang) });
      } finally {
        transport.close();
      }
      return;
    }
    case 'syslog': return line(form, syslogLine(m, context.host, lang), context);
    case 'cef': return line(form, cefLine(m, context.host, lang, context.version), context);
    case 'eve_file': {
      const folder = join(context.dataDir, 'eve');
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const day = new Date(context.now).toISOString().slice(0, 10);
      await appendFile(join(folder, (target.file ?? 'eve.json').replace(/\.json$/, `-${day}.json`)), `${JSON.stringify(m.eve ?? m)}\n`, { mode: 0o600 });
    }
  }
}

async function webhook(url: string, ca: string | undefined, secret: string | undefined, body: string, context: SendContext): Promise<void> {
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
        'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'user-agent': `Shouwang/${context.version}`,
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

async function line(form: ChannelForm, text: string, context: SendContext): Promise<void> {
  const { host = '', transport = 'udp', ca } = form.target;
  const port = form.target.port ?? (transport === 'tls' ? 6514 : 514);
  const { address, family } = await safeAddress(host, context.allow);
  const bytes = Buffer.from(text);
  await new Promise<void>((resolve, reject) => {
    if (transport === 'udp') {
      const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
      socket.on('error', (error) => { socket.close(); reject(error); });
      socket.send(bytes, port, address, (error) => { socket.close(); if (error) reject(error); else resolve(); });
      return;
    }
    // Octet counting (RFC 6587, section 3.4.1; RFC 5425, section 4.3).
    const framed = Buffer.concat([Buffer.from(`${bytes.length} `), bytes]);
    const write = (socket: Socket): void => { socket.end(framed, () => resolve()); };
    const socket: Socket = transport === 'tls'
      ? connectTls({ host: address, port, servername: /^[\d.:]+$/.test(host) ? '' : host, ...(ca ? { ca } : {}) }, () => write(socket))
      : connectTcp({ host: address, port }, () => write(socket));
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    socket.on('error', reject);
  });
}
