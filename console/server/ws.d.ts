// What the tests use of the client in `ws`, which comes with @fastify/websocket without types.
declare module 'ws' {
  import { EventEmitter } from 'node:events';
  export class WebSocket extends EventEmitter {
    constructor(url: string, options?: { headers?: Record<string, string> });
    on(event: 'message', listener: (data: Buffer) => void): this;
    on(event: string, listener: (...args: unknown[]) => void): this;
    close(): void;
  }
}
