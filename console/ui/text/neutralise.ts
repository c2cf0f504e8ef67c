/**
 * Captured bytes and captured text as something an operator can look at without being misled. Whatever an attacker
 * sent is shown as text, one visible sign for every character that would otherwise be invisible or would move others.
 */

/** A stretch of text to show: plain, or a replaced character with the name of what stood there. */
export interface Piece {
  text: string;
  /** Marked by a rule's condition. */
  marked: boolean;
  /** Set where `text` stands for a character that is not shown as itself, e.g. `U+202E`. */
  stands?: string;
}

/**
 * Characters that reorder or hide text: bidirectional controls (UAX #9), zero-width characters, soft hyphen, byte
 * order mark, invisible operators, interlinear marks, the Hangul fillers, tags and variation selectors.
 */
const HIDDEN =
  // oxlint-disable-next-line no-misleading-character-class, no-irregular-whitespace, no-control-regex
  /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]|[\u{e0000}-\u{e0fff}]/u;

/** Marks that may stand on one letter; no script needs more, and a pile of them covers the lines above and below. */
const MARKS_MAX = 4;
const MARK = /\p{M}/u;

/** Names of the C0 controls; their symbols at U+2400 are missing from most fonts. */
const C0 = 'NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US'.split(' ');

/** Line feed and tab stay what they are in blocks. */
function control(code: number, block: boolean): string | undefined {
  if (block && (code === 0x0a || code === 0x09)) return undefined;
  if (code < 0x20) return `⟨${C0[code]}⟩`;
  if (code === 0x7f) return '⟨DEL⟩';
  if (code >= 0x80 && code < 0xa0) return '\ufffd';
  return undefined;
}

const name = (code: number) => 'U+' + code.toString(16).toUpperCase().padStart(4, '0');

/**
 * Cuts text into pieces to show. `marks` are half-open ranges in UTF-16 units; overlapping or reversed ones do no
 * harm. `block` keeps line feeds and tabs, which `white-space: pre-wrap` then lays out.
 */
export function pieces(text: string, marks: readonly (readonly [number, number])[] = [], block = false): Piece[] {
  const out: Piece[] = [];
  let run = '';
  let runMarked = false;
  const flush = () => {
    if (run !== '') out.push({ text: run, marked: runMarked });
    run = '';
  };
  const isMarked = (at: number) => marks.some(([from, to]) => at >= from && at < to);
  let at = 0;
  let piled = 0;
  for (const char of text) {
    const code = char.codePointAt(0)!;
    const marked = isMarked(at);
    at += char.length;
    // The end of a line on the wire is CR LF: a small sign for the CR keeps such text readable.
    let shown = block && code === 0x0d && text[at] === '\n' ? '¬' : control(code, block);
    if (shown === undefined && HIDDEN.test(char)) shown = `⟨${name(code)}⟩`;
    piled = code >= 0x300 && MARK.test(char) ? piled + 1 : 0;
    if (shown === undefined && piled > MARKS_MAX) shown = `⟨${name(code)}⟩`;
    // A lone surrogate can't be shown by itself and is not UTF-8 either.
    if (shown === undefined && code >= 0xd800 && code <= 0xdfff) shown = '\ufffd';
    if (marked !== runMarked || shown !== undefined) flush();
    runMarked = marked;
    if (shown === undefined) run += char;
    else out.push({ text: shown, marked, stands: name(code) });
  }
  flush();
  return out;
}

/** The same in one string, for tooltips, tables and clipboards of one line. */
export function neutral(text: string, block = false): string {
  return pieces(text, [], block).map((p) => p.text).join('');
}

/** Base64 to bytes; what is not base64 gives no bytes, since it comes from a message that may be damaged. */
export function fromBase64(data: string): Uint8Array {
  try {
    const raw = atob(data);
    const out = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
    return out;
  } catch {
    return new Uint8Array(0);
  }
}

/**
 * Bytes as text with byte ranges carried over to UTF-16 ranges. Valid UTF-8 sequences become their character, every
 * other byte `\xNN`, so that nothing is lost and no two byte strings look alike by accident.
 */
export function decode(bytes: Uint8Array, marks: readonly (readonly [number, number])[] = []): { text: string; marks: [number, number][] } {
  const at = new Uint32Array(bytes.length + 1);
  let text = '';
  let i = 0;
  while (i < bytes.length) {
    const length = sequence(bytes, i);
    const char = length === 0
      ? '\\x' + bytes[i].toString(16).padStart(2, '0')
      : new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(i, i + length));
    const end = i + Math.max(1, length);
    for (let k = i; k < end; k++) at[k] = text.length;
    text += char;
    i = end;
  }
  at[bytes.length] = text.length;
  const clamp = (n: number) => Math.max(0, Math.min(bytes.length, n));
  return { text, marks: marks.map(([from, to]) => [at[clamp(from)], at[clamp(to)]]) };
}

/** Length of the valid UTF-8 sequence at `i` (RFC 3629 section 4), 0 where there is none. */
function sequence(b: Uint8Array, i: number): number {
  const c = b[i];
  if (c < 0x80) return 1;
  const tail = (k: number, low = 0x80, high = 0xbf) => k < b.length && b[k] >= low && b[k] <= high;
  if (c >= 0xc2 && c <= 0xdf) return tail(i + 1) ? 2 : 0;
  if (c >= 0xe0 && c <= 0xef) {
    return tail(i + 1, c === 0xe0 ? 0xa0 : 0x80, c === 0xed ? 0x9f : 0xbf) && tail(i + 2) ? 3 : 0;
  }
  if (c >= 0xf0 && c <= 0xf4) {
    return tail(i + 1, c === 0xf0 ? 0x90 : 0x80, c === 0xf4 ? 0x8f : 0xbf) && tail(i + 2) && tail(i + 3) ? 4 : 0;
  }
  return 0;
}

/** One line of a hex view: offset, the bytes as two digits, the bytes as printable ASCII. */
export interface HexLine {
  offset: string;
  cells: { hex: string; ascii: string; marked: boolean }[];
}

export function hexLines(bytes: Uint8Array, marks: readonly (readonly [number, number])[] = [], width = 16): HexLine[] {
  const out: HexLine[] = [];
  for (let from = 0; from < bytes.length; from += width) {
    const cells = Array.from(bytes.subarray(from, from + width), (b, k) => ({
      hex: b.toString(16).padStart(2, '0'),
      ascii: b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : '·',
      marked: marks.some(([a, z]) => from + k >= a && from + k < z),
    }));
    out.push({ offset: from.toString(16).padStart(6, '0'), cells });
  }
  return out;
}
