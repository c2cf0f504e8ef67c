import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ROUTES, type RouteRule } from '../model/permissions.js';
import { PERMISSIONS, ROLES, ROLE_PERMISSIONS, separationFault, type Role } from '../model/roles.js';
import { PASSWORD, startConsole } from './harness.js';

t.test('what each role may do holds at every route', async (t) => {
  const h = await startConsole();
  t.teardown(() => h.stop());
  await h.useRegistry();
  for (const role of ROLES) {
    const who = await h.person(role.replaceAll('_', '-'), [role]);
    const wrong: string[] = [];
    for (const [name, rule] of Object.entries(ROUTES) as [string, RouteRule][]) {
      if (rule.needs === 'public' || rule.needs === 'session') continue;
      const [method, path] = name.split(' ');
      const { status } = await who.call(method, path.replace(':id', 'none').replace(':number', '1'));
      // Past the door a request without its parts is wrong (400), or about nothing (404), but not forbidden.
      const mayEnter = ROLE_PERMISSIONS[role].includes(rule.needs);
      if ((status === 403) === mayEnter || status >= 500) wrong.push(`${name} → ${status}`);
    }
    t.same(wrong, [], role);
  }
});

t.test('the three administrators exclude one another, and none of them reads findings', (t) => {
  const has = (role: Role, permission: (typeof PERMISSIONS)[number]): boolean => ROLE_PERMISSIONS[role].includes(permission);
  const only = (permission: (typeof PERMISSIONS)[number]): Role[] => ROLES.filter((r) => has(r, permission));
  for (const [permission, roles] of [['user.write', ['system_admin']], ['store.write', ['system_admin']], ['account.reset', ['system_admin']], ['role.assign', ['security_admin']], ['reset.approve', ['security_admin']], ['session.revoke', ['security_admin']], ['audit.read', ['auditor']]] as const) t.same(only(permission), roles, permission);
  for (const admin of ['system_admin', 'security_admin', 'auditor'] as const) {
    for (const finding of ['alert.read', 'evidence.read', 'incident.read', 'incident.triage', 'ticket.read', 'ticket.act', 'export.read', 'report.read'] as const) t.notOk(has(admin, finding), `${admin}: ${finding}`);
    for (const other of ROLES) if (other !== admin) t.ok(separationFault([admin, other], 'strict'), `${admin} with ${other}`);
  }
  // Who looks on changes nothing; a leader acts on tickets alone.
  t.same(ROLE_PERMISSIONS.referee.filter((p) => !p.endsWith('.read')), []);
  t.same(ROLE_PERMISSIONS.leader.filter((p) => !p.endsWith('.read')), ['ticket.act']);
  t.same(ROLE_PERMISSIONS.unit_handler.filter((p) => !p.endsWith('.read')), ['ticket.act']);
  t.end();
});

t.test('locks grow, addresses are held back, and the audit log is checked elsewhere', async (t) => {
  const h = await startConsole();
  t.teardown(() => h.stop());
  await h.person('ana', ['analyst']);
  const aud = await h.person('aud', ['auditor']);
  const guess = async (from: string) => h.console.app.inject({ method: 'POST', url: '/api/login', payload: { account: 'ana', password: 'nope' }, remoteAddress: from });
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    const answer = await guess(`192.0.2.${i + 1}`);
    if (answer.statusCode !== 429) continue;
    const seconds = Number(answer.json().details.retryAfter);
    waits.push(seconds);
    t.equal((await h.console.app.inject({ method: 'POST', url: '/api/login', payload: { account: 'ana', password: PASSWORD }, remoteAddress: '192.0.2.99' })).json().code, 'SW_CONSOLE_LOCKED', 'the right password does not open a lock');
    h.advance(seconds * 1000 + 1);
  }
  t.same(waits, [30, 60, 120, 240], 'each time twice as long, from wherever the guesses come');
  const codes = [];
  for (let i = 0; i < 33; i++) codes.push((await h.console.app.inject({ method: 'POST', url: '/api/login', payload: { account: `x${i}`, password: 'nope' }, remoteAddress: '198.51.100.1' })).json().code);
  t.ok(codes.slice(30).every((c) => c === 'SW_CONSOLE_RATE'), 'one address does not try every account');

  const log = (await aud.call('GET', '/api/audit/export')).raw.toString();
  const file = join(h.dir, 'audit.ndjson');
  const verify = (text: string) => {
    writeFileSync(file, text);
    return spawnSync(process.execPath, ['dist/cli/main.js', 'verify', file], { encoding: 'utf8' });
  };
  t.match(verify(log), { status: 0, stdout: /\d+ entries.*\nSound\./ });
  const lines = log.trim().split('\n');
  t.match(verify(`${lines.with(2, (lines[2] as string).replace('nope', 'x').replace('"refused"', '"done"')).join('\n')}\n`), { status: 1, stdout: /entry 3/ }, 'changed');
  t.match(verify(`${lines.toSpliced(3, 1).join('\n')}\n`), { status: 1, stdout: /entry 4/ }, 'taken out');
});
