import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { refusals } from './errors.js';
import { languageOf } from './app.js';

/** Serves the built UI: hashed files for a year, the page itself always fresh, every unknown page path the same page. */
export async function serveUi(app: FastifyInstance, folder: string | undefined): Promise<void> {
  const page = folder && existsSync(join(folder, 'index.html')) ? join(folder, 'index.html') : undefined;
  if (folder && page) {
    await app.register(fastifyStatic, {
      root: folder, index: false,
      // Beside the pages lie modules that the tests compile; a browser has no use for them.
      allowedPath: (path) => !/^\/(text|i18n)(\/|$)/.test(path) && !path.endsWith('.map'), wildcard: true, preCompressed: true, cacheControl: false, dotfiles: 'deny',
      setHeaders: (reply, path) => {
        void reply.header('cache-control', /[/\\]assets[/\\]/.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
    app.get('/', (_request, reply) => reply.header('cache-control', 'no-cache').type('text/html; charset=utf-8').send(readFileSync(page)));
  }
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0];
    const isPage = page && request.method === 'GET' && !path.startsWith('/api') && !/\.[a-z0-9]{1,8}$/i.test(path);
    if (isPage) return reply.header('cache-control', 'no-cache').type('text/html; charset=utf-8').send(readFileSync(page));
    return reply.status(404).type('application/json; charset=utf-8').send(refusals.noRoute().toBody(languageOf(request)));
  });
}
