import { latin, u16 } from '../bytes.js';

const METHOD = /^[A-Z][A-Z_-]{1,31}$/;
/** Methods of HTTP, WebDAV and what web servers and proxies take besides. */
export const KNOWN_METHODS = new Set(
  (
    'GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK SEARCH REPORT ' +
    'MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PURGE LINK UNLINK ACL BIND REBIND UNBIND ' +
    'BASELINE-CONTROL CHECKIN LABEL MKWORKSPACE ORDERPATCH UPDATE VERSION-CONTROL UNCHECKOUT INVALID RPC_IN_DATA RPC_OUT_DATA ' +
    'BPROPFIND BPROPPATCH BMOVE BCOPY BDELETE SOURCE TRACK DEBUG'
  ).split(' '),
);

/** Recognises HTTP/1 by a request line or a status line. */
export function identifyHttp(u8: Uint8Array, at: number, length: number): 1 | 0 | -1 {
  if (length < 4) return length === 0 || /^[A-Z\r\n]+$/.test(latin(u8, at, length)) ? 0 : -1;
  let p = at;
  const end = at + length;
  while (p < end && p < at + 8 && (u8[p] === 13 || u8[p] === 10)) p++;
  if (u16(u8, p) === 0x4854) {
    const s = latin(u8, p, Math.min(9, end - p));
    return /^HTTP\/[12]\.\d /.test(s) ? 1 : 'HTTP/1.'.startsWith(s.slice(0, 7)) && s.length < 9 ? 0 : -1;
  }
  let e = p;
  while (e < end && e < p + 32 && u8[e]! > 32 && u8[e]! < 127) e++;
  const word = latin(u8, p, e - p);
  if (e === end) return e < p + 32 && /^[A-Z_-]+$/.test(word) ? 0 : -1;
  if (u8[e] !== 32 && u8[e] !== 9) return -1;
  const known = KNOWN_METHODS.has(word) || KNOWN_METHODS.has(word.toUpperCase());
  if (!known && !METHOD.test(word)) return -1;
  let l = e;
  while (l < end && l < e + 8192 && u8[l] !== 10) l++;
  if (l < end) {
    // a whole line: it names HTTP, or a known method comes with a path (HTTP/0.9, broken scanners)
    const tail = latin(u8, Math.max(e, l - 12), l - Math.max(e, l - 12));
    if (word === 'PRI' && /HTTP\/2\.0\s*$/.test(tail)) return -1; // the preface of version 2
    if (/HTTP\/\d\.\d\s*$/i.test(tail)) return /\b(?:SIP|RTSP)\//.test(tail) ? -1 : 1;
    return known && u8[e + 1] === 0x2f ? 1 : -1;
  }
  return known && length > 8192 ? 1 : 0;
}
