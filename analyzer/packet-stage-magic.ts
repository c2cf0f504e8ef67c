/** Types of files by their first bytes, as text of the kind that `file` prints. Offsets are from the start. */
const SIGNATURES: readonly [offset: number, bytes: string, text: string][] = [
  [0, '4d5a', 'PE32 executable (DOS/Windows)'],
  [0, '7f454c46', 'ELF executable'],
  [0, 'cafebabe', 'compiled Java class data'],
  [0, 'cffaedfe', 'Mach-O executable'],
  [0, 'aced0005', 'Java serialization data, version 5'],
  [0, '504b0304', 'Zip archive data'],
  [0, '526172211a07', 'RAR archive data'],
  [0, '377abcaf271c', '7-zip archive data'],
  [0, '1f8b', 'gzip compressed data'],
  [0, '425a68', 'bzip2 compressed data'],
  [0, 'fd377a585a00', 'XZ compressed data'],
  [0, '25504446', 'PDF document'],
  [0, 'd0cf11e0a1b11ae1', 'Composite Document File V2 Document'],
  [0, '7b5c727466', 'Rich Text Format data'],
  [0, '89504e470d0a1a0a', 'PNG image data'],
  [0, 'ffd8ff', 'JPEG image data'],
  [0, '47494638', 'GIF image data'],
  [0, '424d', 'PC bitmap'],
  [0, '52494646', 'RIFF data'],
  [0, '4c00000001140200', 'MS Windows shortcut'],
  [0, '49545346', 'MS Windows HtmlHelp Data'],
  [0, '53514c69746520666f726d617420', 'SQLite 3.x database'],
  [0, '3c3f706870', 'PHP script, ASCII text'],
  [0, '3c2540', 'JSP or ASP script, ASCII text'],
  [0, '2321', 'script text executable'],
  [0, '3c3f786d6c', 'XML document'],
  [257, '7573746172', 'POSIX tar archive'],
];
const COMPILED = SIGNATURES.map(([offset, hex, text]) => ({ offset, bytes: Uint8Array.from(Buffer.from(hex, 'hex')), text }));

/** What the first bytes of a file say it is; '' when there are none. */
export function magicOf(u8: Uint8Array, at: number, length: number): string {
  if (length === 0) return '';
  for (const { offset, bytes, text } of COMPILED) {
    if (offset + bytes.length > length) continue;
    let i = 0;
    while (i < bytes.length && u8[at + offset + i] === bytes[i]) i++;
    if (i === bytes.length) return text;
  }
  let start = at;
  while (start < at + length && u8[start] <= 0x20) start++;
  const word = String.fromCharCode(...u8.subarray(start, Math.min(start + 14, at + length))).toLowerCase();
  if (word.startsWith('<!doctype html') || word.startsWith('<html')) return 'HTML document';
  for (let i = at; i < at + length; i++) {
    const byte = u8[i];
    if (byte < 0x09 || (byte > 0x0d && byte < 0x20 && byte !== 0x1b) || byte === 0x7f) return 'data';
  }
  for (let i = at; i < at + length; i++) if (u8[i] > 0x7f) return 'UTF-8 Unicode text';
  return 'ASCII text';
}
