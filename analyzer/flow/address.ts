/** Text of an IPv4 address. */
export function ipv4Text(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

/** Text of an IPv6 address as EVE writes it: eight groups, nothing left out (`fe80:0000:…`). */
export function ipv6Text(bytes: Uint8Array, at: number): string {
  let text = '';
  for (let i = 0; i < 16; i += 2) {
    if (i > 0) text += ':';
    text += ((bytes[at + i] << 8) | bytes[at + i + 1]).toString(16).padStart(4, '0');
  }
  return text;
}

export function addressText(bytes: Uint8Array, at: number, version: number): string {
  return version === 4 ? ipv4Text(bytes, at) : ipv6Text(bytes, at);
}
