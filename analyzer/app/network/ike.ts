import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { hex, u16, u32 } from '../bytes.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type AppParser, type ProtocolEntry } from '../parser.js';
import { addString } from '../tls/tls.js';

/** Anomalies of IKE, named as Suricata names its ike events. */
export type IkeAnomaly =
  | 'malformed_data'
  | 'weak_crypto_enc'
  | 'weak_crypto_prf'
  | 'weak_crypto_auth'
  | 'weak_crypto_dh'
  | 'weak_crypto_no_dh'
  | 'unknown_proposal'
  | 'payload_extra_data';

/** Payloads of one message, transforms of one proposal: scanners send a few dozen. */
const MAX_PAYLOADS = 32;
const MAX_TRANSFORMS = 64;
const enum Payload { Sa1 = 1, Ke1 = 4, Vendor1 = 13, Nonce1 = 10, Sa2 = 33, Ke2 = 34, Nonce2 = 40, Notify2 = 41, Vendor2 = 43, Encrypted = 46 }

const PAYLOADS: Record<number, string> = {
  33: 'SecurityAssociation', 34: 'KeyExchange', 35: 'IDInitiator', 36: 'IDResponder', 37: 'Certificate', 38: 'CertificateRequest',
  39: 'Authentication', 40: 'Nonce', 41: 'Notify', 42: 'Delete', 43: 'VendorID', 44: 'TrafficSelectorInitiator',
  45: 'TrafficSelectorResponder', 46: 'EncryptedAndAuthenticated', 47: 'Configuration', 48: 'ExtensibleAuthentication',
};
const ENC: Record<number, string> = {
  1: 'ENCR_DES_IV64', 2: 'ENCR_DES', 3: 'ENCR_3DES', 5: 'ENCR_IDEA', 6: 'ENCR_CAST', 7: 'ENCR_BLOWFISH', 11: 'ENCR_NULL',
  12: 'ENCR_AES_CBC', 13: 'ENCR_AES_CTR', 14: 'ENCR_AES_CCM_8', 18: 'ENCR_AES_GCM_8', 19: 'ENCR_AES_GCM_12', 20: 'ENCR_AES_GCM_16',
  23: 'ENCR_CAMELLIA_CBC', 28: 'ENCR_CHACHA20_POLY1305',
};
const PRF: Record<number, string> = {
  1: 'PRF_HMAC_MD5', 2: 'PRF_HMAC_SHA1', 3: 'PRF_HMAC_TIGER', 4: 'PRF_AES128_XCBC', 5: 'PRF_HMAC_SHA2_256', 6: 'PRF_HMAC_SHA2_384',
  7: 'PRF_HMAC_SHA2_512', 8: 'PRF_AES128_CMAC',
};
const AUTH: Record<number, string> = {
  0: 'NONE', 1: 'AUTH_HMAC_MD5_96', 2: 'AUTH_HMAC_SHA1_96', 3: 'AUTH_DES_MAC', 5: 'AUTH_AES_XCBC_96', 12: 'AUTH_HMAC_SHA2_256_128',
  13: 'AUTH_HMAC_SHA2_384_192', 14: 'AUTH_HMAC_SHA2_512_256',
};
const DH: Record<number, string> = {
  0: 'None', 1: 'Modp768', 2: 'Modp1024', 5: 'Modp1536', 14: 'Modp2048', 15: 'Modp3072', 16: 'Modp4096', 17: 'Modp6144',
  18: 'Modp8192', 19: 'Ecp256', 20: 'Ecp384', 21: 'Ecp521', 31: 'Curve25519', 32: 'Curve448',
};
/** IKEv1 attributes (RFC 2409 Appendix A): key of the event, then its values. */
const ATTRIBUTES: Record<number, readonly [string, Record<number, string>]> = {
  1: ['alg_enc', { 1: 'EncDesCbc', 2: 'EncIdeaCbc', 3: 'EncBlowfishCbc', 4: 'EncRc5R16B64Cbc', 5: 'EncTripleDesCbc', 6: 'EncCastCbc', 7: 'EncAesCbc', 8: 'EncCamelliaCbc' }],
  2: ['alg_hash', { 1: 'HashMd5', 2: 'HashSha', 3: 'HashTiger', 4: 'HashSha2_256', 5: 'HashSha2_384', 6: 'HashSha2_512' }],
  3: ['alg_auth', { 1: 'AuthPreSharedKey', 2: 'AuthDssSignatures', 3: 'AuthRsaSignatures', 4: 'AuthRsaEncryption' }],
  4: ['alg_dh', { 1: 'GroupDefault768BitModp', 2: 'GroupAlternate1024BitModpGroup', 5: 'GroupModp1536Bit', 14: 'GroupModp2048Bit', 15: 'GroupModp3072Bit', 16: 'GroupModp4096Bit' }],
  11: ['sa_life_type', { 1: 'LifeTypeSeconds', 2: 'LifeTypeKilobytes' }],
  12: ['sa_life_duration', {}],
  14: ['sa_key_length', {}],
};

