import { ApiError } from '../api/client.js';
import { onUnmounted, ref, shallowRef, type Ref, type ShallowRef } from 'vue';

export interface Load<T> {
  data: ShallowRef<T | undefined>;
  failure: ShallowRef<unknown>;
  loading: Ref<boolean>;
  reload: () => Promise<void>;
}

// What fails is tried again soon, and then ever less often: a page that stands for days must not wait for its next turn.
const AGAIN_MS = 3_000;
/** A question that has no answer after this long was lost on the way. Pages that repeat by themselves ask again. */
const LOST_MS = 30_000;

function answered<T>(load: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
  const both = new AbortController();
  const end = () => both.abort();
  signal.addEventListener('abort', end);
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new ApiError(0, 'SW_UI_UNREACHABLE', '', undefined, {}));
      both.abort();
    }, LOST_MS);
    void load(both.signal).then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    });
  });
}

/** Loads something for a page: the newest call wins, an older answer never overwrites it. `everyMs` repeats it. */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, everyMs = 0): Load<T> {
  const data = shallowRef<T>();
  const failure = shallowRef<unknown>();
  const loading = ref(false);
  let abort: AbortController | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  async function reload(): Promise<void> {
    abort?.abort();
    clearTimeout(again);
    const mine = (abort = new AbortController());
    loading.value = true;
    try {
      const answer = await (everyMs > 0 ? answered(load, mine.signal) : load(mine.signal));
      if (mine.signal.aborted) return;
      data.value = answer;
      failure.value = undefined;
      failures = 0;
    } catch (cause) {
      if (mine.signal.aborted) return;
      failure.value = cause;
      if (everyMs > 0) again = setTimeout(() => void reload(), Math.min(everyMs, AGAIN_MS * 2 ** failures++));
    } finally {
      if (!mine.signal.aborted) loading.value = false;
    }
  }
  void reload();
  const timer = everyMs > 0 ? setInterval(() => !document.hidden && void reload(), everyMs) : undefined;
  onUnmounted(() => {
    abort?.abort();
    clearInterval(timer);
    clearTimeout(again);
  });
  return { data, failure, loading, reload };
}
