import type { FastifyInstance } from 'fastify';
import { LiveQuery } from '../../model/requests.js';
import { callerOf } from '../app.js';
import type { Context } from '../context.js';
import type { Listener } from '../live.js';

// A session that ended elsewhere loses its sockets within this time; also keeps proxies from closing a quiet socket.
const CHECK_MS = 30_000;

export function liveRoutes(app: FastifyInstance, context: Context): void {
  void app.register(async (scoped) => {
    scoped.get<{ Querystring: LiveQuery }>('/api/live', { websocket: true, schema: { querystring: LiveQuery } }, (socket, request) => {
      const { session, user, scope, permissions } = callerOf(request);
      const listener: Listener = {
        user: user.id, session: session.id, scope, permissions,
        send: (frame) => { if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(frame)); },
        backlog: () => socket.bufferedAmount,
        close: (code) => {
          if (socket.readyState === socket.OPEN) socket.send(JSON.stringify({ kind: 'bye', code }));
          socket.close(1000, code);
        },
      };
      const off = context.live.listen(listener, request.query.since);
      const timer = setInterval(() => {
        socket.ping();
        void context.sessions.alive(session.id).then((still) => { if (!still) listener.close('SW_CONSOLE_LOGIN'); }, () => { /* the store is busy; the next check tells */ });
      }, CHECK_MS).unref();
      const done = (): void => { clearInterval(timer); off(); };
      socket.on('close', done);
      socket.on('error', done);
    });
  });
}
