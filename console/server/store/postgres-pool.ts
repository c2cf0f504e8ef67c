import type { PostgresPool } from 'kysely';
import pg from 'pg';
import { Many } from './many.js';

// Sent in pieces, so that no second copy of all rows is made.
const PIECE = 256 * 1024;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** A value in COPY's text format: https://www.postgresql.org/docs/current/sql-copy.html, "Text Format". */
function field(value: unknown): string {
  if (value === null || value === undefined) return '\\N';
  if (typeof value === 'number') return String(value);
  const text = String(value);
  return /[\\\n\r\t]/.test(text) ? text.replace(/[\\\n\r\t]/g, (c) => ESCAPES[c]) : text;
}
function pieces(rows: Many['rows']): Buffer[] {
  const made: Buffer[] = [];
  let text = '';
  for (const row of rows) {
    text += `${row.map(field).join('\t')}\n`;
    if (text.length >= PIECE) {
      made.push(Buffer.from(text));
      text = '';
    }
  }
  if (text !== '') made.push(Buffer.from(text));
  return made;
}

interface CopyConnection { sendCopyFromChunk(chunk: Buffer): void; endCopyFrom(): void }
/** `copy … from stdin` with its rows; pg itself refuses it. */
class Copy extends pg.Query {
  constructor(text: string, private readonly data: readonly Buffer[], done: (error: Error | null, result: pg.QueryResult) => void) {
    super(text);
    (this as unknown as { callback: typeof done }).callback = done;
  }
  handleCopyInResponse(connection: CopyConnection): void {
    for (const piece of this.data) connection.sendCopyFromChunk(piece);
    connection.endCopyFrom();
  }
}

/** pg's pool for Kysely. Statements of one connection may be handed over at once; a statement whose only parameter is `Many` is a COPY and gets its rows. */
export function postgresPool(url: string, connections: number): PostgresPool {
  // 20 = int8: counts and milliseconds stay far below 2^53
  const types = { getTypeParser: (oid: number, format?: 'text' | 'binary') => (oid === 20 ? Number : pg.types.getTypeParser(oid, format as 'text')) };
  const pool = new pg.Pool({ connectionString: url, max: connections, types: types as never });
  pool.on('error', () => { /* an idle connection went; the pool makes a new one */ });
  return {
    async connect() {
      const client = await pool.connect();
      let last: Promise<unknown> = Promise.resolve();
      /** One after the other; rows are made ready for the wire at once, while the server is at the one before. */
      const query = (text: string, values: readonly unknown[]): Promise<pg.QueryResult> => {
        const data = values[0] instanceof Many ? pieces(values[0].rows) : undefined;
        const run = (): Promise<pg.QueryResult> => (data
          ? new Promise((resolve, reject) => { client.query(new Copy(text, data, (error, result) => { if (error) reject(error); else resolve(result); })); })
          : client.query(text, [...values]));
        const answer = last.then(run);
        last = answer.catch(() => { /* whoever asked hears of it; what follows in a failed transaction fails, too */ });
        return answer;
      };
      return { query, release: () => client.release() } as unknown as Awaited<ReturnType<PostgresPool['connect']>>;
    },
    end: () => pool.end(),
  };
}
