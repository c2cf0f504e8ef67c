import { INCIDENT_MACHINE, type IncidentAction, type IncidentState } from '../model/incident.js';
import { step } from '../model/state-machine.js';
import { TICKET_ENDED, TICKET_MACHINE, type TicketState } from '../model/ticket.js';
import type { Context } from './context.js';
import { followUp } from './aftermath.js';
import { byConsole, noted } from './store/follow-up.js';
import { EVERYTHING } from './store/scope.js';
import { NOTHING_TOLD } from './store/told.js';

// A decision of the console itself gives way to people, who may act at the same moment: it looks again.
const TRIES = 3;

async function actAsConsole(context: Context, incident: string, action: IncidentAction, text: string): Promise<void> {
  for (let i = 0; i < TRIES; i++) {
    const record = await context.store.incidents.byId(EVERYTHING, incident);
    if (!record) return;
    const result = step(INCIDENT_MACHINE, record.state as IncidentState, action, ['system'], () => true);
    if (!result.ok || result.to === record.state) return;
    const now = context.clock.now();
    const change = { state: result.to, closed_at: action === 'close' ? now : null, ...(action === 'reopen' ? { reopened: record.reopened + 1 } : {}) };
    const told = context.outbound?.incidents([{ ...record, ...change, version: record.version + 1 }], context.assets()) ?? NOTHING_TOLD;
    const version = await context.store.incidents.decide(incident, record.version, change, { at: now, by: null, action, from_state: record.state, to_state: result.to, text }, { told });
    if (version === undefined) continue;
    context.announceTold(told);
    const after = await context.store.incidents.byId(EVERYTHING, incident);
    if (after) await context.announceIncident(after);
    return;
  }
}

/** Its first bulletin went out. */
export const remediateIncident = (context: Context, incident: string): Promise<void> => actAsConsole(context, incident, 'remediate', '');

/** Its ticket was opened again. */
export async function resumeIncident(context: Context, incident: string, text: string): Promise<void> {
  await actAsConsole(context, incident, 'reopen', text);
  await actAsConsole(context, incident, 'remediate', text);
}

/** Closes the incident with its last ticket. */
export async function closeIncidentOf(context: Context, incident: string): Promise<void> {
  const tickets = await context.store.tickets.ofIncident(EVERYTHING, incident);
  if (!tickets.every((t) => (TICKET_ENDED as readonly string[]).includes(t.state)) || !tickets.some((t) => t.state === 'closed')) return;
  await actAsConsole(context, incident, 'close', tickets.map((t) => t.number ?? t.id).join(', '));
}

/** Closes the tickets whose quiet window is over. @returns how many */
export async function closeQuiet(context: Context): Promise<number> {
  const { store, clock } = context;
  let closed = 0;
  for (const t of await store.tickets.quiet(clock.now())) {
    const result = step(TICKET_MACHINE, t.state as TicketState, 'close', ['system'], (need) => need === 'quiet_window');
    if (!result.ok) continue;
    const now = clock.now();
    const after = noted(t.id, now, { incident: 'close', notice: { kind: 'closed', audience: ['unit', 'people'] } });
    const done = await store.tickets.decide(t.id, t.version, { state: result.to, ended: now, due: null, due_clock: null }, { at: now, by: null, action: 'close', from_state: t.state, to_state: result.to, text: null }, { followUp: after, audit: byConsole(now, t, 'close', result.to) });
    if (done === undefined) continue;
    closed++;
    await followUp(context, after);
  }
  return closed;
}
