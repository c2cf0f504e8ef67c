import { hash, verify } from '@node-rs/argon2';
import { refusals } from '../errors.js';
import type { UserRecord } from '../store/people.js';

// OWASP's argon2id parameters of 19 MiB; a login takes some 30 ms.
const OPTIONS = { algorithm: 2 /* argon2id */, memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const COMMON = ['password', 'admin', '12345678', 'qwerty', 'shouwang', 'abc123', 'letmein', 'welcome', 'p@ssw0rd', 'admin@123', '1q2w3e'];

export const hashPassword = (password: string): Promise<string> => hash(password, OPTIONS);

// Verified when the account is unknown, so that the answer takes as long.
let decoy: Promise<string> | undefined;
export async function checkPassword(stored: string | undefined, password: string): Promise<boolean> {
  decoy ??= hashPassword('no account has this one');
  const good = await verify(stored ?? (await decoy), password).catch(() => false);
  return stored !== undefined && good;
}

/** Throws where a new password is too weak. */
export function demandStrong(password: string, account: string, policy: { minLength: number; classes: number }): void {
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^a-zA-Z0-9]/].filter((k) => k.test(password)).length;
  const lower = password.toLowerCase();
  const plain = lower.replace(/[^a-z0-9@]/g, '');
  const weak = [...password].length < policy.minLength || kinds < policy.classes || lower.includes(account.toLowerCase())
    || COMMON.some((c) => plain === c || (plain.startsWith(c) && plain.length <= c.length + 3)) || /^(.)\1+$/.test(password);
  if (weak) throw refusals.weakPassword(policy.minLength, policy.classes);
}

/** The columns that a new password changes; throws where it is one of the latest. */
export async function changedPassword(user: UserRecord, password: string, policy: { minLength: number; classes: number; history: number }, now: number): Promise<Pick<UserRecord, 'password' | 'password_at' | 'passwords_json'>> {
  const before = [user.password, ...(JSON.parse(user.passwords_json) as string[])].slice(0, policy.history);
  for (const old of before) if (await verify(old, password).catch(() => false)) throw refusals.usedPassword(policy.history);
  return { password: await hashPassword(password), password_at: now, passwords_json: JSON.stringify(before.slice(0, Math.max(0, policy.history - 1))) };
}

/** How long an account is locked after so many failures in a row: nothing for four, then 30 s doubling up to an hour. */
export function lockMs(failures: number): number {
  return failures < 5 ? 0 : Math.min(3_600_000, 30_000 * 2 ** Math.min(20, failures - 5));
}
