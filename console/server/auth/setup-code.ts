import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { PeopleStore } from '../store/people.js';

// Crockford's letters: none is mistaken for another when it is read off a terminal.
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const SETTING = 'setup-code';
const digest = (code: string): Buffer => createHash('sha256').update(code.toUpperCase().replace(/[^0-9A-Z]/g, '')).digest();

/** A code of 80 bits for the first administrator; only its hash is stored, and an older code is void. */
export async function issueSetupCode(people: PeopleStore): Promise<string> {
  const letters = [...randomBytes(16)].map((b) => LETTERS[b & 31]).join('');
  const code = letters.match(/.{4}/g)!.join('-');
  await people.set(SETTING, digest(code).toString('hex'));
  return code;
}

/** Compares in constant time. */
export async function setupCodeIs(people: PeopleStore, code: string): Promise<boolean> {
  const stored = await people.setting(SETTING);
  const given = digest(code);
  const held = stored ? Buffer.from(stored, 'hex') : Buffer.alloc(given.length);
  return timingSafeEqual(held, given) && stored !== undefined;
}
export const voidSetupCode = (people: PeopleStore): Promise<void> => people.set(SETTING, undefined);
