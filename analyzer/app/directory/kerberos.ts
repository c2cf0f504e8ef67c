import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { text, u32 } from '../bytes.js';
import { FrameProtocol } from '../frames.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type AppParser, type ProtocolEntry } from '../parser.js';
import { addString } from '../tls/tls.js';
import { element, integer, valueAt, valueEnd } from './ber.js';

/** Anomalies of Kerberos, named as Suricata names its krb5 events. */
export type KerberosAnomaly = 'malformed_data' | 'weak_encryption';

const TYPES: Record<number, string> = {
  10: 'KRB_AS_REQ',
  11: 'KRB_AS_REP',
  12: 'KRB_TGS_REQ',
  13: 'KRB_TGS_REP',
  14: 'KRB_AP_REQ',
  15: 'KRB_AP_REP',
  20: 'KRB_SAFE',
  21: 'KRB_PRIV',
  30: 'KRB_ERROR',
};
const ENCRYPTION: Record<number, string> = {
  1: 'des-cbc-crc',
  3: 'des-cbc-md5',
  16: 'des3-cbc-sha1-kd',
  17: 'aes128-cts-hmac-sha1-96',
  18: 'aes256-cts-hmac-sha1-96',
  23: 'rc4-hmac',
  24: 'rc4-hmac-exp',
};
const ERRORS: Record<number, string> = {
  6: 'KDC_ERR_C_PRINCIPAL_UNKNOWN',
  7: 'KDC_ERR_S_PRINCIPAL_UNKNOWN',
  14: 'KDC_ERR_ETYPE_NOSUPP',
  18: 'KDC_ERR_CLIENT_REVOKED',
  23: 'KDC_ERR_KEY_EXPIRED',
  24: 'KDC_ERR_PREAUTH_FAILED',
  25: 'KDC_ERR_PREAUTH_REQUIRED',
  1: 'KDC_ERR_NAME_EXP',
  3: 'KDC_ERR_BAD_PVNO',
  12: 'KDC_ERR_POLICY',
  13: 'KDC_ERR_BADOPTION',
  16: 'KDC_ERR_PADATA_TYPE_NOSUPP',
  29: 'KDC_ERR_SVC_UNAVAILABLE',
  31: 'KRB_AP_ERR_BAD_INTEGRITY',
  32: 'KRB_AP_ERR_TKT_EXPIRED',
  33: 'KRB_AP_ERR_TKT_NYV',
  34: 'KRB_AP_ERR_REPEAT',
  37: 'KRB_AP_ERR_SKEW',
  41: 'KRB_AP_ERR_MODIFIED',
  52: 'KRB_ERR_RESPONSE_TOO_BIG',
  60: 'KRB_ERR_GENERIC',
  68: 'KDC_ERR_WRONG_REALM',
};

/** Kerberos 5 messages (RFC 4120): names, encryption types, errors. */
class Messages {
  private user = '';
  /** Type of the request under way. */
  private asked = 0;
  private preauth = false;
  private service = '';

