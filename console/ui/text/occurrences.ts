/** Shorter pieces occur by chance. */
const NEEDLE_MIN = 3;
/** More marks than this in one piece say nothing any more. */
const MARKS_MAX = 200;

/** Where the needles occur in the bytes, as [from, to) in order; overlapping ones are not joined. */
export function occurrences(bytes: Uint8Array, needles: readonly Uint8Array[]): [number, number][] {
  const out: [number, number][] = [];
  for (const needle of needles) {
    if (needle.length < NEEDLE_MIN) continue;
    for (let at = bytes.indexOf(needle[0]); at >= 0 && at + needle.length <= bytes.length && out.length < MARKS_MAX; at = bytes.indexOf(needle[0], at + 1)) {
      let k = 1;
      while (k < needle.length && bytes[at + k] === needle[k]) k++;
      if (k === needle.length) out.push([at, at + needle.length]);
    }
  }
  return out.sort((a, b) => a[0] - b[0]);
}
