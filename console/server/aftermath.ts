import type { Context } from './context.js';
import { ofTicket } from './notify.js';
import { closeIncidentOf, remediateIncident, resumeIncident } from './remediation.js';
import type { Aftermath } from './store/follow-up.js';
import { EVERYTHING } from './store/scope.js';
import type { FollowUpRecord } from './store/tickets.js';
import { NOTHING_TOLD, allTold } from './store/told.js';
import { ticketRow } from './views.js';

// Whoever took the step is still at it; only what is older was left by a crash.
const LEFT_MS = 30_000;

/**
 * Does what follows from a step of a ticket: the step of its incident, notices, what browsers and channels hear. It was noted
 * in the transaction of the step; what a crash left undone is done at the next start. Done twice it changes nothing: the
 * incident's machine refuses, a notice has its own id, a delivery its key.
 */
export async function followUp(context: Context, record: FollowUpRecord): Promise<void> {
  const { incident, text, notice } = JSON.parse(record.what_json) as Aftermath;
  const ticket = await context.store.tickets.byId(EVERYTHING, record.ticket);
  if (ticket) {
    if (incident === 'remediate') await remediateIncident(context, ticket.incident);
    if (incident === 'resume') await resumeIncident(context, ticket.incident, text ?? '');
    if (incident === 'close') await closeIncidentOf(context, ticket.incident);
  }
  const told = ticket === undefined ? NOTHING_TOLD : allTold(
    context.outbound?.ticket(ticketRow(ticket, context.assets(), context.clock.now()), record.id) ?? NOTHING_TOLD,
    notice ? await ofTicket(context, notice.kind, ticket, notice.audience, notice.text ?? null, notice.except, record.id) : NOTHING_TOLD,
  );
  await context.store.together(async (store) => {
    await store.told(told);
    await store.tickets.followed(record.id);
  });
  context.announceTold(told);
  if (ticket) await context.announceTicket(ticket.id);
}

/** Does what is left. @param all at a start, also what is recent @returns how many */
export async function followLeft(context: Context, all = false): Promise<number> {
  const left = await context.store.tickets.followUps(context.clock.now() - (all ? 0 : LEFT_MS));
  for (const record of left) await followUp(context, record).catch((error: unknown) => context.log.warn('what follows from a step of a ticket could not be done; it is tried again', { error, ticket: record.ticket }));
  return left.length;
}
