/** Bytes of a body that are looked at: enough to tell text from noise. */
const LOOKED_AT = 2048;
/** Noise of fewer bytes cannot be told from text. */
const FEWEST = 16;

/** Names of what signs or dates a request of an application. */
const SIGNED = /(?:^|&)_?(?:sign|signature|sig|mac|timestamp|ts|nonce|app_?id|app_?key)=[\w%-]/i;

/** What a body looks like from afar, without its content. */
export interface BodyShape {
  /** `base64` and `hex` are the whole body or its longest form value. */
  encoding: 'base64' | 'hex' | 'binary' | 'text';
  /** Of the decoded bytes, as far as they were kept. */
  bytes: number;
  /** Whether the decoded bytes look drawn at random: ciphertext, or compressed data of no known format. */
  random: boolean;
  /** Whether their number is a multiple of 16, as of block ciphers; false where the end is not known. */
  blocks: boolean;
  /** Whether a form names a signature, time stamp or application beside, as the protocols of applications do. */
  signed?: true;
}

/**
 * The shape of a request or response body.
 * @param total bytes of the whole body: when more than `length`, its end is not known.
 */
export function bodyShape(u8: Uint8Array, at: number, length: number, total: number): BodyShape {
  let from = at;
  let to = at + length;
  while (to > from && (u8[to - 1] === 0x0a || u8[to - 1] === 0x0d)) to--;
  const whole = total <= length;
  let text = true;
  const look = Math.min(to, from + LOOKED_AT);
  for (let i = from; i < look && text; i++) text = (u8[i]! >= 0x20 && u8[i]! < 0x7f) || u8[i] === 0x0a || u8[i] === 0x0d || u8[i] === 0x09;
  if (!text) return { encoding: 'binary', bytes: total, random: isNoise(u8.subarray(from, look)), blocks: whole && total % 16 === 0 };
  const all: [number, number] = [from, to];
  [from, to] = longestValue(u8, from, to);
  const signed = to - from < all[1] - all[0] && SIGNED.test(Buffer.from(u8.buffer, u8.byteOffset + all[0], Math.min(all[1] - all[0], 128)).toString('latin1') + '&' + Buffer.from(u8.buffer, u8.byteOffset + Math.max(all[0], all[1] - 128), Math.min(all[1] - all[0], 128)).toString('latin1'));
  const value = Buffer.from(u8.buffer, u8.byteOffset + from, to - from).toString('latin1').replace(/%2[bB]/g, '+').replace(/%2[fF]/g, '/').replace(/%3[dD]/g, '=');
  // Godzilla puts 16 digits of a digest before and behind its answer.
  const inner = /^[0-9a-fA-F]{16}([A-Za-z0-9+/]{20,}={0,2})[0-9a-fA-F]{16}$/.exec(value);
  if (inner !== null && !/^[0-9a-fA-F]+$/.test(value)) {
    const decoded = Buffer.from(inner[1]!, 'base64');
    return { encoding: 'base64', bytes: decoded.length, random: isNoise(decoded.subarray(0, LOOKED_AT)), blocks: whole && decoded.length % 16 === 0 };
  }
  for (const encoding of ['hex', 'base64'] as const) {
    if (!(encoding === 'hex' ? /^[0-9a-fA-F]{32,}$/ : /^[A-Za-z0-9+/_-]{22,}={0,2}$/).test(value)) continue;
    const decoded = Buffer.from(value, encoding);
    return { encoding, bytes: decoded.length, random: isNoise(decoded.subarray(0, LOOKED_AT)), blocks: whole && decoded.length % 16 === 0, ...(signed && { signed }) };
  }
  return { encoding: 'text', bytes: total, random: false, blocks: false };
}

/** The longest value of a form; the whole body when it is none. */
function longestValue(u8: Uint8Array, from: number, to: number): [number, number] {
  let best: [number, number] = [from, to];
  let longest = -1;
  let start = -1;
  for (let i = from; i <= to; i++) {
    if (i === to || u8[i] === 0x26) {
      if (start >= 0 && i - start > longest) {
        longest = i - start;
        best = [start, i];
      }
      start = -1;
    } else if (u8[i] === 0x3d && start < 0 && i + 2 < to && u8[i + 1] !== 0x3d && u8[i + 1] !== 0x26) start = i + 1;
  }
  return longest * 2 > to - from ? best : [from, to];
}

/** Formats that are dense but no secret: gzip, zip, png, jpeg, zlib, serialised Java, PDF, class files. */
const MAGIC = [0x1f8b, 0x504b, 0x8950, 0xffd8, 0x789c, 0x78da, 0x7801, 0xaced, 0x2550, 0xcafe, 0x4749, 0x5249, 0x0000];

function isNoise(bytes: Uint8Array): boolean {
  const n = bytes.length;
  if (n < FEWEST || MAGIC.includes((bytes[0]! << 8) | bytes[1]!)) return false;
  const counts = new Uint16Array(256);
  let printable = 0;
  for (let i = 0; i < n; i++) {
    counts[bytes[i]!]!++;
    if (bytes[i]! >= 0x20 && bytes[i]! < 0x7f) printable++;
  }
  let distinct = 0;
  for (let i = 0; i < 256; i++) if (counts[i]! > 0) distinct++;
  // Of n bytes drawn at random about 256 (1 − e^(−n/256)) differ, and 37 % are printable.
  return distinct >= 256 * (1 - Math.exp(-n / 256)) * 0.82 && printable < n * 0.62 + 6;
}
