import { CLOCKS, CLOCK_NAMES, type Clock } from '../model/deadline.js';
import { step } from '../model/state-machine.js';
import { TICKET_MACHINE, type TicketState } from '../model/ticket.js';
import type { Context } from './context.js';
import { followUp } from './aftermath.js';
import { byConsole, noted } from './store/follow-up.js';
import type { TicketRecord } from './store/tickets.js';

/** Time at which the running clock began: the moment the one before it was stopped, or the issue. */
function began(t: TicketRecord): number {
  const clock = CLOCKS.indexOf(t.due_clock as Clock);
  return Math.max(t.issued ?? 0, ...CLOCKS.slice(0, clock).map((c) => t[`done_${c}`] ?? 0));
}

/**
 * Looks at every running deadline: reminds the unit when most of the time is used up, and when it has passed tells
 * everybody involved and puts the ticket under supervision. Each of it once a deadline. @returns tickets that were told of
 */
export async function watchDeadlines(context: Context): Promise<number> {
  const { store, clock } = context;
  const now = clock.now();
  const { remindAt, superviseAfter } = context.remediation.escalation;
  let told = 0;
  for (const t of await store.tickets.running()) {
    if (t.due === null) continue;
    const used = (now - began(t)) / Math.max(1, t.due - began(t));
    const name = CLOCK_NAMES[t.due_clock as Clock];
    let after: ReturnType<typeof noted>;
    if (now >= t.due + superviseAfter * 60_000) {
      if (t.escalated === t.due) continue;
      after = noted(t.id, now, { notice: { kind: 'overdue', audience: ['unit', 'people', 'leaders'], text: JSON.stringify(name) } });
      const text = JSON.stringify({ zh: `“${name.zh}”超期，自动督办`, en: `Overdue (${name.en}); put under supervision` });
      if (await store.tickets.decide(t.id, t.version, { escalated: t.due, told_due: t.due, supervised: 1 }, { at: now, by: null, action: 'overdue', from_state: t.state, to_state: t.state, text }, { followUp: after, audit: byConsole(now, t, 'overdue', t.state) }) === undefined) continue;
    } else if (used * 100 >= remindAt) {
      if (t.told_due === t.due || !step(TICKET_MACHINE, t.state as TicketState, 'remind', ['system'], () => true).ok) continue;
      after = noted(t.id, now, { notice: { kind: 'due_soon', audience: ['unit'], text: JSON.stringify(name) } });
      const text = JSON.stringify({ zh: `“${name.zh}”即将到期`, en: `Almost due (${name.en})` });
      if (await store.tickets.decide(t.id, t.version, { told_due: t.due, reminded: t.reminded + 1 }, { at: now, by: null, action: 'remind', from_state: t.state, to_state: t.state, text }, { followUp: after, audit: byConsole(now, t, 'remind', t.state) }) === undefined) continue;
    } else continue;
    told++;
    await followUp(context, after);
  }
  return told;
}
