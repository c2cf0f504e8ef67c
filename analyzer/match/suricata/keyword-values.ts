import type { Draftsman } from './compile.js';
import type { Value } from './program.js';
import type { Option } from './syntax.js';

/** A number within bounds, or the name of a variable. */
export function compileValue(d: Draftsman, o: Option, text: string, low: number, high: number): Value {
  const t = text.trim();
  if (/^[+-]?(?:\d+|0[xX][0-9a-fA-F]+)$/.test(t)) {
    const n = t.startsWith('-') ? -Number(t.slice(1)) : Number(t);
    if (n < low || n > high) throw d.wrong(o, `is not between ${low} and ${high}`);
    return n;
  }
  if (!/^[A-Za-z_][\w-]*$/.test(t)) throw d.wrong(o, `'${t}' is neither a number nor a name`);
  if (!d.slots.has(t)) throw d.wrong(o, `no byte_extract or byte_math before it makes '${t}'`);
  return { slot: d.slot(t) };
}

/** Arguments between commas, trimmed. */
export function listArguments(text: string): string[] {
  return text.split(',').map((a) => a.trim());
}
