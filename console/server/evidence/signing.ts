import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Name of a public key: the first 32 hex digits of the SHA-256 over its DER form. */
export const keyIdOf = (key: KeyObject): string => createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest('hex').slice(0, 32);

/** The console's own key for what leaves it: bundles and exports. Made once, readable by this program's user alone. */
export class SigningKey {
  readonly publicPem: string;
  readonly keyId: string;
  private readonly key: KeyObject;

  constructor(dataDir: string) {
    const path = join(dataDir, 'signing.key');
    if (!existsSync(path)) {
      mkdirSync(dataDir, { recursive: true, mode: 0o700 });
      const { privateKey } = generateKeyPairSync('ed25519');
      writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
    }
    this.key = createPrivateKey(readFileSync(path));
    const publicKey = createPublicKey(this.key);
    this.publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    this.keyId = keyIdOf(publicKey);
  }

  /** Ed25519 signature (RFC 8032) of the bytes. */
  sign(bytes: Uint8Array): Buffer { return sign(null, bytes, this.key); }
}

export function signedBy(publicPem: string, bytes: Uint8Array, signature: Uint8Array): string | undefined {
  try {
    const key = createPublicKey(publicPem);
    return key.asymmetricKeyType === 'ed25519' && verify(null, bytes, key, signature) ? keyIdOf(key) : undefined;
  } catch {
    return undefined;
  }
}
