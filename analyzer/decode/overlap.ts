/**
 * Whose bytes a system keeps where two segments that both wait overlap (Novak and Sturges, "Target-Based TCP Stream
 * Reassembly"; Shankar and Paxson, "Active Mapping"). Bytes already handed to the application are never taken back.
 */
export const OVERLAP_POLICIES = [
  'first', 'last', 'bsd', 'linux', 'old-linux', 'windows', 'macos', 'solaris', 'hpux10', 'hpux11', 'irix', 'vista',
] as const;
export type OverlapPolicy = (typeof OVERLAP_POLICIES)[number];

/**
 * Whether the segment that comes later wins the bytes it shares with an earlier one.
 * @param start how far the new segment starts behind the old one (negative: before it).
 * @param end how far it ends behind the old one's end (negative: before it).
 */
export function laterWins(policy: OverlapPolicy, start: number, end: number): boolean {
  switch (policy) {
    case 'first':
    case 'vista':
      return false;
    case 'last':
      return true;
    case 'bsd':
    case 'windows':
    case 'macos':
    case 'hpux10':
    case 'irix':
      return start < 0;
    case 'linux':
      return start < 0 || (start === 0 && end > 0);
    case 'old-linux':
      return start < 0 || (start === 0 && end >= 0);
    case 'solaris':
    case 'hpux11':
      return start > 0 ? end > 0 : end >= 0;
  }
}
