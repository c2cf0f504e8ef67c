/** The name that is likeliest meant by `text`, or undefined when none is near. */
export function nearest(text: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(text.length / 3)) + 1;
  for (const name of names) {
    const d = distance(text.toLowerCase(), name.toLowerCase(), least);
    if (d < least) [best, least] = [name, d];
  }
  return best;
}

/** Edit distance with neighbours swapped counting one; `limit` when it is not below. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit || a.length > 64) return limit;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    [before, last] = [last, row];
  }
  return Math.min(limit, last[b.length]);
}

/** `Write 'x'.`, or the names that there are. */
export function instead(text: string, names: readonly string[], what: string): string {
  const near = nearest(text, names);
  return near ? `Did you mean '${near}'?` : `Known ${what}: ${names.slice(0, 60).join(', ')}${names.length > 60 ? ' …' : ''}.`;
}
