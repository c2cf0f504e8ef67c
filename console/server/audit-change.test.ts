import fc from 'fast-check';
import t from 'tap';
import type { AuditRow, ChannelRow, IncidentRow, Page, RemediationSettingsView, TicketDetail } from '../model/api.js';
import { changed } from './audit-change.js';
import { alertOf, startConsole } from './harness.js';

t.test('a change is what is another than before, and nothing else', (t) => {
  t.same(changed({ a: 1, b: { c: 2, d: 3 }, e: [1] }, { a: 1, b: { c: 2, d: 4 }, e: [1, 2], f: 'x' }), { before: { b: { d: 3 }, e: [1], f: null }, after: { b: { d: 4 }, e: [1, 2], f: 'x' } });
  t.same(changed(undefined, { a: 1 }), { before: { a: null }, after: { a: 1 } });
  t.same(changed({ a: 1 }, undefined), { before: { a: 1 }, after: { a: null } });
  t.same(changed({ a: { x: 1, y: 0 } }, { a: { y: 0, x: 1 } }), {}, 'order is no change');
  const record = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.oneof(fc.integer({ max: 3, min: 0 }), fc.constant(null), fc.array(fc.nat(2), { maxLength: 2 }), fc.dictionary(fc.constantFrom('x', 'y'), fc.nat(2))));
  fc.assert(fc.property(record, record, (a, b) => {
    const change = changed(a, b);
    if (Object.keys(changed(a, a)).length > 0 || (change.after === undefined) !== (change.before === undefined)) return false;
    // Put onto the old record the change gives the new one: nothing is missing, and back again.
    const put = (onto: Record<string, unknown>, what: Record<string, unknown> = {}): Record<string, unknown> => {
      const isFields = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);
      const made = { ...onto };
      for (const [k, v] of Object.entries(what)) made[k] = isFields(v) && isFields(made[k]) ? put(made[k], v) : v;
      return made;
    };
    const plain = (v: unknown): unknown => (Array.isArray(v) || typeof v !== 'object' || v === null ? v : Object.fromEntries(Object.entries(v).filter(([, x]) => x !== null).sort(([i], [j]) => (i < j ? -1 : 1)).map(([k, x]) => [k, plain(x)])));
    return JSON.stringify(plain(put(a, change.after))) === JSON.stringify(plain(b)) && JSON.stringify(plain(put(b, change.before))) === JSON.stringify(plain(a));
  }));
  t.end();
});

