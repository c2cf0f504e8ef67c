type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/**
 * What a change was, for the audit log: of each field that is another than before what it was and what it became, down to
 * the innermost; `null` where there was nothing. Lists are one value. Empty where nothing changed.
 */
export function changed(before: object | undefined, after: object | undefined): { before?: Fields; after?: Fields } {
  const [was, is]: [Fields, Fields] = [{}, {}];
  const [old, now] = [before ?? {}, after ?? {}] as [Fields, Fields];
  for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
    const [a, b] = [old[key], now[key]];
    if (same(a, b)) continue;
    const inner = isFields(a) && isFields(b) ? changed(a, b) : undefined;
    // The same fields in another order.
    if (inner && !inner.after) continue;
    was[key] = inner ? inner.before : a ?? null;
    is[key] = inner ? inner.after : b ?? null;
  }
  return Object.keys(is).length > 0 ? { before: was, after: is } : {};
}
