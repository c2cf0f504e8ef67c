import t from 'tap';
import type { AlertRow, BulkResult, IncidentRow, Page, RankingView, SavedFilter, SearchAnswer, SuppressionPreview, SuppressionRow } from '../model/api.js';
import { alertOf, startConsole } from './harness.js';

t.test('a suppression is previewed, hides, counts, never hides a success, and gives back what it hid', async (t) => {
  const h = await startConsole();
  t.teardown(() => h.stop());
  await h.useRegistry();
  const ana = await h.person('ana', ['analyst']);
  const yi = await h.person('yi', ['operator'], 'yichang');
  const scanner = { attacker: { ip: '198.51.100.7' } };
  const stored = async (n: number): Promise<void> => h.until(() => h.console.context.counters().alerts === n, `${n} alerts`);
  await h.send(alertOf({ id: 'q-1', ...scanner, class: 'port_scan', rule: 'port-scan' }));
  await h.send(alertOf({ id: 'q-2' }));
  await stored(2);
  const match = { source: '198.51.100.0/24', unit: 'wuhan' };
  const preview = await ana.call<SuppressionPreview>('POST', '/api/suppressions/preview', { match, days: 30 });
  t.match(preview.body, { alerts: 1, capped: false, incidents: 1, byVerdict: { attempted: 1 }, sources: [{ ip: '198.51.100.7', count: 1 }], samples: [{ id: 'q-1' }] });
  t.equal((await ana.call('POST', '/api/suppressions/preview', { match: { source: 'nowhere' } })).status, 400);
  t.equal((await yi.call('POST', '/api/suppressions', { match: { rule: 'port-scan' }, reason: 'x', expires: '2099-01-01' })).status, 422, 'a unit\'s operator names a unit of their own');
  t.equal((await yi.call('POST', '/api/suppressions', { match, reason: 'x', expires: '2099-01-01' })).status, 422);
  const expires = new Date(h.clock.now() + 86_400_000).toISOString();
  const made = await ana.call<SuppressionRow>('POST', '/api/suppressions', { match, reason: '委托扫描', expires, alert: 'q-1' });
  t.match([made.status, made.body], [201, { state: 'active', hits: 0, unitName: { zh: '武汉市' } }]);

  await h.send(alertOf({ id: 'q-3', ...scanner, class: 'web_scan', rule: 'web-scan', victim: { ip: '10.1.9.9' } }));
  await h.send(alertOf({ id: 'q-4', ...scanner, verdict: 'succeeded', victim: { ip: '10.1.2.9' } }));
  await h.send(alertOf({ id: 'q-5', ...scanner, victim: { ip: '10.2.0.9' } }));
  await h.until(async () => (await ana.call<SuppressionRow[]>('GET', '/api/suppressions')).body[0].hits === 1, 'one hit');
  await h.until(async () => (await ana.call<Page<AlertRow>>('GET', '/api/alerts')).body.items.length === 4, 'the others');
  const ids = async (query: string) => (await ana.call<Page<AlertRow>>('GET', `/api/alerts${query}`)).body.items.map((a) => a.id).sort();
  t.same(await ids(''), ['q-1', 'q-2', 'q-4', 'q-5'], 'a success shows, another unit\'s shows');
  t.same(await ids('?suppressed=true'), ['q-3'], 'hidden, not gone');
  t.equal((await ana.call<Page<IncidentRow>>('GET', '/api/incidents?ip=10.1.9.9')).body.items.length, 0);
  const seq = (await ana.call<Page<AlertRow>>('GET', '/api/alerts')).body.items.find((a) => a.id === 'q-2')?.seq as number;
  t.same(await ids(`?after=${seq}`), ['q-4', 'q-5'], 'what a page missed');

  t.equal((await yi.call('DELETE', `/api/suppressions/${made.body.id}`)).status, 404);
  t.match((await ana.call<SuppressionRow>('DELETE', `/api/suppressions/${made.body.id}`)).body, { state: 'ended', endedBy: { account: 'ana' } });
  t.same(await ids(''), ['q-1', 'q-2', 'q-3', 'q-4', 'q-5'], 'it is back');
  t.match((await ana.call<Page<IncidentRow>>('GET', '/api/incidents?ip=10.1.9.9')).body.items, [{ alerts: 1 }], 'and in the queue');
  t.equal((await ana.call('DELETE', `/api/suppressions/${made.body.id}`)).status, 409);

  const hour = await ana.call<SuppressionRow>('POST', '/api/suppressions', { match, reason: '检修', expires: new Date(h.clock.now() + 1_800_000).toISOString() });
  await h.send(alertOf({ id: 'q-6', ...scanner, victim: { ip: '10.1.9.77' } }));
  await h.until(async () => (await ids('?suppressed=true')).includes('q-6'), 'hidden for half an hour');
  h.advance(1_801_000);
  await h.console.context.endSuppressions();
  t.same(await ids('?suppressed=true'), [], 'its time is over: nothing is hidden any more');
  t.ok((await ids('')).includes('q-6'));
  t.match((await ana.call<SuppressionRow[]>('GET', '/api/suppressions')).body.find((s) => s.id === hour.body.id), { state: 'ended', hits: 1 });
  await h.send(alertOf({ id: 'q-7', ...scanner, victim: { ip: '10.1.9.78' } }));
  await h.until(async () => (await ids('')).includes('q-7'), 'what comes later shows');
});

