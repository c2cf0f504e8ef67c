import { onUnmounted, reactive } from 'vue';
import type { LiveFrame, LiveItem } from '../../model/api.js';

/** `skipped` counts alerts that the server left out of its frames; `lost` grows when pages have to load again. */
export const live = reactive({ state: 'off' as 'on' | 'wait' | 'off', skipped: 0, lost: 0 });

type Listener = (items: LiveItem[], skipped: number) => void;
const listeners = new Set<Listener>();

/** Longest wait between two attempts; with the jitter, a restarted server is not met by all browsers at once. */
const WAIT_MAX_MS = 15_000;

let socket: WebSocket | undefined;
let since: string | undefined;
let attempt = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let wanted = false;

function open(): void {
  clearTimeout(timer);
  if (!wanted || socket) return;
  live.state = 'wait';
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
  const mine = (socket = new WebSocket(`${scheme}//${location.host}/api/live${since ? `?since=${encodeURIComponent(since)}` : ''}`));
  mine.onmessage = (event: MessageEvent<string>) => {
    let frame: LiveFrame;
    try {
      frame = JSON.parse(event.data) as LiveFrame;
    } catch {
      return;
    }
    if (frame.kind === 'hello') {
      attempt = 0;
      live.state = 'on';
      if (since !== undefined && !frame.resumed) live.lost++;
      since = frame.at;
    } else if (frame.kind === 'batch') {
      since = frame.at;
      live.skipped += frame.skipped;
      for (const listener of listeners) listener(frame.items, frame.skipped);
    }
  };
  mine.onclose = () => {
    if (socket !== mine) return;
    socket = undefined;
    if (!wanted) return;
    live.state = 'wait';
    const wait = Math.min(WAIT_MAX_MS, 500 * 2 ** attempt++) * (0.7 + Math.random() * 0.6);
    timer = setTimeout(open, wait);
  };
}

/** Opens the feed and keeps it open until `stopLive`; a lost connection is taken up where it broke off. */
export function startLive(): void {
  wanted = true;
  open();
}

export function stopLive(): void {
  wanted = false;
  since = undefined;
  clearTimeout(timer);
  const old = socket;
  socket = undefined;
  old?.close();
  live.state = 'off';
}

/** Calls back with every batch while the component lives. */
export function useLive(listener: Listener): void {
  listeners.add(listener);
  onUnmounted(() => listeners.delete(listener));
}
