import type { Bilingual } from '../../contracts/alert.js';
import type { Role } from './roles.js';

/** Fields that an action may demand beside its name. */
export type Need =
  | 'reason' | 'owner' | 'feedback' | 'verification' | 'until' | 'signer'
  /** The draft is complete: title, unit, level, demands. */
  | 'complete'
  /** Somebody else than the author of the draft. */
  | 'second_person'
  /** The actor belongs to the ticket's unit. */
  | 'own_unit'
  /** The quiet window has passed without the same attack. */
  | 'quiet_window'
  /** An extension waits for a decision. */
  | 'extension_pending';

/** `*` stays in the state it is in. */
export interface Action<S extends string> {
  from: readonly S[];
  to: S | '*';
  /** Who may; `system` is the console itself (reopening, closing the window). */
  by: readonly (Role | 'system')[];
  needs: readonly Need[];
  label: Bilingual;
}

export interface Machine<S extends string, A extends string> {
  readonly initial: S;
  readonly actions: Readonly<Record<A, Action<S>>>;
}

export type Refusal =
  | { kind: 'illegal'; from: string; action: string }
  | { kind: 'role'; action: string; by: readonly string[] }
  | { kind: 'needs'; action: string; need: Need };

export type Step<S> = { ok: true; to: S } | { ok: false; refusal: Refusal };

/**
 * One step of a machine: pure, and the only way a state changes.
 * @param met tells which needs of the action are met.
 */
export function step<S extends string, A extends string>(
  machine: Machine<S, A>, from: S, action: A, roles: readonly (Role | 'system')[], met: (need: Need) => boolean,
): Step<S> {
  const rule = Object.hasOwn(machine.actions, action) ? machine.actions[action] : undefined;
  if (!rule || !rule.from.includes(from)) return { ok: false, refusal: { kind: 'illegal', from, action } };
  if (!rule.by.some((role) => roles.includes(role))) return { ok: false, refusal: { kind: 'role', action, by: rule.by } };
  for (const need of rule.needs) if (!met(need)) return { ok: false, refusal: { kind: 'needs', action, need } };
  return { ok: true, to: rule.to === '*' ? from : rule.to };
}

/** Actions that these roles may take from this state; the needs are for the form to ask. */
export function actionsFrom<S extends string, A extends string>(
  machine: Machine<S, A>, from: S, roles: readonly (Role | 'system')[],
): A[] {
  return (Object.keys(machine.actions) as A[]).filter((name) => {
    const rule = machine.actions[name];
    return rule.from.includes(from) && rule.by.some((role) => roles.includes(role));
  });
}
