import { isExactly, text, u16le, u32le, utf16 } from '../bytes.js';

/** NTLMSSP (MS-NLMP) wherever it is carried: SMB, HTTP, LDAP, SMTP, DCE/RPC, TDS. */
export interface NtlmAuthenticate {
  user: string;
  domain: string;
  host: string;
  /** Operating system, as EVE shows it; '' when not told. */
  version: string;
  /** No response computed: an anonymous (null) session. */
  anonymous: boolean;
}

/** First `NTLMSSP\0` within [at, end), or -1. */
export function findNtlm(u8: Uint8Array, at: number, end: number): number {
  for (let p = at; p + 12 <= end; p++) if (u8[p] === 0x4e && isExactly(u8, p, end, 'NTLMSSP\0')) return p;
  return -1;
}

/** Message type: 1 negotiate, 2 challenge, 3 authenticate. */
export const ntlmType = (u8: Uint8Array, at: number): number => u32le(u8, at + 8);

/** Reads an AUTHENTICATE message at its signature. */
export function readAuthenticate(u8: Uint8Array, at: number, end: number): NtlmAuthenticate | undefined {
  if (at + 64 > end) return undefined;
  const unicode = (u32le(u8, at + 60) & 1) !== 0;
  const field = (off: number): string => {
    const n = u16le(u8, at + off),
      from = u32le(u8, at + off + 4);
    if (n > 512 || from > 65536 || at + from + n > end) return '';
    return unicode ? utf16(u8, at + from, n) : text(u8, at + from, n);
  };
  const user = field(36);
  const told = at + 72 <= end && (u32le(u8, at + 60) & 0x02000000) !== 0;
  const version = told ? `${u8[at + 64]}.${u8[at + 65]} build ${u16le(u8, at + 66)} rev ${u8[at + 71]}` : '';
  return { domain: field(28), user, host: field(44), version, anonymous: user === '' && u16le(u8, at + 20) === 0 };
}
