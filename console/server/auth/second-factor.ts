import { createHash, randomBytes } from 'node:crypto';
import { generateSecret, generateSync, generateURI } from 'otplib';
import type { UserRecord } from '../store/people.js';
import type { Seal } from './seal.js';

/** RFC 6238: six digits, 30 seconds; a clock may be one step off either way. */
const STEP_S = 30;
const RECOVERY_CODES = 10;

export const newSecret = (): string => generateSecret();
export const enrolmentUri = (secret: string, account: string): string => generateURI({ issuer: 'Shouwang', label: account, secret });

/** @returns the time step in which the code is right; it must lie after `after`, so that a code is good once */
export function stepOf(secret: string, code: string, now: number, after: number): number | undefined {
  const current = Math.floor(now / 1000 / STEP_S);
  for (const step of [current, current - 1, current + 1]) {
    if (step > after && generateSync({ secret, epoch: step * STEP_S }) === code) return step;
  }
  return undefined;
}

const plain = (code: string): string => code.toLowerCase().replace(/[^a-z0-9]/g, '');
export const hashCode = (code: string): string => createHash('sha256').update(plain(code)).digest('hex');
/** 50 bits each, written in two groups. */
export function recoveryCodes(): string[] {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';
  return Array.from({ length: RECOVERY_CODES }, () => {
    const letters = [...randomBytes(10)].map((b) => alphabet[b % alphabet.length]).join('');
    return `${letters.slice(0, 5)}-${letters.slice(5)}`;
  });
}

/** Whether the code opens this account; what changes with it is the caller's to store. */
export function checkSecondFactor(user: UserRecord, code: string, seal: Seal, now: number): Partial<UserRecord> | undefined {
  const secret = user.totp === null ? undefined : seal.open(user.totp);
  if (secret !== undefined && /^\d{6}$/.test(code)) {
    const step = stepOf(secret, code, now, user.totp_step);
    if (step !== undefined) return { totp_step: step };
  }
  const left = JSON.parse(user.recovery_json ?? '[]') as string[];
  const hash = hashCode(code);
  return left.includes(hash) ? { recovery_json: JSON.stringify(left.filter((h) => h !== hash)) } : undefined;
}