t.test('saved filters, search over everything, bulk actions, and why an incident stands where it stands', async (t) => {
  const h = await startConsole();
  t.teardown(() => h.stop());
  await h.useRegistry();
  const ana = await h.person('ana', ['analyst']);
  const ben = await h.person('ben', ['operator']);
  const yi = await h.person('yi', ['unit_handler'], 'yichang');
  await h.send(alertOf({ id: 'x-1', title: { zh: '横向移动到江汉门户', en: 'Lateral movement' }, victim: { ip: '10.1.9.1' }, verdict: 'compromised' }));
  await h.send(alertOf({ id: 'x-2', victim: { ip: '10.1.9.2' } }));
  await h.until(() => h.console.context.counters().alerts === 2, 'alerts');
  const filter = await ana.call<SavedFilter>('POST', '/api/filters', { page: 'alerts', name: '失陷', query: 'verdict=compromised' });
  t.equal(filter.status, 201);
  t.same((await ana.call<SavedFilter[]>('GET', '/api/filters')).body.map((f) => f.name), ['失陷']);
  t.same((await ben.call<SavedFilter[]>('GET', '/api/filters')).body, [], 'each has their own');
  t.equal((await ben.call('DELETE', `/api/filters/${filter.body.id}`)).status, 404);
  t.equal((await ana.call('DELETE', `/api/filters/${filter.body.id}`)).status, 204);

  const found = (await ana.call<SearchAnswer>('GET', `/api/search?text=${encodeURIComponent('江汉门户')}`)).body;
  t.same([found.alerts.map((a) => a.id), found.systems.map((s) => s.id)], [['x-1'], ['jhweb']]);
  const theirs = (await yi.call<SearchAnswer>('GET', `/api/search?text=${encodeURIComponent('江汉')}`)).body;
  t.same([theirs.alerts, theirs.systems, theirs.units, theirs.incidents], [[], [], [], []]);

  const queue = (await ana.call<Page<IncidentRow>>('GET', '/api/incidents')).body.items;
  const ranking = (await ana.call<RankingView>('GET', `/api/incidents/${queue[0].id}/ranking`)).body;
  t.equal(ranking.parts.reduce((n, p) => n + p.points, 0), ranking.rank, 'the points add up');
  t.equal(queue[0].verdict, 'compromised');
  const bulk = (await ana.call<BulkResult>('POST', '/api/incidents/actions', { items: [...queue.map((i) => ({ id: i.id, version: i.version })), { id: 'inc-none', version: 1 }], action: 'confirm' })).body;
  t.equal(bulk.done.length, 2);
  t.match(bulk.refused, [{ id: 'inc-none', error: { code: 'SW_CONSOLE_NOT_FOUND' } }]);
  const tickets = [];
  for (const i of queue) tickets.push((await ana.call<{ id: string; version: number }>('POST', '/api/tickets', { incident: i.id })).body);
  const sent = (await ana.call<BulkResult>('POST', '/api/tickets/actions', { items: [{ id: tickets[0].id, version: 1 }, { id: tickets[1].id, version: 7 }], action: 'submit' })).body;
  t.match([sent.done, sent.refused], [[{ id: tickets[0].id, version: 2 }], [{ id: tickets[1].id, error: { code: 'SW_CONSOLE_CONFLICT' } }]]);
});
