import type { Socket } from 'node:net';

/**
 * The wire of the local bus: u32 length, then u8 kind, u32 number, u32 length of the meta (JSON), meta, data.
 * Little-endian. Numbers tie an answer to its call, or name a subscription.
 */
export const PROTOCOL = 1;
/** The largest message of the bus is a packet block or evidence of 512 KiB; 9 MiB leaves room for what NATS would take. */
export const FRAME_MAX = 9 * 1024 * 1024;
export const META_MAX = 64 * 1024;
const FIXED = 9;

export const KINDS = ['hello', 'ok', 'error', 'publish', 'durable', 'ensure', 'subscribe', 'consume', 'respond', 'close', 'request',
  'message', 'delivery', 'asked', 'done', 'ack', 'answer'] as const;
export type Kind = (typeof KINDS)[number];
const CODE = new Map(KINDS.map((kind, i) => [kind, i]));

export interface Frame { kind: Kind; number: number; meta: Record<string, unknown>; data: Uint8Array }

/** Writes one frame; resolves when the socket has room again. */
export function writeFrame(socket: Socket, kind: Kind, number: number, meta: object = {}, data: Uint8Array = new Uint8Array(0)): Promise<void> | undefined {
  if (socket.destroyed || !socket.writable) return undefined;
  const text = Buffer.from(JSON.stringify(meta));
  const head = Buffer.allocUnsafe(4 + FIXED + text.length);
  head.writeUInt32LE(FIXED + text.length + data.length, 0);
  head.writeUInt8(CODE.get(kind)!, 4);
  head.writeUInt32LE(number, 5);
  head.writeUInt32LE(text.length, 9);
  head.set(text, 13);
  socket.cork();
  socket.write(head);
  const room = data.length === 0 || socket.write(data);
  socket.uncork();
  if (room && !socket.writableNeedDrain) return undefined;
  return new Promise((resolve) => {
    const go = () => { socket.off('drain', go); socket.off('close', go); resolve(); };
    socket.on('drain', go);
    socket.on('close', go);
  });
}

/** Cuts a byte stream into frames. Returns why it cannot go on, when the peer does not keep to the protocol. */
export class FrameReader {
  #head = Buffer.allocUnsafe(4);
  #have = 0;
  #frame: Buffer | undefined;

  constructor(private readonly each: (frame: Frame) => void) {}

  push(chunk: Uint8Array): string | undefined {
    for (let at = 0; at < chunk.length;) {
      const target: Buffer = this.#frame ?? this.#head;
      const n = Math.min(target.length - this.#have, chunk.length - at);
      target.set(chunk.subarray(at, at + n), this.#have);
      this.#have += n;
      at += n;
      if (this.#have < target.length) break;
      this.#have = 0;
      if (!this.#frame) {
        const length = this.#head.readUInt32LE(0);
        if (length < FIXED || length > FRAME_MAX) return `a frame of ${length} bytes`;
        this.#frame = Buffer.allocUnsafe(length);
      } else {
        const frame = this.#frame;
        this.#frame = undefined;
        const kind = KINDS[frame.readUInt8(0)];
        const meta = frame.readUInt32LE(5);
        if (kind === undefined || meta > META_MAX || meta > frame.length - FIXED) return 'a frame of an unknown kind or shape';
        let parsed: unknown;
        try { parsed = JSON.parse(frame.toString('utf8', FIXED, FIXED + meta)); } catch { return 'meta that is not JSON'; }
        if (parsed === null || typeof parsed !== 'object') return 'meta that is not an object';
        this.each({ kind, number: frame.readUInt32LE(1), meta: parsed as Record<string, unknown>, data: frame.subarray(FIXED + meta) });
      }
    }
    return undefined;
  }
}
