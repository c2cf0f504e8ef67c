import fc from 'fast-check';
import t from 'tap';
import { deadlinesFrom } from './deadline.js';
import { meanTimes, reopened, roundOverdue, roundsOf, type Rounded } from './rounds.js';
import { step } from './state-machine.js';
import { ROLES } from './roles.js';
import { TICKET_ACTION_NAMES, TICKET_MACHINE, type TicketState } from './ticket.js';

const MINUTE = 60_000;
const fresh = (): Rounded => ({
  state: 'draft', issued: null, ended: null, signer: null, feedback_json: null, verification_json: null, rounds_json: '[]',
  due_acknowledge: null, due_contain: null, due_rectify: null, done_acknowledge: null, done_contain: null, done_rectify: null,
});

t.test('whatever happens to a ticket, what each round took stays', (t) => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom(...TICKET_ACTION_NAMES), fc.integer({ min: 1, max: 5_000 })), { maxLength: 150 }), (tries) => {
    let ticket = fresh();
    let now = 1_560_000_000_000;
    // A bookkeeper who writes every round down by himself.
    const book: { issued: number; acknowledge: number | null; contain: number | null; rectify: number | null; signer: string | null }[] = [];
    for (const [action, minutes] of tries) {
      now += minutes * MINUTE;
      const done = step(TICKET_MACHINE, ticket.state as TicketState, action, [...ROLES, 'system'], () => true);
      if (!done.ok) continue;
      const due = deadlinesFrom(now, 3);
      const line = book.at(-1);
      if (action === 'approve' || action === 'reopen') book.push({ issued: now, acknowledge: null, contain: null, rectify: null, signer: null });
      if (action === 'approve') ticket = { ...ticket, issued: now, due_acknowledge: due.acknowledge, due_contain: due.contain, due_rectify: due.rectify };
      if (action === 'reopen') ticket = { ...ticket, ...reopened(ticket, now, due) };
      if (action === 'acknowledge') { ticket = { ...ticket, signer: `s${now}`, done_acknowledge: now }; Object.assign(line!, { acknowledge: now, signer: `s${now}` }); }
      if (action === 'contain') { ticket = { ...ticket, done_contain: now }; line!.contain = now; }
      if (action === 'give_feedback') {
        line!.contain ??= now;
        ticket = { ...ticket, done_contain: ticket.done_contain ?? now, done_rectify: now };
        line!.rectify = now;
      }
      if (action === 'return') { ticket = { ...ticket, done_rectify: null }; line!.rectify = null; }
      if (action === 'close' || action === 'withdraw' || action === 'accept_appeal') ticket = { ...ticket, ended: now };
      ticket = { ...ticket, state: done.to };
    }
    const rounds = roundsOf(ticket);
    const kept = book.length > 50 ? [book[0], ...book.slice(-49)] : book;
    if (rounds.length !== kept.length) return false;
    return rounds.every((r, n) => r.issued === kept[n].issued && r.done.acknowledge === kept[n].acknowledge && r.done.contain === kept[n].contain && r.done.rectify === kept[n].rectify && r.signer === kept[n].signer
      && (n === rounds.length - 1 || (r.ended !== null && r.ended <= rounds[n + 1].issued)) && Object.values(r.done).every((at) => at === null || (at >= r.issued && (r.ended === null || at <= r.ended))));
  }), { numRuns: 2000 });
  t.end();
});

t.test('mean times count every round; a round opened again is judged by its own deadlines', (t) => {
  const due = deadlinesFrom(0, 3);
  const first: Rounded = {
    ...fresh(), state: 'closed', issued: 0, due_acknowledge: due.acknowledge, due_contain: due.contain, due_rectify: due.rectify,
    done_acknowledge: 10 * MINUTE, done_contain: 60 * MINUTE, done_rectify: 100 * MINUTE, ended: 1_000 * MINUTE, signer: '吴', feedback_json: '{"cause":"c"}', verification_json: '{"method":"retest"}',
  };
  const at = 5_000 * MINUTE;
  const again = { ...first, ...reopened(first, at, deadlinesFrom(at, 3)), state: 'acknowledged', done_acknowledge: at + 300 * MINUTE };
  t.same(meanTimes(roundsOf(again)), { acknowledge: 155, contain: 60, rectify: 100 }, 'the first fix is not forgotten, the second not yet there');
  t.match(roundsOf(again), [{ issued: 0, ended: 1_000 * MINUTE, closed: true, signer: '吴', feedback: '{"cause":"c"}', verification: '{"method":"retest"}' }, { issued: at, signer: null, feedback: null }]);
  t.same(roundsOf(again).map((r) => roundOverdue(r, at + 310 * MINUTE)), [false, true], 'signed for an hour late, the second time');
  t.end();
});
