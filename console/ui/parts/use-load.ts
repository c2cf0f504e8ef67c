import { onUnmounted, ref, shallowRef, type Ref, type ShallowRef } from 'vue';

export interface Load<T> {
  data: ShallowRef<T | undefined>;
  failure: ShallowRef<unknown>;
  loading: Ref<boolean>;
  reload: () => Promise<void>;
}

/** Loads something for a page: the newest call wins, an older answer never overwrites it. `everyMs` repeats it. */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, everyMs = 0): Load<T> {
  const data = shallowRef<T>();
  const failure = shallowRef<unknown>();
  const loading = ref(false);
  let abort: AbortController | undefined;
  async function reload(): Promise<void> {
    abort?.abort();
    const mine = (abort = new AbortController());
    loading.value = true;
    try {
      const answer = await load(mine.signal);
      if (mine.signal.aborted) return;
      data.value = answer;
      failure.value = undefined;
    } catch (cause) {
      if (!mine.signal.aborted) failure.value = cause;
    } finally {
      if (!mine.signal.aborted) loading.value = false;
    }
  }
  void reload();
  const timer = everyMs > 0 ? setInterval(() => !document.hidden && void reload(), everyMs) : undefined;
  onUnmounted(() => {
    abort?.abort();
    clearInterval(timer);
  });
  return { data, failure, loading, reload };
}
