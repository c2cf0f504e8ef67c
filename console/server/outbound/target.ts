import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { PrefixTrie, addressBytes, parseRange } from '../../../runtime/prefix-trie.js';

/** Where nothing is sent unless the configuration allows it: this machine, link-local (with cloud metadata), multicast, unspecified. */
const REFUSED = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4', '::/128', '::1/128', 'fe80::/10', 'ff00::/8'];

const trieOf = (ranges: readonly string[]): PrefixTrie => {
  const trie = new PrefixTrie();
  for (const range of ranges) {
    const parsed = parseRange(range);
    if (parsed) trie.add(parsed.bytes, parsed.bits, 0);
  }
  return trie;
};
const refused = trieOf(REFUSED);
/** IPv4 within IPv6 is judged as IPv4. */
const plain = (ip: string): string => ip.replace(/^::ffff:(?=\d+\.)/i, '');

/** The one address that is connected to: what was judged is what is used, whatever the name says a moment later. */
export async function safeAddress(host: string, allow: readonly string[]): Promise<{ address: string; family: 4 | 6 }> {
  const bare = host.replace(/^\[|\]$/g, '');
  const found = isIP(bare) ? [{ address: bare, family: isIP(bare) as 4 | 6 }] : await lookup(bare, { all: true });
  const allowed = trieOf(allow);
  for (const { address, family } of found) {
    const bytes = addressBytes(plain(address));
    if (bytes && (refused.find(bytes, 0, 16) < 0 || allowed.find(bytes, 0, 16) >= 0)) return { address, family: family as 4 | 6 };
  }
  throw new Error(`${host} is on this machine or link-local; allow it under outbound.allow if it is meant`);
}
