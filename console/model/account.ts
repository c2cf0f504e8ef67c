import { Type, type Static } from '@sinclair/typebox';
import type { UserName } from './api.js';
import { Id, Text, oneOf, strict } from './fields.js';
import { PERMISSIONS, type Permission } from './roles.js';

const Password = Type.String({ minLength: 1, maxLength: 256 });
/** POST /api/totp : begins; the factor counts after POST /api/totp/confirm with a code that fits. */
export const TotpBegin = Type.Object({ password: Password }, strict);
export type TotpBegin = Static<typeof TotpBegin>;
export interface TotpEnrolment { secret: string; uri: string; /** SVG as a data: address. */ qr: string }
export const TotpConfirm = Type.Object({ code: Type.String({ pattern: '^\\d{6}$' }) }, strict);
export type TotpConfirm = Static<typeof TotpConfirm>;
/** Shown once; each opens one login. */
export interface RecoveryCodes { codes: string[] }
/** DELETE /api/totp */
export const TotpEnd = Type.Object({ password: Password, code: Text(32) }, strict);
export type TotpEnd = Static<typeof TotpEnd>;
/** GET /api/account : the user's own security settings. */
export interface AccountView { totp: boolean; recoveryCodesLeft: number; tokens: TokenRow[]; oidc: boolean; passwordChangedAt?: string; passwordExpiresAt?: string }

/** POST /api/tokens : sent as `Authorization: Bearer`, needs no CSRF header; never more rights than its owner has now. */
export const TokenCreate = Type.Object({
  name: Text(64), scopes: Type.Array(oneOf(PERMISSIONS), { minItems: 1, uniqueItems: true, maxItems: PERMISSIONS.length }),
  /** At most a year ahead. */
  expires: Type.String({ minLength: 1, maxLength: 40 }),
}, strict);
export type TokenCreate = Static<typeof TokenCreate>;
export interface TokenRow { id: string; name: string; scopes: Permission[]; createdAt: string; expires: string; lastUsedAt?: string; lastAddress?: string }
/** The token itself is shown once. */
export interface TokenCreated extends TokenRow { token: string }

/**
 * Setting another's password takes two people and the user: POST /api/users/:id/reset by a system administrator gives one
 * half of a code, POST /api/resets/:id/approve by a security administrator the other; the user redeems both at
 * POST /api/reset. Neither administrator alone can take over the account. Always so in `strict`.
 */
export interface ResetView { id: string; user: UserName; askedBy: UserName; askedAt: string; approvedBy?: UserName; expires: string; state: 'asked' | 'approved' | 'used' | 'over' }
export interface ResetHalf extends ResetView { half: string }
export const ResetRedeem = Type.Object({ account: Text(64), code: Text(64), code2: Text(64), password: Password }, strict);
export type ResetRedeem = Static<typeof ResetRedeem>;
/** DELETE /api/users/:id/totp : a lost device; the same two people. Asked by one, done when the other asks, too. */
export interface TotpReset { done: boolean; askedBy?: UserName }

/** GET /api/sessions/all (security administrator): who is logged in. */
export interface SessionOverview { id: string; user: UserName; createdAt: string; lastSeenAt: string; address: string; agent: string }
/** GET /api/session gives it where OIDC is configured; the button leads to GET /api/oidc/login. */
export interface OidcOffer { label: string; href: string }
export const OidcCallback = Type.Object({ code: Type.Optional(Type.String({ maxLength: 4096 })), state: Type.Optional(Type.String({ maxLength: 512 })), error: Type.Optional(Type.String({ maxLength: 512 })), error_description: Type.Optional(Type.String({ maxLength: 2000 })), iss: Type.Optional(Type.String({ maxLength: 512 })), session_state: Type.Optional(Type.String({ maxLength: 512 })) }, { additionalProperties: true });
export type OidcCallback = Static<typeof OidcCallback>;
export const IdForm = Type.Object({ id: Id }, strict);
