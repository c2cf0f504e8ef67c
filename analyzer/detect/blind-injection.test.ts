import t from 'tap';
import type { Alert } from '../../contracts/alert.js';
import type { EveEvent } from '../../contracts/event.js';
import { BlindInjection } from './blind-injection.js';

/** Asks in turn; an answer is [payload, delay in ms, status, length, digest]. @returns whether it was proven. */
function proven(asked: [string, number, number?, number?, string?][], cls = 'sql_injection'): boolean {
  const blind = new BlindInjection();
  let found = 0;
  asked.forEach(([payload, response_delay, status = 200, length = 500, response_digest = 'same'], tx_id) => {
    if (payload !== '') blind.alert({ flow_id: 1, tx_id, shouwang: { class: cls, attacker: { ip: '203.0.113.66' }, victim: { ip: '10.42.1.10' } } } as unknown as Alert, payload);
    found += blind.event({ event_type: 'http', flow_id: 1, tx_id, src_ip: '203.0.113.66', dest_ip: '10.42.1.10', http: { url: `/item?id=${tx_id}`, status, length, response_delay, response_digest } } as unknown as EveEvent).length;
  });
  return found > 0;
}

t.test('delays prove what asked for them, when they come as asked', (t) => {
  t.ok(proven([['1 and sleep(0)', 3], ['1 and sleep(1)', 1004], ['1 and sleep(2)', 2005]]), 'a longer delay for a longer sleep');
  t.ok(proven([['1 or sleep(2)', 6010], ['', 4], ['1 or sleep(1)', 3008]]), 'a delay for each of three rows');
  t.ok(proven([["1';waitfor delay '0:0:5'--", 5012]]), 'one that is long and exact');
  t.ok(proven([['x;sleep 3', 3006]], 'command_injection'));
  t.notOk(proven([['1 and sleep(1)', 5], ['1 and sleep(2)', 4], ['1 and sleep(3)', 6]]), 'not executed');
  t.notOk(proven([['1 and sleep(1)', 1700], ['1 and sleep(2)', 900], ['1 and sleep(2)', 3700], ['', 1500]]), 'a slow server');
  t.end();
});

t.test('conditions prove themselves by two kinds of answers', (t) => {
  const ask = (yes: [number, string], no: [number, string]): [string, number, number, number, string][] =>
    [1, 2, 3, 4].map((n) => [`1 and ${n}=${n + (n & 1)}`, 2, 200, ...(n & 1 ? no : yes)]);
  t.ok(proven(ask([500, 'a'], [470, 'b'])), 'by length');
  t.ok(proven(ask([500, 'a'], [500, 'b'])), 'by content alone');
  t.notOk(proven(ask([500, 'a'], [500, 'a'])), 'the same answer');
  t.notOk(proven([1, 2, 3, 4].map((n) => [`1 and ${n}=${n + (n & 1)}`, 2, 200, 500, `d${n}`])), 'a page that is another each time');
  t.notOk(proven([1, 2, 3, 4].map((n) => [`1 and ${n}=${n + (n & 1)}`, 2, n & 1 ? 403 : 200, 500, 'x'])), 'a filter that refuses some');
  t.ok(proven(Array.from({ length: 24 }, (_, i) => [`1 and ascii(substr(user(),1,1))>${i + 60}`, 2, 200, i < 12 ? 500 : 440])), 'guesses letter by letter');
  t.end();
});