t.test('the log says what was before and what is after; a secret is in neither', async (t) => {
  const h = await startConsole({ outbound: { allow: ['127.0.0.0/8'] } });
  t.teardown(() => h.stop());
  await h.useRegistry();
  const [ana, ben, sys, sec, aud] = [await h.person('ana', ['analyst']), await h.person('ben', ['operator']), await h.person('sys', ['system_admin']), await h.person('sec', ['security_admin']), await h.person('aud', ['auditor'])];
  await h.send(alertOf({ id: 'x-1', verdict: 'succeeded' }));
  await h.until(() => h.console.context.counters().alerts === 1, 'the alert');
  const incident = (await ana.call<Page<IncidentRow>>('GET', '/api/incidents')).body.items[0];
  const latest = async (): Promise<AuditRow> => (await aud.call<Page<AuditRow>>('GET', '/api/audit?limit=1')).body.items[0];

  await ana.call('POST', `/api/incidents/${incident.id}/actions`, { version: incident.version, action: 'assign', owner: 'me' });
  t.match(await latest(), { actor: { account: 'ana' }, object: incident.id, details: { action: 'assign', before: { state: 'new', owner: null }, after: { state: 'triage', owner: 'u-ana' } }, names: { 'u-ana': { account: 'ana', name: 'ana' } } }, 'whose ids it holds is said');
  const draft = (await ana.call<TicketDetail>('POST', '/api/tickets', { incident: incident.id })).body;
  t.match(await latest(), { action: 'POST /api/tickets', object: draft.id, details: { incident: incident.id, unit: 'wuhan', title: draft.title } });
  const edited = (await ana.call<TicketDetail>('PATCH', `/api/tickets/${draft.id}`, { version: 1, level: 2, copies: '省委网信办' })).body;
  t.same((await latest()).details, { before: { level: draft.level, copies: null }, after: { level: 2, copies: '省委网信办' } });
  await ana.call('POST', '/api/tickets/actions', { items: [{ id: draft.id, version: edited.version }], action: 'submit' });
  t.match(await latest(), { action: 'POST /api/tickets/actions', object: draft.id, details: { action: 'submit', before: { state: 'draft' }, after: { state: 'review' } } }, 'of several each by itself');
  const issued = (await ben.call<TicketDetail>('POST', `/api/tickets/${draft.id}/actions`, { version: edited.version + 1, action: 'approve' })).body;
  const approved = await latest();
  t.match(approved, { details: { number: issued.number, before: { state: 'review', issued: null }, after: { state: 'issued', issued: issued.issuedAt, due_acknowledge: issued.deadlines?.[0].at } } });
  t.notOk('signer' in (approved.details!.after as object), 'what stayed as it was is not told');

  await sys.call('PATCH', '/api/users/u-ben', { name: '本', unit: 'wuhan' });
  t.match(await latest(), { object: 'u-ben', details: { account: 'ben', before: { name: 'ben', unit: null }, after: { name: '本', unit: 'wuhan' } }, names: { 'u-ben': { account: 'ben', name: '本' }, wuhan: { zh: '武汉市' } } });
  await sec.call('PUT', '/api/users/u-ben/roles', { roles: ['analyst'] });
  t.match((await latest()).details, { before: ['operator'], after: ['analyst'] });
  const held = (await sec.call<RemediationSettingsView>('GET', '/api/settings/remediation')).body;
  await sec.call('PUT', '/api/settings/remediation', { version: held.version, settings: { ...held.settings, deadlines: { ...held.settings.deadlines, 1: { ...held.settings.deadlines[1], acknowledge: 10 } } } });
  t.same((await latest()).details, { before: { deadlines: { 1: { acknowledge: 15 } } }, after: { deadlines: { 1: { acknowledge: 10 } } } }, 'one number of the settings, not all of them');
  await sys.call('PUT', '/api/units/wuhan', { zh: '武汉', en: 'Wuhan', parent: 'hubei', kind: 'city' });
  t.same((await latest()).details, { before: { zh: '武汉市' }, after: { zh: '武汉' } });
  const form = { name: 'w', kind: 'webhook', enabled: true, events: ['alert'], target: { url: 'http://127.0.0.1:9/', secret: 'k3y-of-old' } };
  const channel = (await sec.call<ChannelRow>('POST', '/api/channels', form)).body;
  await sec.call('PUT', `/api/channels/${channel.id}`, { ...form, enabled: false, target: { url: 'http://127.0.0.1:8/', secret: 'k3y-of-now' } });
  t.same((await latest()).details, { name: 'w', before: { enabled: true, target: { url: 'http://127.0.0.1:9/' } }, after: { enabled: false, target: { url: 'http://127.0.0.1:8/' } }, secretReplaced: true });
  t.notMatch((await aud.call('GET', '/api/audit/export')).raw.toString(), /k3y-of/);
  t.match(await h.console.context.store.audit.verify(), { intact: true });

  // What was refused is told as that, and changed nothing.
  t.equal((await ben.call('POST', `/api/tickets/${draft.id}/actions`, { version: 1, action: 'withdraw', reason: 'x' })).status, 401, 'whose roles changed logs in again');
  t.equal((await ana.call('POST', `/api/tickets/${draft.id}/actions`, { version: 1, action: 'withdraw', reason: 'x' })).status, 409);
  t.match(await latest(), { outcome: 'refused', object: draft.id, details: { action: 'withdraw', status: 409 } });
});
