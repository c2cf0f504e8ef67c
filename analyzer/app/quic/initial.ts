import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';

/** Salts and labels of the versions whose first packets anybody can read (RFC 9001 5.2, RFC 9369 3.3, drafts). */
const SALT_V1 = Buffer.from('38762cf7f55934b34d179ae6a4c80cadccbb7f0a', 'hex');
const SALT_V2 = Buffer.from('0dede3def700a6db819381be6e269dcbf9bd2ed9', 'hex');
const SALT_29 = Buffer.from('afbfec289993d24c9e9786f19c6111e04390a899', 'hex');
const SALT_23 = Buffer.from('c3eef712c72ebb5a11a7d2432bb46365bef9f502', 'hex');
const SALT_21 = Buffer.from('7fbcdb0e7c66bbe9193a96cd21519ebd7a02644a', 'hex');

export const V1 = 1;
export const V2 = 0x6b3343cf;

/** Whether a version is one of IETF QUIC that is known here. */
export function isIetf(version: number): boolean {
  return version === V1 || version === V2 || (version >= 0xff000016 && version <= 0xff000022) || version >>> 8 === 0xfaceb0;
}

function saltOf(version: number): Buffer {
  if (version === V2) return SALT_V2;
  if (version === V1 || version === 0xff000021 || version === 0xff000022) return SALT_V1;
  if (version >>> 8 === 0xfaceb0) return version === 0xfaceb001 ? SALT_21 : SALT_23;
  const draft = version & 255;
  return draft >= 29 ? SALT_29 : draft >= 23 ? SALT_23 : SALT_21;
}

const hmac = (key: Buffer, data: Buffer): Buffer => createHmac('sha256', key).update(data).digest();

function expand(secret: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`, 'latin1');
  const info = Buffer.concat([Buffer.from([0, length, name.length]), name, Buffer.from([0, 1])]);
  return hmac(secret, info).subarray(0, length);
}

/** Keys of one side's Initial packets. */
export interface InitialKeys {
  key: Buffer;
  iv: Buffer;
  hp: Buffer;
}

/** Keys from the destination connection id of the client's first packet (RFC 9001 5.2). */
export function initialKeys(version: number, dcid: Uint8Array): [client: InitialKeys, server: InitialKeys] {
  const initial = hmac(saltOf(version), Buffer.from(dcid));
  const p = version === V2 ? 'quicv2' : 'quic';
  const side = (label: string): InitialKeys => {
    const secret = expand(initial, label, 32);
    return { key: expand(secret, `${p} key`, 16), iv: expand(secret, `${p} iv`, 12), hp: expand(secret, `${p} hp`, 16) };
  };
  return [side('client in'), side('server in')];
}

/**
 * Takes header and payload protection off an Initial packet (RFC 9001 5.3, 5.4).
 * @param at First byte of the packet. @param pn Offset of its packet number. @param end One past the packet.
 * @returns the frames, or undefined when it does not authenticate.
 */
export function decrypt(u8: Uint8Array, at: number, pn: number, end: number, keys: InitialKeys): Buffer | undefined {
  if (pn + 20 > end) return undefined;
  const cipher = createCipheriv('aes-128-ecb', keys.hp, null);
  const mask = cipher.update(u8.subarray(pn + 4, pn + 20));
  const header = Buffer.from(u8.subarray(at, pn + 4));
  header[0]! ^= mask[0]! & 15;
  const length = (header[0]! & 3) + 1;
  const nonce = Buffer.from(keys.iv);
  const n = pn - at;
  for (let i = 0; i < length; i++) {
    header[n + i]! ^= mask[1 + i]!;
    nonce[12 - length + i]! ^= header[n + i]!;
  }
  const body = pn + length;
  if (end - body < 16) return undefined;
  const opener = createDecipheriv('aes-128-gcm', keys.key, nonce);
  opener.setAAD(header.subarray(0, n + length));
  opener.setAuthTag(u8.subarray(end - 16, end));
  try {
    return Buffer.concat([opener.update(u8.subarray(body, end - 16)), opener.final()]);
  } catch {
    return undefined;
  }
}
