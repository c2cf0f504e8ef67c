/**
 * Words of a text for the search index. Chinese has no spaces and its words are mostly two characters, which trigram
 * indexes cannot find; here a run of Chinese becomes its overlapping pairs (横向移动 → 横向 向移 移动). Other
 * text becomes lower-case words; a dotted name or address is kept whole beside its parts.
 */
// A hostile body must not fill the index: more words than any real alert has.
const TOKENS_MAX = 256;
const TOKEN_MAX = 64;
const HAN = '\\p{Script=Han}';
const PIECES = new RegExp(`[${HAN}]+|[a-z0-9_]+(?:[.:@-][a-z0-9_]+)*`, 'gu');
const IS_HAN = new RegExp(`^[${HAN}]`, 'u');

function pairs(run: string): string[] {
  const characters = [...run];
  if (characters.length === 1) return [run];
  return characters.slice(1).map((c, i) => characters[i] + c);
}

export function indexTokens(text: string): string[] {
  const tokens = new Set<string>();
  for (const [piece] of text.toLowerCase().matchAll(PIECES)) {
    if (tokens.size >= TOKENS_MAX) break;
    if (IS_HAN.test(piece)) for (const pair of pairs(piece)) tokens.add(pair);
    else {
      tokens.add(piece.slice(0, TOKEN_MAX));
      const parts = piece.split(/[.:@-]/);
      if (parts.length > 1) for (const part of parts) if (part.length > 1) tokens.add(part.slice(0, TOKEN_MAX));
    }
  }
  return [...tokens].slice(0, TOKENS_MAX);
}

export interface SearchWord { token: string; prefix: boolean }
/** The words of a question; the last one may be unfinished. A whole IPv4 address is never a prefix of another. */
export function queryWords(text: string): SearchWord[] {
  const words: SearchWord[] = [];
  for (const [piece] of text.toLowerCase().matchAll(PIECES)) {
    if (words.length >= 16) break;
    if (IS_HAN.test(piece)) for (const token of pairs(piece)) words.push({ token, prefix: [...token].length === 1 });
    else words.push({ token: piece.slice(0, TOKEN_MAX), prefix: !/^\d+\.\d+\.\d+\.\d+$/.test(piece) });
  }
  return words;
}

// Tokens hold letters, digits, `_.:@-` and Han only: quoting them is enough in both languages.
export const toFts5 = (words: SearchWord[]): string => words.map((w) => `"${w.token}"${w.prefix ? '*' : ''}`).join(' AND ');
export const toTsQuery = (words: SearchWord[]): string => words.map((w) => `'${w.token}'${w.prefix ? ':*' : ''}`).join(' & ');

/** Text that a column can hold in both engines: no NUL, no half surrogate, no endless line. */
export function columnText(text: string, max = 500): string {
  const safe = text.length > max ? text.slice(0, max) : text;
  // Almost every text is sound, and this is the quickest way to know.
  const whole = (safe as string & { toWellFormed(): string }).toWellFormed();
  return whole.includes('\0') ? whole.replaceAll('\0', '\ufffd') : whole;
}
