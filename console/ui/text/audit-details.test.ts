import t from 'tap';
import { detailLines } from './audit-details.js';

t.test('details of the audit log are lines to read', async (t) => {
  t.strictSame(detailLines(undefined), []);
  t.strictSame(detailLines({ before: ['operator'], after: ['operator', 'analyst'], status: 409 }), [
    { path: [], change: { before: ['operator'], after: ['operator', 'analyst'] } }, { path: ['status'], value: 409 },
  ], 'a list is one value');
  t.strictSame(detailLines({ before: { name: 'a', unit: 'wuhan', same: [1] }, after: { name: 'b', unit: null, same: [1] } }), [
    { path: ['name'], change: { before: 'a', after: 'b' } }, { path: ['unit'], change: { before: 'wuhan', after: null } },
  ], 'only what is another than before');
  t.strictSame(detailLines({ settings: { deadlines: { 1: { acknowledge: 15 } } } }), [{ path: ['settings', 'deadlines', '1', 'acknowledge'], value: 15 }]);
  t.strictSame(detailLines({ action: 'acknowledge', changes: { state: ['issued', 'acknowledged'], feedback_json: [null, '{"cause":"x"}'] } }), [
    { path: ['state'], change: { before: 'issued', after: 'acknowledged' } }, { path: ['feedback', 'cause'], change: { before: null, after: 'x' } }, { path: ['action'], value: 'acknowledge' },
  ]);
  let deep: Record<string, unknown> = { end: 1 };
  for (let n = 0; n < 5000; n++) deep = { deep };
  t.equal(detailLines(deep).length, 1, 'however deep');
  t.equal(detailLines(Object.fromEntries(Array.from({ length: 900 }, (_, n) => [`f${n}`, n]))).length, 300, 'however many');
});
