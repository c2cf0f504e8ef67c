/** What an entry of the audit log says beside its action, as lines to read: a field and its value, or what it was and became. */
export interface DetailLine {
  /** Names from the outermost to the innermost. */
  path: string[];
  value?: unknown;
  /** Set where something was changed; `null` on either side: there was nothing, there is nothing. */
  change?: { before: unknown; after: unknown };
}

/** A calendar has thousands of days; nobody reads more lines than these. */
const LINES_MAX = 300;
const DEPTH_MAX = 6;

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

function values(value: unknown, path: string[], out: DetailLine[]): void {
  if (value === undefined || out.length >= LINES_MAX) return;
  if (isFields(value) && path.length < DEPTH_MAX) for (const [key, inner] of Object.entries(value)) values(inner, [...path, key], out);
  else out.push({ path, value });
}

function changes(before: unknown, after: unknown, path: string[], out: DetailLine[]): void {
  if (out.length >= LINES_MAX || same(before, after)) return;
  const [old, now] = [before ?? {}, after ?? {}];
  if (isFields(old) && isFields(now) && path.length < DEPTH_MAX) {
    for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) changes(old[key], now[key], [...path, key], out);
  } else out.push({ path, change: { before: before ?? null, after: after ?? null } });
}

/** Values kept as JSON within a record. */
function unpacked(value: unknown): unknown {
  if (typeof value !== 'string' || !/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/**
 * @param details as the server keeps them: `before` and `after` stand for a change, and so do the pairs of `changes`;
 * everything else stands for itself
 */
export function detailLines(details: Fields | undefined): DetailLine[] {
  const { before, after, changes: pairs, ...rest } = details ?? {};
  const out: DetailLine[] = [];
  if (isFields(pairs)) {
    for (const [key, pair] of Object.entries(pairs)) if (Array.isArray(pair)) changes(unpacked(pair[0]), unpacked(pair[1]), [key.replace(/_json$/, '')], out);
  }
  if (after !== undefined) changes(before, after, [], out);
  else values(before, ['before'], out);
  for (const [key, value] of Object.entries(rest)) values(value, [key], out);
  return out;
}
