import { brotliDecompressSync, constants } from 'node:zlib';
import type { Arena } from '../../arena.js';
import { copy, findWord } from '../bytes.js';
import { inflate, lastOutcome, Outcome } from './inflate.js';
import { EVIDENCE_BYTES, type Message } from './transaction.js';

/** Bytes of a body that are inspected, before and after decompression (Suricata's default). */
export const BODY_LIMIT = 100 * 1024;
/** Content codings taken off one after another; more is refused by browsers too and only hides things. */
export const MAX_LAYERS = 2;

export const enum Coding { Identity = 0, Deflate = 1, Brotli = 2, Unknown = 3, Gzip = 4 }

/** Content-Encoding, outermost last as sent. @returns codings to take off, in the order of taking off. */
export function codings(u8: Uint8Array, at: number, length: number): Coding[] {
  const list: Coding[] = [];
  const end = at + length;
  for (let p = at; p < end && list.length <= MAX_LAYERS;) {
    let e = p;
    while (e < end && u8[e] !== 0x2c) e++;
    if (findWord(u8, p, e, 'gzip') >= 0) list.unshift(Coding.Gzip);
    else if (findWord(u8, p, e, 'deflate') >= 0) list.unshift(Coding.Deflate);
    else if (e - p <= 4 && findWord(u8, p, e, 'br') >= 0) list.unshift(Coding.Brotli);
    else if (findWord(u8, p, e, 'identity') < 0 && e > p) list.unshift(Coding.Unknown);
    p = e + 1;
  }
  return list;
}

/** Adds transferred bytes to the body in the message's own block, up to `BODY_LIMIT`. */
export function collect(arena: Arena, m: Message, at: number, length: number): void {
  m.bodyBytes += length;
  const have = m.body.length < 0 ? 0 : m.body.length;
  const n = Math.min(length, BODY_LIMIT - have);
  if (n <= 0) return;
  if (have + n > m.bodyBlockSize) {
    const size = Math.max(have + n, Math.min(m.bodyBlockSize * 4, BODY_LIMIT), 1024);
    const block = arena.take(size);
    if (block === 0) return;
    if (have > 0) copy(arena.u8, block, m.body.at, have);
    if (m.bodyBlockSize > 0) arena.give(m.body.at, m.bodyBlockSize);
    m.body.at = block;
    m.bodyBlockSize = classOf(size);
  }
  copy(arena.u8, m.body.at + have, at, n);
  m.body.length = have + n;
}
/** What `take(bytes)` hands out, so that growing uses all of it. */
function classOf(bytes: number): number {
  return bytes <= 256 ? 256 : 1 << (32 - Math.clz32(bytes - 1));
}

/** Takes the content codings off the collected body, in place of it. @returns false when some of it could not be. */
export function decode(arena: Arena, m: Message, list: readonly Coding[]): 'ok' | 'failed' | 'bomb' {
  for (const coding of list.slice(0, MAX_LAYERS)) {
    if (m.body.length <= 0) return 'ok';
    if (coding === Coding.Unknown) return 'ok';
    if (coding === Coding.Brotli) {
      const out = brotli(arena.u8.subarray(m.body.at, m.body.at + m.body.length));
      if (!out) return 'failed';
      const block = arena.take(Math.max(out.length, 1));
      if (block === 0) return 'failed';
      arena.u8.set(out, block);
      swap(arena, m, block, classOf(Math.max(out.length, 1)), out.length);
      continue;
    }
    let room = Math.min(BODY_LIMIT, Math.max(2048, m.body.length * 8));
    for (;;) {
      const block = arena.take(room);
      if (block === 0) return 'failed';
      const n = inflate(arena.u8, m.body.at, m.body.length, block, room);
      const how = lastOutcome();
      if (how === Outcome.Full && room < BODY_LIMIT) {
        arena.give(block, room);
        room = BODY_LIMIT;
        continue;
      }
      // What calls itself gzip and has none of its magic was never packed: servers take it as it is.
      const plain = coding === Coding.Gzip && (arena.u8[m.body.at] !== 0x1f || arena.u8[m.body.at + 1] !== 0x8b);
      if (how === Outcome.Broken && (n === 0 || plain)) {
        arena.give(block, room);
        return 'failed';
      }
      const bomb = how === Outcome.Full && m.body.length * 200 < room;
      swap(arena, m, block, classOf(room), n);
      if (bomb) return 'bomb';
      if (how === Outcome.Broken) return 'failed';
      break;
    }
  }
  return list.length > MAX_LAYERS ? 'failed' : 'ok';
}

function swap(arena: Arena, m: Message, block: number, size: number, length: number): void {
  if (m.bodyBlockSize > 0) arena.give(m.body.at, m.bodyBlockSize);
  m.body.at = block;
  m.bodyBlockSize = size;
  m.body.length = length;
}

function brotli(bytes: Uint8Array): Uint8Array | undefined {
  // Brotli's window is bounded so that a stream can't ask for 16 MiB for 100 KiB of output
  const options = { maxOutputLength: BODY_LIMIT * 8, finishFlush: constants.BROTLI_OPERATION_FLUSH };
  try {
    const out = brotliDecompressSync(bytes, options);
    return out.length > BODY_LIMIT ? out.subarray(0, BODY_LIMIT) : out;
  } catch {
    return undefined;
  }
}

/** After inspection: keeps the first bytes as evidence and gives the large block back. */
export function shrink(arena: Arena, m: Message): void {
  if (m.bodyBlockSize <= EVIDENCE_BYTES) return;
  const n = Math.min(m.body.length, EVIDENCE_BYTES);
  const block = arena.take(EVIDENCE_BYTES);
  if (block !== 0) copy(arena.u8, block, m.body.at, n);
  arena.give(m.body.at, m.bodyBlockSize);
  m.body.at = block;
  m.bodyBlockSize = block === 0 ? 0 : EVIDENCE_BYTES;
  m.body.length = block === 0 ? -1 : n;
}
