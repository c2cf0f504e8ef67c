import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from '@sinclair/typebox';
import type { BackupRow, RetentionRun, RetentionView, StoreView } from '../../model/api.js';
import { RetentionPolicy, RetentionRunForm } from '../../model/upkeep.js';
import { callerOf, recorded } from '../app.js';
import { changed } from '../audit-change.js';
import type { Context } from '../context.js';
import { refusals } from '../errors.js';
import { dropOldBackups, listBackups, makeBackup } from '../store/backup.js';
import { iso } from '../store/cursor.js';
import { SCHEMA } from '../store/migrations.js';
import { digest } from '../evidence/bundle.js';

const DEFAULT_POLICY: RetentionPolicy = { alerts: 183, evidence: 183, incidents: 1096, automatic: false };
const DAY_MS = 86_400_000;

export async function retentionPolicy(context: Context): Promise<RetentionPolicy> {
  return (await context.store.settings.get('retention'))?.value as RetentionPolicy | undefined ?? DEFAULT_POLICY;
}
/** @param first told what is about to go, before any of it does */
export async function runRetention(context: Context, dryRun: boolean, first: (run: RetentionRun) => Promise<void>): Promise<RetentionRun> {
  const { gone, ...run } = await context.store.retention.run(await retentionPolicy(context), context.clock.now(), dryRun, first);
  for (const hash of gone) await context.files.remove(hash);
  if (!dryRun) await context.store.people.set('retention-run', JSON.stringify(run));
  return run;
}
/** Once a day where the policy says so. */
export async function nightlyRetention(context: Context): Promise<void> {
  if (!(await retentionPolicy(context)).automatic) return;
  const last = JSON.parse(await context.store.people.setting('retention-run') ?? '{}') as { at?: string };
  if (last.at !== undefined && Date.parse(last.at) > context.clock.now() - DAY_MS) return;
  await runRetention(context, false, (run) => context.store.audit.append({ at: context.clock.now(), actor: null, address: null, action: 'retention', object: null, outcome: 'done', details: { ...run } }));
}

export function upkeepRoutes(app: FastifyInstance, context: Context): void {
  const { store, clock, config } = context;
  const view = async (): Promise<RetentionView> => {
    const held = await store.settings.get('retention');
    const last = await store.people.setting('retention-run');
    const people = await context.people();
    return { policy: await retentionPolicy(context), ...(last ? { lastRun: JSON.parse(last) as RetentionRun } : {}), ...(held ? { changedAt: iso(held.at), ...(people.has(held.by) ? { by: people.get(held.by) } : {}) } : {}) };
  };
  app.get('/api/retention', view);
  const Body = Type.Object({ policy: RetentionPolicy }, { additionalProperties: false });
  app.put<{ Body: Static<typeof Body> }>('/api/retention', { schema: { body: Body } }, async (request) => {
    const version = (await store.settings.get('retention'))?.version ?? 0;
    const before = await retentionPolicy(context);
    request.auditDetails = changed(before, request.body.policy);
    await recorded(context, request, async (s) => { if (!await s.settings.put('retention', request.body.policy, version, clock.now(), callerOf(request).user.id)) throw refusals.conflict(); });
    return view();
  });
  app.post<{ Body: RetentionRunForm }>('/api/retention/runs', { schema: { body: RetentionRunForm } }, async (request): Promise<RetentionRun> => runRetention(context, request.body.dryRun, async (run) => {
    request.auditDetails = { ...run };
    await recorded(context, request);
  }));

  const rows = (): BackupRow[] => listBackups(config.dataDir).map(({ name, manifest }) => ({ name, at: manifest.at, bytes: manifest.files.reduce((n, f) => n + f.bytes, 0), files: manifest.files.length, sha256: digest('sha256', JSON.stringify(manifest)) }));
  app.get('/api/backups', async (): Promise<BackupRow[]> => rows());
  let running: Promise<unknown> | undefined;
  app.post('/api/backups', async (request, reply) => {
    // One at a time: each copies everything.
    if (running) throw refusals.conflict();
    const name = `backup-${iso(clock.now()).replace(/[:.]/g, '-')}`;
    request.auditDetails = { name };
    running = recorded(context, request).then(() => makeBackup(config.dataDir, join(config.dataDir, 'backup', name), config.database, clock.now()));
    try {
      await running;
    } finally {
      running = undefined;
    }
    dropOldBackups(config.dataDir);
    return reply.status(201).send(rows().find((r) => r.name === name));
  });

  app.get('/api/store', async (): Promise<StoreView> => {
    const { oldest, ...size } = await store.retention.size();
    const bytes = store.engine === 'sqlite' ? ['', '-wal'].reduce((n, end) => n + (statSync(join(config.dataDir, `console.db${end}`), { throwIfNoEntry: false })?.size ?? 0), 0) : 0;
    return { engine: store.engine, schema: SCHEMA, bytes, ...size, ...(oldest === null ? {} : { oldestAlert: iso(oldest) }) };
  });
}
