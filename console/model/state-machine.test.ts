import fc from 'fast-check';
import t from 'tap';
import { DEADLINES, deadlinesFrom, proposedLevel, type Level } from './deadline.js';
import { INCIDENT_ACTION_NAMES, INCIDENT_MACHINE, INCIDENT_STATES } from './incident.js';
import { ROLES, permissionsOf, separationFault, type Role } from './roles.js';
import { actionsFrom, step, type Machine } from './state-machine.js';
import { TICKET_ACTION_NAMES, TICKET_MACHINE, TICKET_STATES, type TicketAction, type TicketState } from './ticket.js';

const roleSets = fc.uniqueArray(fc.constantFrom<Role | 'system'>(...ROLES, 'system'), { maxLength: 9 });
const machines: [string, Machine<string, string>, readonly string[], readonly string[]][] = [
  ['ticket', TICKET_MACHINE, TICKET_STATES, TICKET_ACTION_NAMES], ['incident', INCIDENT_MACHINE, INCIDENT_STATES, INCIDENT_ACTION_NAMES],
];

for (const [name, machine, states, actions] of machines) {
  t.test(`${name}: whatever is tried, only what the table allows happens`, async () => {
    fc.assert(fc.property(
      fc.array(fc.tuple(fc.oneof(fc.constantFrom(...actions), fc.constantFrom('__proto__', 'toString', '')), roleSets, fc.array(fc.string(), { maxLength: 3 }), fc.boolean()), { maxLength: 60 }),
      (tries) => {
        let state = machine.initial;
        for (const [action, roles, , generous] of tries) {
          const result = step(machine, state, action, roles, () => generous);
          const rule = Object.hasOwn(machine.actions, action) ? machine.actions[action] : undefined;
          const legal = rule !== undefined && rule.from.includes(state) && rule.by.some((r) => roles.includes(r)) && (generous || rule.needs.length === 0);
          if (result.ok !== legal) return false;
          if (result.ok) {
            if (result.to !== (rule?.to === '*' ? state : rule?.to) || !actionsFrom(machine, state, roles).includes(action)) return false;
            state = result.to;
          }
          if (!states.includes(state)) return false;
        }
        return true;
      },
    ), { numRuns: 2000 });
  });
  t.test(`${name}: every state is reached, every open one can be left`, async (t) => {
    const reached = new Set([machine.initial]);
    for (let grown = true; grown;) {
      grown = false;
      for (const rule of Object.values(machine.actions)) {
        if (rule.to !== '*' && rule.from.some((f) => reached.has(f)) && !reached.has(rule.to)) { reached.add(rule.to); grown = true; }
      }
    }
    t.same([...reached].sort(), [...states].sort());
    t.same(Object.keys(machine.actions).sort(), [...actions].sort());
    for (const state of states.filter((s) => s !== 'withdrawn')) t.ok(Object.values(machine.actions).some((r) => r.from.includes(state) && r.to !== '*' && r.to !== state), state);
  });
}

t.test('a ticket is closed only by way of feedback, verification with proof, and the quiet window', async () => {
  fc.assert(fc.property(fc.array(fc.constantFrom(...TICKET_ACTION_NAMES), { minLength: 1, maxLength: 80 }), (tries) => {
    let state: TicketState = TICKET_MACHINE.initial;
    const way: TicketAction[] = [];
    for (const action of tries) {
      const r = step(TICKET_MACHINE, state, action, [...ROLES, 'system'], () => true);
      if (!r.ok) continue;
      state = r.to;
      way.push(action);
      if (action !== 'close') continue;
      const since = way.slice(way.lastIndexOf('approve'));
      let at = -1;
      for (const must of ['approve', 'acknowledge', 'give_feedback', 'verify', 'pass', 'close'] as const) {
        at = since.indexOf(must, at + 1);
        if (at < 0) return false;
      }
    }
    return true;
  }), { numRuns: 3000 });
});

t.test('roles: three administrators are three people', async (t) => {
  t.same(separationFault(['auditor', 'analyst'], 'appliance'), ['auditor', 'analyst']);
  t.same(separationFault(['system_admin', 'security_admin'], 'strict'), ['system_admin', 'security_admin']);
  t.equal(separationFault(['system_admin', 'security_admin', 'operator'], 'appliance'), undefined);
  t.notOk(permissionsOf(['system_admin']).has('role.assign'));
  t.notOk(permissionsOf(['security_admin']).has('user.write'));
  for (const role of ROLES) if (role !== 'auditor') t.notOk(permissionsOf([role]).has('audit.read'), role);
});

t.test('deadlines and levels', async (t) => {
  t.same(deadlinesFrom(0, 1), { acknowledge: 900_000, contain: 3_600_000, rectify: 86_400_000 });
  for (const level of [1, 2, 3, 4] as Level[]) t.ok(DEADLINES[level].acknowledge < DEADLINES[level].contain && DEADLINES[level].contain < DEADLINES[level].rectify);
  t.equal(proposedLevel('critical', 'compromised', 'core'), 1);
  t.equal(proposedLevel('critical', 'succeeded'), 2);
  t.equal(proposedLevel('high', 'attempted', 'core'), 3, 'an attempt alone is never worse than Ⅲ');
  t.equal(proposedLevel('low', 'attempted'), 4);
});