/** IKE (RFC 2409, 7296) as far as it is not encrypted. */
class IkeParser implements AppParser {
  readonly protocol = 'ike';
  private nextId = 0;

  data(c: AppContext, flow: Flow, d: Direction, at: number, length: number): number {
    const { u8 } = c.arena;
    // port 4500: four zero bytes tell IKE from ESP (RFC 3948 2.2)
    const p = length > 32 && u32(u8, at) === 0 ? at + 4 : at;
    const end = at + length;
    // what is no IKE message on port 4500 is ESP or a keep-alive
    if (end - p < 28 || u32(u8, p + 24) > end - p || (u8[p + 17] !== 0x10 && u8[p + 17] !== 0x20)) return length;
    const major = u8[p + 17]! >> 4;
    const tx = new PlainTransaction(this.nextId++, 'ike', {
      version_major: major,
      version_minor: u8[p + 17]! & 15,
      init_spi: hex(u8, p, 8),
      resp_spi: hex(u8, p + 8, 8),
      message_id: u32(u8, p + 20),
      exchange_type: u8[p + 18],
    });
    const f = tx.fields;
    addString(c, B['ike.init_spi'], f['init_spi'] as string);
    addString(c, B['ike.resp_spi'], f['resp_spi'] as string);
    c.buffers.addNumber(B['ike.exchtype'], u8[p + 18]!);
    if (major === 2) f['role'] = (u8[p + 19]! & 8) !== 0 ? 'initiator' : 'responder';
    const payloads: string[] = [];
    const notify: string[] = [];
    const vendors: string[] = [];
    let next = u8[p + 16]!;
    const stop = Math.min(end, p + u32(u8, p + 24));
    if (major === 1 && (u8[p + 19]! & 1) !== 0) next = 0; // encrypted
    for (let q = p + 28, i = 0; next !== 0 && q + 4 <= stop && i < MAX_PAYLOADS; i++) {
      const size = u16(u8, q + 2);
      if (size < 4 || q + size > stop) {
        c.anomaly(flow, 'ike', 'malformed_data', tx.id);
        break;
      }
      const body = q + 4;
      const n = size - 4;
      if (major === 2) payloads.push(PAYLOADS[next] ?? `Unknown (${next})`);
      if (next === Payload.Ke1 || next === Payload.Ke2) {
        const skip = next === Payload.Ke2 ? 4 : 0;
        this.secret(c, f, major, 'key_exchange_payload', B['ike.key_exchange_payload'], B['ike.key_exchange_payload_length'], body + skip, n - skip);
      } else if (next === Payload.Nonce1 || next === Payload.Nonce2)
        this.secret(c, f, major, 'nonce_payload', B['ike.nonce_payload'], B['ike.nonce_payload_length'], body, n);
      else if (next === Payload.Vendor1 || next === Payload.Vendor2) {
        vendors.push(hex(u8, body, Math.min(n, 64)));
        addString(c, B['ike.vendor'], vendors.at(-1)!);
      } else if (next === Payload.Notify2 && n >= 4) notify.push(notifyName(u16(u8, body + 2)));
      else if (next === Payload.Sa1 && major === 1) this.proposals1(c, f, d, body, n);
      else if (next === Payload.Sa2 && major === 2) this.proposals2(c, flow, tx, d, body, n);
      if (next === Payload.Encrypted) break;
      next = u8[q]!;
      q += size;
    }
    if (major === 2) Object.assign(f, { payload: payloads, notify });
    if (vendors.length > 0) f['ikev1'] = { ...(f['ikev1'] as object), vendor_ids: vendors };
    c.inspect(flow, tx, d === 0 ? Stage.RequestHead : Stage.ResponseHead);
    c.event(flow, 'ike', f, tx.id, d);
    return length;
  }

  private secret(
    c: AppContext, f: Record<string, unknown>, major: number, name: string, id: number, lengthId: number, at: number, n: number,
  ): void {
    if (n <= 0) return;
    c.buffers.add(id, at, n);
    c.buffers.addNumber(lengthId, n);
    if (major === 1) f['ikev1'] = { ...(f['ikev1'] as object), [name]: hex(c.arena.u8, at, Math.min(n, 512)), [`${name}_length`]: n };
  }

