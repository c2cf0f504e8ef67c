import { createHash } from 'node:crypto';
import { latin, u16le, u32le } from '../bytes.js';

/** Tags of one message; Chrome sent about 25. */
const MAX_TAGS = 64;
/** The CHLO begins within the headers and the first frame header. */
const MAX_LOOK = 64;

export interface Chlo {
  sniAt: number;
  sniLength: number;
  uaAt: number;
  uaLength: number;
  /** `version,tags` and its MD5: the client's fingerprint. */
  cyu: { hash: string; string: string };
}

/** Finds the client hello of Google's QUIC (before 2020, versions up to Q046), which travelled in the clear. */
export function readChlo(u8: Uint8Array, at: number, length: number, version: string): Chlo | undefined {
  const end = at + length;
  for (let p = at; p < at + MAX_LOOK && p + 8 < end; p++) {
    if (u8[p] !== 0x43 || latin(u8, p, 4) !== 'CHLO') continue;
    const count = u16le(u8, p + 4);
    const values = p + 8 + count * 8;
    if (count > MAX_TAGS || values > end) return undefined;
    const chlo: Chlo = { sniAt: 0, sniLength: -1, uaAt: 0, uaLength: -1, cyu: { hash: '', string: '' } };
    const tags: string[] = [];
    let from = 0;
    for (let i = 0; i < count; i++) {
      const tag = latin(u8, p + 8 + i * 8, 4).replace(/\0+$/, '');
      const to = u32le(u8, p + 12 + i * 8);
      if (to < from || values + to > end) break;
      tags.push(tag);
      if (tag === 'SNI') [chlo.sniAt, chlo.sniLength] = [values + from, to - from];
      else if (tag === 'UAID') [chlo.uaAt, chlo.uaLength] = [values + from, to - from];
      from = to;
    }
    const string = `${version.replace(/^Q0*/, '')},${tags.join('-')}`;
    chlo.cyu = { hash: createHash('md5').update(string).digest('hex'), string };
    return chlo;
  }
  return undefined;
}
