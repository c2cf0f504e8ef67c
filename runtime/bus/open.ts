import { Type, type Static } from '@sinclair/typebox';
import type { Bus } from './bus.js';
import { createEmbeddedBus } from './embedded.js';
import { busErrors } from './errors.js';
import { connectLocalBus } from './local.js';

/** The `bus` section of a configuration file. */
export const BusConfig = Type.Object({
  /** `embedded:`, `unix:/path/to/bus.sock`, `nats://host:4222`, `tls://host:4222`; several NATS servers with commas. */
  url: Type.String({ default: 'embedded:', pattern: '^(embedded:|unix:/|(nats|tls)://)', description: 'embedded:, unix:/path, nats://host:port or tls://host:port' }),
  /** Data directory of the embedded bus; without it nothing survives the process. */
  dir: Type.Optional(Type.String()),
  user: Type.Optional(Type.String()),
  password: Type.Optional(Type.String()),
  token: Type.Optional(Type.String()),
  nkeyFile: Type.Optional(Type.String()),
  nkeySeed: Type.Optional(Type.String()),
  credsFile: Type.Optional(Type.String()),
  tls: Type.Optional(Type.Object({
    caFile: Type.Optional(Type.String()), certFile: Type.Optional(Type.String()), keyFile: Type.Optional(Type.String()),
  }, { additionalProperties: false })),
  /** First token of reply subjects, as the permissions of the NATS server have it for this user. */
  inboxPrefix: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' })),
  replicas: Type.Optional(Type.Integer({ minimum: 1, maximum: 5 })),
  connectTimeoutMs: Type.Optional(Type.Integer({ minimum: 100 })),
}, { additionalProperties: false });
export type BusConfig = Static<typeof BusConfig>;

/** Opens the bus that the address names. Rejects with SW_BUS_URL or SW_BUS_CONNECT. */
export async function openBus(
  config: BusConfig, options: { name?: string; onError?: (error: unknown, subject: string) => void } = {},
): Promise<Bus> {
  const { url } = config;
  if (url === 'embedded:' || url.startsWith('embedded:')) {
    const dir = config.dir ?? (url.slice('embedded:'.length) || undefined);
    return createEmbeddedBus({ dir, onError: options.onError });
  }
  if (url.startsWith('unix:/')) return connectLocalBus(url.slice('unix:'.length).replace(/^\/\/(?=\/)/, ''), options);
  if (/^(nats|tls):\/\//.test(url)) {
    const { createNatsBus } = await import('./nats.js');
    return createNatsBus({
      servers: url.split(',').map((s) => s.trim()), name: options.name, onError: options.onError, user: config.user, pass: config.password,
      token: config.token, nkeyFile: config.nkeyFile, nkeySeed: config.nkeySeed, credsFile: config.credsFile, tls: config.tls,
      replicas: config.replicas, inboxPrefix: config.inboxPrefix, connectTimeoutMs: config.connectTimeoutMs,
    });
  }
  throw busErrors.url(url);
}
