import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { ChainLink } from '../../model/evidence.js';
import { signedBy, type SigningKey } from './signing.js';
import { readTar, tarOf, type TarFile } from './tar.js';

/**
 * A bundle is a gzipped tar file: `manifest.json` with the hashes of all files and the chain of links, `signature.bin`
 * (Ed25519 over the manifest), and the files: captures, alerts, incident, bulletins, steps, attachments.
 */
export const BUNDLE_FORMAT = 'shouwang-bundle-1';
/** What a bundle may unpack to; a hostile archive is no larger in memory. */
const UNPACKED_MAX = 1024 ** 3;
const FILES_MAX = 50_000;

export interface Manifest {
  format: typeof BUNDLE_FORMAT;
  incident: string;
  title: string;
  createdAt: string;
  producer: string;
  publicKey: string;
  keyId: string;
  files: { name: string; bytes: number; sha256: string; sm3: string }[];
  chain: ChainLink[];
  head: string;
  missing: string[];
}
export const digest = (algorithm: 'sha256' | 'sm3', bytes: Uint8Array | string): string => createHash(algorithm).update(bytes).digest('hex');

/** A link's hash: SHA-256 over the one before it and what it stands for. */
export const linkHash = (before: string, l: Pick<ChainLink, 'seq' | 'kind' | 'id' | 'at' | 'sha256' | 'sm3'>): string =>
  digest('sha256', `${before}\n${l.seq}\n${l.kind}\n${l.id}\n${l.at}\n${l.sha256}\n${l.sm3}`);

export function packBundle(about: Pick<Manifest, 'incident' | 'title' | 'createdAt' | 'producer' | 'missing'>, chain: ChainLink[], files: TarFile[], key: SigningKey): Buffer {
  const manifest: Manifest = {
    format: BUNDLE_FORMAT, ...about, publicKey: key.publicPem, keyId: key.keyId,
    files: files.map(({ name, data }) => ({ name, bytes: data.length, sha256: digest('sha256', data), sm3: digest('sm3', data) })),
    chain, head: chain.at(-1)?.link ?? '',
  };
  const text = Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`);
  return gzipSync(tarOf([{ name: 'manifest.json', data: text }, { name: 'signature.bin', data: key.sign(text) }, ...files]));
}

export interface Verification {
  sound: boolean;
  /** What is wrong, in English, one sentence each. */
  faults: string[];
  manifest?: Manifest;
  /** Who signed; name of the key. */
  keyId?: string;
  links: number;
  files: number;
}

/** Checks a bundle with nothing but its own bytes; `keyId` demands that this key signed it. Never throws. */
export function verifyBundle(bytes: Buffer, keyId?: string): Verification {
  const faults: string[] = [];
  const result: Verification = { sound: false, faults, links: 0, files: 0 };
  let files: TarFile[] | undefined;
  try {
    files = readTar(gunzipSync(bytes, { maxOutputLength: UNPACKED_MAX }), FILES_MAX);
  } catch { /* told below */ }
  const [first, second, ...rest] = files ?? [];
  if (first?.name !== 'manifest.json' || second?.name !== 'signature.bin') {
    faults.push('The file is no bundle, or is damaged.');
    return result;
  }
  let manifest: Manifest;
  try {
    manifest = JSON.parse(first.data.toString()) as Manifest;
    if (manifest.format !== BUNDLE_FORMAT || !Array.isArray(manifest.files) || !Array.isArray(manifest.chain)) throw new TypeError('another format');
  } catch {
    faults.push('The manifest cannot be read.');
    return result;
  }
  result.manifest = manifest;
  result.keyId = signedBy(String(manifest.publicKey), first.data, second.data);
  if (result.keyId === undefined) faults.push('The signature does not fit the manifest.');
  else if (result.keyId !== manifest.keyId) faults.push('The manifest names another key than the one that signed it.');
  else if (keyId !== undefined && keyId.toLowerCase() !== result.keyId) faults.push(`It was signed by the key ${result.keyId}, not by ${keyId}.`);

  const held = new Map(rest.map((f) => [f.name, f.data]));
  if (held.size !== rest.length) faults.push('A file is there twice.');
  for (const f of manifest.files) {
    const data = held.get(f.name);
    if (!data) faults.push(`${f.name} is missing.`);
    else if (digest('sha256', data) !== f.sha256 || digest('sm3', data) !== f.sm3) faults.push(`${f.name} was changed.`);
    else result.files++;
  }
  const named = new Map(manifest.files.map((f) => [f.name, f]));
  for (const name of held.keys()) if (!named.has(name)) faults.push(`${name} is not in the manifest.`);

  let before = '';
  for (const [i, link] of manifest.chain.entries()) {
    const file = named.get(link.file);
    if (link.seq !== i + 1 || link.link !== linkHash(before, link)) faults.push(`Link ${i + 1} of the chain does not follow from the one before it.`);
    else if (file?.sha256 !== link.sha256 || file.sm3 !== link.sm3) faults.push(`Link ${i + 1} (${link.kind} ${link.id}) does not stand for its file.`);
    else result.links++;
    before = link.link;
  }
  if (before !== manifest.head) faults.push('The chain has another end than the manifest says.');
  checkReferences(manifest, held, faults);
  result.sound = faults.length === 0;
  return result;
}

/** An alert names its captures by hash; the chain's order is packet, alert, incident, bulletin, closure. */
function checkReferences(manifest: Manifest, held: Map<string, Buffer>, faults: string[]): void {
  const captures = new Map(manifest.chain.filter((l) => l.kind === 'evidence').map((l) => [l.id, l.sha256]));
  const missing = new Set(manifest.missing);
  for (const link of manifest.chain) {
    if (link.kind !== 'alert') continue;
    try {
      const alert = JSON.parse(held.get(link.file)?.toString() ?? '') as { shouwang?: { evidence?: { id: string; sha256: string }[] } };
      for (const e of alert.shouwang?.evidence ?? []) {
        if (missing.has(e.id)) continue;
        if (captures.get(e.id) !== e.sha256) faults.push(`Alert ${link.id} names the capture ${e.id} under another hash.`);
      }
    } catch {
      faults.push(`Alert ${link.id} cannot be read.`);
    }
  }
}
