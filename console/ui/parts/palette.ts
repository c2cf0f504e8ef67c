import type { Severity, Verdict } from '../../../contracts/classes.js';
import { dark } from '../theme.js';

/** Colours for charts; the same hues as the tags, with enough contrast on both surfaces. */
const LIGHT: Record<Severity, string> = { critical: '#a3102b', high: '#d9631e', medium: '#d6a10b', low: '#3b83bd', info: '#8594a5' };
const DARK: Record<Severity, string> = { critical: '#f0506b', high: '#f28a4b', medium: '#e3bd4e', low: '#5fa8e0', info: '#8796a6' };
export const severityColour = (s: Severity): string => (dark.value ? DARK : LIGHT)[s];
export const verdictColour = (v: Verdict): string => severityColour(({ attempted: 'low', succeeded: 'high', compromised: 'critical' } as const)[v]);
/** For series without a meaning of their own. */
export const SERIES = ['#2f7fc4', '#2a9d8f', '#8b6fc0', '#d08a2e', '#5b8a3a', '#c0577f', '#6b7f95', '#4aa3a3'];
