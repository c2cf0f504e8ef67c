import type { Behaviour, MakeBehaviour } from './behaviour.js';

/**
 * More kinds of attack by one source on one host than anybody reads: the alerts themselves are counted where they leave
 * (analyzer/sink/few-words.ts); records and events tell nothing of it. Parameters: `rules` (told one by one), `seconds`.
 */
const none: Behaviour = { types: [], held: 0, evicted: 0, advance() {}, flush() {} };

export const manyAttempts: MakeBehaviour = () => none;
