// What is used of `ws`, which comes with @fastify/websocket without types.
declare module 'ws' {
  import { EventEmitter } from 'node:events';
  export class WebSocket extends EventEmitter {
    constructor(url: string, options?: { headers?: Record<string, string> });
    readonly readyState: number;
    readonly OPEN: number;
    readonly bufferedAmount: number;
    on(event: 'message', listener: (data: Buffer) => void): this;
    on(event: string, listener: (...args: unknown[]) => void): this;
    send(data: string): void;
    ping(): void;
    close(code?: number, reason?: string): void;
  }
}
