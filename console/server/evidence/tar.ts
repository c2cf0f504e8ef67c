/** The little of POSIX tar (ustar) that a bundle needs: regular files with short names. */
export interface TarFile { name: string; data: Buffer }
const BLOCK = 512;

const octal = (n: number, width: number): string => `${n.toString(8).padStart(width - 1, '0')}\0`;

export function tarOf(files: readonly TarFile[]): Buffer {
  const parts: Buffer[] = [];
  for (const { name, data } of files) {
    if (Buffer.byteLength(name) > 100) throw new RangeError(`a name in a tar file is at most 100 bytes: ${name}`);
    const head = Buffer.alloc(BLOCK);
    head.write(name, 0);
    head.write(octal(0o644, 8), 100);
    head.write(octal(0, 8), 108);
    head.write(octal(0, 8), 116);
    head.write(octal(data.length, 12), 124);
    head.write(octal(0, 12), 136);
    head.write('        ', 148);
    head.write('0', 156);
    head.write('ustar\0' + '00', 257);
    head.write(octal(head.reduce((a, b) => a + b, 0), 7), 148);
    parts.push(head, data, Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK));
  }
  return Buffer.concat([...parts, Buffer.alloc(BLOCK * 2)]);
}

/** @returns undefined where the bytes are no such archive. Names are returned as they stand: nothing is written anywhere. */
export function readTar(bytes: Buffer, filesMax: number): TarFile[] | undefined {
  const files: TarFile[] = [];
  for (let at = 0; at + BLOCK <= bytes.length;) {
    const head = bytes.subarray(at, at + BLOCK);
    if (head.every((b) => b === 0)) return files;
    const size = Number.parseInt(head.toString('latin1', 124, 135).replace(/\0.*$/s, ''), 8);
    const sum = Number.parseInt(head.toString('latin1', 148, 154), 8);
    let actual = 8 * 32;
    for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) actual += head[i];
    if (!Number.isInteger(size) || sum !== actual || at + BLOCK + size > bytes.length || files.length >= filesMax) return undefined;
    const name = head.toString('utf8', 0, 100).replace(/\0.*$/s, '');
    files.push({ name, data: bytes.subarray(at + BLOCK, at + BLOCK + size) });
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return undefined;
}
