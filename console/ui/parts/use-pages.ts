import { onUnmounted, ref, shallowRef, triggerRef } from 'vue';
import type { Page } from '../../model/api.js';

/** Rows held at once; what is further down is asked again after narrowing the filter. */
const HELD_MAX = 100_000;

/** A list that grows page by page: `restart` begins anew, `more` takes the next page when there is one. */
export function usePages<T extends { id: string }>(load: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>) {
  const items = shallowRef<T[]>([]);
  const failure = shallowRef<unknown>();
  const loading = ref(false);
  const ended = ref(false);
  let next: string | undefined;
  let abort = new AbortController();

  async function take(cursor: string | undefined): Promise<void> {
    const mine = abort;
    loading.value = true;
    try {
      const page = await load(cursor, mine.signal);
      if (mine.signal.aborted) return;
      const known = new Set(cursor === undefined ? [] : items.value.map((i) => i.id));
      items.value = cursor === undefined ? page.items : [...items.value, ...page.items.filter((i) => !known.has(i.id))];
      next = page.next;
      ended.value = next === undefined || items.value.length >= HELD_MAX;
      failure.value = undefined;
    } catch (cause) {
      if (!mine.signal.aborted) failure.value = cause;
    } finally {
      if (!mine.signal.aborted) loading.value = false;
    }
  }
  function restart(): Promise<void> {
    abort.abort();
    abort = new AbortController();
    ended.value = false;
    return take(undefined);
  }
  async function more(): Promise<void> {
    if (!loading.value && !ended.value && next !== undefined && !failure.value) await take(next);
  }
  /** Puts changed rows in place and new ones on top. */
  function merge(rows: T[], addNew: boolean): void {
    const at = new Map(items.value.map((item, k) => [item.id, k]));
    const fresh: T[] = [];
    for (const row of rows) {
      const k = at.get(row.id);
      if (k !== undefined) items.value[k] = row;
      else if (addNew) fresh.unshift(row);
    }
    if (fresh.length > 0) items.value = [...fresh, ...items.value].slice(0, HELD_MAX);
    else triggerRef(items);
  }
  onUnmounted(() => abort.abort());
  return { items, failure, loading, ended, restart, more, merge };
}