  /** IKEv1: proposals of transforms of attributes; the responder's only one is the choice. */
  private proposals1(c: AppContext, f: Record<string, unknown>, d: Direction, at: number, n: number): void {
    const { u8 } = c.arena;
    const end = at + n;
    if (n < 20) return;
    const p = at + 8; // DOI, situation
    const spi = u8[p + 6]!;
    const offered: Record<string, unknown>[] = [];
    for (let q = p + 8 + spi, i = 0; q + 8 <= end && i < MAX_TRANSFORMS; i++) {
      const size = u16(u8, q + 2);
      if (size < 8 || q + size > end) break;
      const one: Record<string, unknown> = {};
      for (let a = q + 8; a + 4 <= q + size;) {
        const type = u16(u8, a);
        const short = (type & 0x8000) !== 0;
        const value = short ? u16(u8, a + 2) : u16(u8, a + 2) === 4 && a + 8 <= q + size ? u32(u8, a + 4) : -1;
        const known = ATTRIBUTES[type & 0x7fff];
        if (known && value >= 0) {
          one[known[0]] = known[1][value] ?? value;
          if (known[0].startsWith('alg_')) one[`${known[0]}_raw`] = value;
          if (d === 1) addString(c, B['ike.chosen_sa_attribute'], `${known[0]}=${value}`);
        }
        a += short ? 4 : 4 + u16(u8, a + 2);
      }
      offered.push(one);
      if (u8[q] === 0) break;
      q += size;
    }
    if (d === 1 && offered.length === 1) Object.assign(f, offered[0]);
    else f['ikev1'] = { ...(f['ikev1'] as object), client: { proposals: offered } };
    f['ikev1'] = { ...(f['ikev1'] as object), doi: u32(u8, at) };
  }

  /** IKEv2: the responder's proposal is the choice; weak algorithms are named as anomalies. */
  private proposals2(c: AppContext, flow: Flow, tx: PlainTransaction, d: Direction, at: number, n: number): void {
    const { u8 } = c.arena;
    const end = at + n;
    let dh = false;
    const weak = new Set<IkeAnomaly>();
    for (let p = at, i = 0; p + 8 <= end && i < MAX_PAYLOADS; i++) {
      const size = u16(u8, p + 2);
      if (size < 8 || p + size > end) break;
      for (let q = p + 8 + u8[p + 6]!, k = 0; q + 8 <= p + size && k < MAX_TRANSFORMS; k++) {
        const length = u16(u8, q + 2);
        const type = u8[q + 4]!,
          id = u16(u8, q + 6);
        if (length < 8) break;
        if (type === 1) {
          if (d === 1) tx.fields['alg_enc'] = ENC[id] ?? id;
          if (id <= 3 || id === 11) weak.add('weak_crypto_enc');
        } else if (type === 2) {
          if (d === 1) tx.fields['alg_prf'] = PRF[id] ?? id;
          if (id === 1 || id === 2) weak.add('weak_crypto_prf');
        } else if (type === 3) {
          if (d === 1) tx.fields['alg_auth'] = AUTH[id] ?? id;
          if (id <= 3) weak.add('weak_crypto_auth');
        } else if (type === 4) {
          dh ||= id !== 0;
          if (d === 1) tx.fields['alg_dh'] = DH[id] ?? id;
          if (id > 0 && id <= 5) weak.add('weak_crypto_dh');
        } else if (type === 5 && d === 1) tx.fields['alg_esn'] = id === 0 ? 'NoESN' : 'ESN';
        q += length;
      }
      if (u8[p] === 0) break;
      p += size;
    }
    if (!dh) weak.add('weak_crypto_no_dh');
    for (const name of weak) c.anomaly(flow, 'ike', name, tx.id);
  }

  gap(): boolean {
    return true;
  }
  end(): void {
    // every message stands for itself
  }
}

const NOTIFY: Record<number, string> = {
  7: 'INVALID_SYNTAX', 14: 'NO_PROPOSAL_CHOSEN', 17: 'INVALID_KE_PAYLOAD', 24: 'AUTHENTICATION_FAILED', 16388: 'NAT_DETECTION_SOURCE_IP',
  16389: 'NAT_DETECTION_DESTINATION_IP', 16390: 'COOKIE', 16430: 'IKEV2_FRAGMENTATION_SUPPORTED', 16431: 'SIGNATURE_HASH_ALGORITHMS',
  16404: 'MULTIPLE_AUTH_SUPPORTED', 16418: 'CHILDLESS_IKEV2_SUPPORTED', 16406: 'REDIRECT_SUPPORTED',
};
const notifyName = (v: number): string => NOTIFY[v] ?? `Unknown (${v})`;

export const ike: ProtocolEntry = {
  protocol: 'ike',
  transport: 'udp',
  ports: [500, 4500],
  identify: (u8, at, length, _d, onPort) => {
    const marked = onPort && length > 32 && u32(u8, at) === 0 && u32(u8, at + 4) !== 0;
    const p = marked ? at + 4 : at;
    const n = length - (p - at);
    if (n < 28) return -1;
    const version = u8[p + 17]!;
    if (version !== 0x10 && version !== 0x20) return -1;
    if (u32(u8, p + 24) > n || u32(u8, p + 24) < 28 || (u32(u8, p) === 0 && u32(u8, p + 4) === 0)) return -1;
    const exchange = u8[p + 18]!;
    const fits = version === 0x10 ? exchange >= 1 && exchange <= 34 : exchange >= 34 && exchange <= 43;
    return fits && (onPort || u32(u8, p + 24) === n) ? 1 : -1;
  },
  isServers: (u8, at, length) => length > 19 && u8[at + 17] === 0x20 && (u8[at + 19]! & 0x20) !== 0,
  create: () => new IkeParser(),
};
