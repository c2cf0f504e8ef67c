import { watch } from 'vue';
import type { HistoryEntry } from '../../model/api.js';
import { user } from '../api/session.js';

/** A click already on its way when another's change comes in is no answer to it. */
const NOTICED_MS = 800;

/** Whether somebody else added to a history that had `before` entries. */
export const anothers = (history: readonly HistoryEntry[] | undefined, before: number): boolean => (history ?? []).slice(before).some((h) => h.by !== undefined && h.by.id !== user.value?.id);

/** @returns whether another's change has stood on the page for too short a time to have been read */
export function useNoticed(shown: () => boolean, version: () => number | undefined): () => boolean {
  let since = 0;
  watch([shown, version], () => (since = shown() ? Date.now() : 0), { flush: 'sync' });
  return () => Date.now() - since < NOTICED_MS;
}