  message(c: AppContext, flow: Flow, d: Direction, at: number, end: number, id: number): boolean {
    const { u8 } = c.arena;
    const tag = element(u8, at, end);
    const type = tag - 0x60;
    if (tag < 0x60 || TYPES[type] === undefined) return false;
    if (element(u8, valueAt(), valueEnd()) !== 0x30) return false;
    const o: Record<string, unknown> = { msg_type: TYPES[type] };
    let cname: string | undefined, sname: string | undefined, realm: string | undefined;
    let error = -1,
      weak = false,
      preauth = false;
    let encryption = -1;
    const walk = (from: number, to: number, map: (tag: number, at: number, end: number) => void): void => {
      for (let p = from, i = 0; p < to && i < 64; i++) {
        const t = element(u8, p, to);
        if (t < 0) return;
        const a = valueAt(),
          e = valueEnd();
        map(t, a, e);
        p = e;
      }
    };
    const name = (a: number, e: number): string => {
      const parts: string[] = [];
      if (element(u8, a, e) !== 0x30) return '';
      walk(valueAt(), valueEnd(), (t, x, y) => {
        if (t !== 0xa1 || element(u8, x, y) !== 0x30) return;
        walk(valueAt(), valueEnd(), (_t, sa, se) => parts.push(text(u8, sa, Math.min(se - sa, 128))));
      });
      return parts.slice(0, 8).join('/');
    };
    const str = (a: number, e: number): string =>
      element(u8, a, e) >= 0 ? text(u8, valueAt(), Math.min(valueEnd() - valueAt(), 128)) : '';
    const int = (a: number, e: number): number => (element(u8, a, e) === 2 ? integer(u8, valueAt(), valueEnd()) : -1);
    walk(valueAt(), valueEnd(), (t, a, e) => {
      if (type === 10 || type === 12) {
        if (t === 0xa3 && element(u8, a, e) === 0x30) {
          walk(valueAt(), valueEnd(), (_p, pa, pe) =>
            walk(pa, pe, (k, x, y) => {
              if (k === 0xa1 && int(x, y) === 2) preauth = true; // PA-ENC-TIMESTAMP
            }),
          );
        } else if (t === 0xa4 && element(u8, a, e) === 0x30) {
          walk(valueAt(), valueEnd(), (k, x, y) => {
            if (k === 0xa1) cname = name(x, y);
            else if (k === 0xa2) realm = str(x, y);
            else if (k === 0xa3) sname = name(x, y);
            else if (k === 0xa8 && element(u8, x, y) === 0x30) {
              const list: number[] = [];
              walk(valueAt(), valueEnd(), (_k, m, n) => list.push(integer(u8, m, n)));
              o['encryption_types'] = list.slice(0, 16).map((v) => ENCRYPTION[v] ?? String(v));
              weak = list.length > 0 && list.every((v) => v === 23 || v === 24 || v < 4);
            }
          });
        }
      } else if (type === 11 || type === 13) {
        if (t === 0xa3) realm = str(a, e);
        else if (t === 0xa4) cname = name(a, e);
        else if (t === 0xa6 && element(u8, a, e) === 0x30)
          walk(valueAt(), valueEnd(), (k, x, y) => {
            if (k === 0xa0) encryption = int(x, y);
          });
        else if (t === 0xa5 && element(u8, a, e) === 0x61 && element(u8, valueAt(), valueEnd()) === 0x30) {
          walk(valueAt(), valueEnd(), (k, x, y) => {
            if (k === 0xa2) sname = name(x, y);
            else if (k === 0xa3 && element(u8, x, y) === 0x30)
              walk(valueAt(), valueEnd(), (q, m, n) => {
                if (q !== 0xa0) return;
                const v = int(m, n);
                o['ticket_encryption'] = ENCRYPTION[v] ?? String(v);
                o['ticket_weak_encryption'] = v === 23 || v === 24 || v < 4;
              });
          });
        }
      } else if (type === 30) {
        if (t === 0xa6) error = int(a, e);
        else if (t === 0xa8) cname = name(a, e);
        else if (t === 0xa9) realm = str(a, e);
        else if (t === 0xaa) sname = name(a, e);
      }
    });
    o['cname'] = cname ?? '<empty>';
    o['realm'] = realm ?? '<empty>';
    o['sname'] = sname ?? '<empty>';
    if (error >= 0) o['error_code'] = ERRORS[error] ?? String(error);
    if (encryption >= 0) weak = encryption === 23 || encryption === 24 || encryption < 4;
    o['encryption'] = encryption < 0 ? '<none>' : (ENCRYPTION[encryption] ?? String(encryption));
    o['weak_encryption'] = weak;
    if (type === 30) {
      if (this.asked > 0) o['failed_request'] = TYPES[this.asked];
    } else this.asked = type === 10 || type === 12 ? type : 0;
    const tx = new PlainTransaction(id, 'krb5', o);
    if (cname !== undefined) addString(c, B['krb5_cname'], cname);
    if (sname !== undefined) addString(c, B['krb5_sname'], sname);
    c.buffers.addNumber(B['krb5_msg_type'], type);
    if (error >= 0) c.buffers.addNumber(B['krb5_err_code'], error);
    c.inspect(flow, tx, d === 0 ? Stage.RequestHead : Stage.ResponseHead);
    if (weak) c.anomaly(flow, 'krb5', 'weak_encryption', id);
    c.event(flow, 'krb5', o, id, d);
    if (type === 10) {
      this.user = cname === undefined ? '' : `${cname}@${realm ?? ''}`;
      this.preauth = preauth;
      this.service = sname ?? '';
    }
    const login =
      type === 11
        ? 'success'
        : type === 30 && (error === 24 || error === 6 || error === 18)
          ? 'failure'
          : '';
    if (login !== '') {
      c.event(
        flow,
        'auth',
        {
          protocol: 'krb5',
          user: this.user !== '' ? this.user : (cname ?? ''),
          result: login,
          confidence: 0.99,
          method: this.preauth ? 'kerberos' : 'kerberos-no-preauth',
          ...(this.service !== '' && { target: this.service }),
        },
        id,
        0,
      );
    }
    return true;
  }
}

class KerberosTcp extends FrameProtocol {
  readonly protocol = 'krb5';
  private readonly messages = new Messages();
  protected size(u8: Uint8Array, _d: Direction, at: number, length: number): number {
    return length < 4 ? 0 : 4 + u32(u8, at);
  }
  protected frame(c: AppContext, flow: Flow, d: Direction, at: number, length: number): void {
    if (!this.messages.message(c, flow, d, at + 4, at + length, this.nextId++))
      c.anomaly(flow, 'krb5', 'malformed_data');
  }
}

class KerberosUdp implements AppParser {
  readonly protocol = 'krb5';
  private readonly messages = new Messages();
  private nextId = 0;
  data(c: AppContext, flow: Flow, d: Direction, at: number, length: number): number {
    if (!this.messages.message(c, flow, d, at, at + length, this.nextId++)) c.anomaly(flow, 'krb5', 'malformed_data');
    return length;
  }
  gap(): boolean {
    return true;
  }
  end(): void {
    // nothing is kept
  }
}

/** APPLICATION tag of a known message, then SEQUENCE, then pvno or its context tag. */
const plausible = (u8: Uint8Array, at: number, length: number): boolean => {
  if (length < 8 || TYPES[u8[at]! - 0x60] === undefined) return false;
  let p = at + 2 + (u8[at + 1]! & 0x80 ? u8[at + 1]! & 0x7f : 0);
  if (u8[p] !== 0x30) return false;
  p += 2 + (u8[p + 1]! & 0x80 ? u8[p + 1]! & 0x7f : 0);
  return u8[p] === 0xa0 || u8[p] === 0xa1;
};
export const kerberosTcp: ProtocolEntry = {
  protocol: 'krb5',
  transport: 'tcp',
  ports: [88],
  identify: (u8, at, length) =>
    length < 20
      ? length >= 1 && u8[at] !== 0
        ? -1
        : length > 5 && TYPES[u8[at + 4]! - 0x60] === undefined
          ? -1
          : 0
      : u32(u8, at) < 1 << 20 && plausible(u8, at + 4, length - 4)
        ? 1
        : -1,
  create: () => new KerberosTcp(),
};
export const kerberosUdp: ProtocolEntry = {
  protocol: 'krb5',
  transport: 'udp',
  ports: [88],
  identify: (u8, at, length) => (plausible(u8, at, length) ? 1 : -1),
  create: () => new KerberosUdp(),
};
