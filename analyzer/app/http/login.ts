import { text } from '../bytes.js';
import type { HttpTransaction } from './transaction.js';

/** Names under which login forms send account and password, as lower-case whole names. */
const USER =
  /^(?:j_|login|log_|user_|account_)?(?:user|username|user_?name|userid|user_?id|uname|account|accountname|login|login_?name|loginid|log|email|mail|phone|mobile|usr|yhm|zh|txtusername|ctl\d+\$username)$/i;
const PASS = /^(?:j_|login|log_|user_|txt)?(?:pass|passwd|password|pwd|userpwd|userpass|pword|passcode|psw|mm|mima|kl|kouling|dlmm|yhmm)$/i;
const FAIL =
  /密码错误|口令错误|账号或密码|帐号或密码|用户名或密码|登录失败|登陆失败|用户不存在|验证码|incorrect|invalid (?:user|login|cred|pass|account)|wrong password|bad credentials|login failed|authentication fail|access denied|unauthori[sz]ed|"success"\s*:\s*false|"status"\s*:\s*(?:"error"|"fail)/i;
const OK =
  /登录成功|登陆成功|login success|welcome back|"success"\s*:\s*true|"access_?token"|"token"\s*:\s*"[^"]{8}|"status"\s*:\s*(?:"ok"|"success"|200)|"code"\s*:\s*(?:0|200)\b/i;

/** A number of an error where an interface says 0 or 200 when all is well. */
const REFUSED = /^\s*\{[^{}]{0,200}?"(?:code|err_?code|errno|ret|ret_?code|result_?code)"\s*:\s*"?-?[1-9]\d{0,6}\b/i;

/** Bytes of a form or reply looked at for a login; login forms and their replies are small. */
const LOOK = 4096;

/** Recognises HTTP Basic and Digest credentials (RFC 7617, RFC 7616). */
export function credentials(tx: HttpTransaction, value: string): void {
  const digest = /^\s*digest\s.{0,512}?\busername\s*=\s*"((?:[^"\\]|\\.){0,128})"/i.exec(value);
  if (digest) {
    tx.login = { user: digest[1]!.replace(/\\(.)/g, '$1'), method: 'digest' };
    return;
  }
  const m = /^\s*basic\s+([A-Za-z0-9+/=]{2,512})/i.exec(value);
  if (!m) return;
  const plain = Buffer.from(m[1]!, 'base64').toString('utf8');
  const cut = plain.indexOf(':');
  if (cut >= 0) tx.login = { user: plain.slice(0, Math.min(cut, 128)), method: 'basic' };
}

/** Recognises a login form or a JSON login in a request body. */
export function form(u8: Uint8Array, tx: HttpTransaction): void {
  const { body } = tx.request;
  if (body.length < 6 || tx.login) return;
  const s = text(u8, body.at, Math.min(body.length, LOOK));
  let user: string | undefined;
  let password = false;
  if (s.charCodeAt(0) === 0x7b) {
    for (const m of s.matchAll(/"([A-Za-z_$0-9]{2,32})"\s*:\s*"((?:[^"\\]|\\.){0,128})"/g)) {
      if (USER.test(m[1]!)) user ??= m[2]!;
      else if (PASS.test(m[1]!)) password = true;
    }
  } else {
    for (const pair of s.split('&', 64)) {
      const cut = pair.indexOf('=');
      if (cut < 1 || cut > 64) continue;
      const key = pair.slice(0, cut);
      if (USER.test(key)) user ??= pair.slice(cut + 1, cut + 129);
      else if (PASS.test(key)) password = true;
    }
    if (user !== undefined) user = unescaped(user);
  }
  if (password && user !== undefined) tx.login = { user, method: 'form' };
}

/** A form's value: its bytes are UTF-8 or, on older pages, GBK. */
function unescaped(value: string): string {
  const bytes = new Uint8Array(value.length * 3);
  let n = 0;
  for (let i = 0; i < value.length; i++) {
    const hex = value[i] === '%' ? /^[0-9a-f]{2}/i.exec(value.slice(i + 1, i + 3)) : null;
    if (hex) {
      bytes[n++] = parseInt(hex[0], 16);
      i += 2;
    } else if (value[i] === '+') bytes[n++] = 0x20;
    else if (value.charCodeAt(i) < 0x80) bytes[n++] = value.charCodeAt(i);
    else return value; // text already
  }
  return text(bytes, 0, n);
}

/** JSON's escapes of characters beyond ASCII, undone. */
function plain(s: string): string {
  return s.includes('\\u') ? s.replace(/\\u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))) : s;
}

/** How the login went, from the reply. */
export function outcome(
  u8: Uint8Array,
  tx: HttpTransaction,
): { result: 'success' | 'failure' | 'unknown'; confidence: number } {
  const { status, response } = tx;
  if (status === 401 || status === 403 || status === 407) return { result: 'failure', confidence: 0.85 };
  if (tx.login?.method === 'basic' || tx.login?.method === 'digest') {
    return status >= 200 && status < 400
      ? { result: 'success', confidence: 0.7 }
      : { result: 'unknown', confidence: 0.2 };
  }
  if (status >= 300 && status < 400) {
    const to = tx.location.length > 0 ? text(u8, tx.location.at, Math.min(tx.location.length, 512)) : '';
    if (/login|signin|error|fail|denied/i.test(to)) return { result: 'failure', confidence: 0.6 };
    return { result: 'success', confidence: 0.6 };
  }
  if (status === 200 && response.body.length > 0) {
    const s = plain(text(u8, response.body.at, Math.min(response.body.length, LOOK)));
    if (FAIL.test(s)) return { result: 'failure', confidence: 0.7 };
    if (OK.test(s)) return { result: 'success', confidence: 0.65 };
    if (/type=["']?password/i.test(s)) return { result: 'failure', confidence: 0.5 };
    if (REFUSED.test(s)) return { result: 'failure', confidence: 0.5 };
  }
  if (status >= 400) return { result: 'failure', confidence: 0.4 };
  return { result: 'unknown', confidence: 0.2 };
}
