import { isExactly, latin, u16le, u32le } from './bytes.js';

/** [offset, bytes as one character each, type]; the more specific first. Types read like file(1)'s first words. */
const SIGNATURES: readonly (readonly [number, string, string])[] = [
  [0, '\x7fELF', 'ELF'],
  [0, '\xca\xfe\xba\xbe', 'Java class data'],
  [0, '\xac\xed\x00\x05', 'Java serialization data'],
  [0, 'PK\x03\x04', 'Zip archive data'],
  [0, 'Rar!\x1a\x07', 'RAR archive data'],
  [0, '7z\xbc\xaf\x27\x1c', '7-zip archive data'],
  [0, '\x1f\x8b', 'gzip compressed data'],
  [0, 'BZh', 'bzip2 compressed data'],
  [0, '\xfd7zXZ\x00', 'XZ compressed data'],
  [0, '\x28\xb5\x2f\xfd', 'Zstandard compressed data'],
  [257, 'ustar', 'POSIX tar archive'],
  [7, '**ACE**', 'ACE archive data'],
  [0, 'MSCF', 'Microsoft Cabinet archive data'],
  [0, '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 'Composite Document File V2 Document'],
  [0, '{\\rtf', 'Rich Text Format data'],
  [0, '%PDF-', 'PDF document'],
  [0, 'L\x00\x00\x00\x01\x14\x02\x00', 'MS Windows shortcut'],
  [0, '\x89PNG\r\n\x1a\n', 'PNG image data'],
  [0, '\xff\xd8\xff', 'JPEG image data'],
  [0, 'GIF8', 'GIF image data'],
  [0, 'BM', 'PC bitmap'],
  [0, 'RIFF', 'RIFF data'],
  [0, 'SQLite format 3\x00', 'SQLite 3.x database'],
  [0, 'ITSF', 'MS Windows HtmlHelp Data'],
  [0, 'CWS', 'Macromedia Flash data (compressed)'],
  [0, 'FWS', 'Macromedia Flash data'],
  [0, '\xfe\xed\xfa\xce', 'Mach-O'],
  [0, '\xcf\xfa\xed\xfe', 'Mach-O 64-bit'],
  [0, 'regf', 'MS Windows registry file'],
  [0, '-----BEGIN ', 'PEM data'],
  [0, '#!', 'script text executable'],
];

/** Type of a file by its first bytes, '' when unknown. */
export function magic(u8: Uint8Array, length: number): string {
  if (length >= 64 && u8[0] === 0x4d && u8[1] === 0x5a) {
    const pe = u32le(u8, 60);
    if (pe + 24 <= length && isExactly(u8, pe, length, 'PE\x00\x00')) {
      return (u16le(u8, pe + 22) & 0x2000 ? 'PE32 executable (DLL)' : 'PE32 executable') + ' for MS Windows';
    }
    return 'MS-DOS executable';
  }
  for (const [at, bytes, type] of SIGNATURES) if (isExactly(u8, at, length, bytes)) return type;
  let p = 0;
  if (isExactly(u8, 0, length, '\xef\xbb\xbf')) p = 3;
  while (p < length && (u8[p]! <= 32)) p++;
  const s = latin(u8, p, Math.min(64, length - p)).toLowerCase();
  if (s.startsWith('<%')) return 'JSP or ASP server page';
  if (s.startsWith('<?php') || s.startsWith('<?=')) return 'PHP script';
  if (s.startsWith('<!doctype html') || s.startsWith('<html')) return 'HTML document';
  if (s.startsWith('<?xml')) return 'XML document';
  for (let i = 0; i < length; i++) if (u8[i]! < 7 || (u8[i]! > 13 && u8[i]! < 32 && u8[i] !== 27)) return 'data';
  return length > 0 ? 'text' : '';
}
