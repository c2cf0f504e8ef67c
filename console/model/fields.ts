import { Type } from '@sinclair/typebox';

/** Parts of which the request shapes are made. */
export const strict = { additionalProperties: false } as const;
export const Id = Type.String({ minLength: 1, maxLength: 128 });
export const Text = (max: number) => Type.String({ minLength: 1, maxLength: max });
/** A comma-separated list of these names in a query string. */
export const list = (names: readonly string[]) => Type.String({ maxLength: 1024, pattern: `^(${names.join('|')})(,(${names.join('|')}))*$` });
/** ISO 8601 or milliseconds since the epoch. */
export const Time = Type.String({ minLength: 1, maxLength: 40, pattern: '^(\\d{1,15}|\\d{4}-\\d\\d-\\d\\d.*)$' });
export const Version = Type.Integer({ minimum: 1 });
export const oneOf = <const T extends readonly string[]>(names: T) => Type.Unsafe<T[number]>(Type.String({ enum: [...names] } as never));

/** Longest page; the browser's virtual table asks for the next one. */
export const PAGE_MAX = 500;
export const Paging = {
  /** Opaque; from `next` of the page before. */
  cursor: Type.Optional(Type.String({ maxLength: 512 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE_MAX })),
};
