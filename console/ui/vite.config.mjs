import vue from '@vitejs/plugin-vue';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const outDir = join(here, '../../dist/console/ui');

/**
 * Clears what an earlier UI build left and nothing else: compiled unit tests of this folder live under the same
 * output folder, which is why `emptyOutDir` is off.
 */
const clearAssets = { name: 'clear-assets', buildStart: () => rmSync(join(outDir, 'assets'), { recursive: true, force: true }) };

/** Compressed copies beside the files, so that the console never compresses while it serves. */
const compress = {
  name: 'compress',
  apply: 'build',
  closeBundle() {
    const assets = join(outDir, 'assets');
    // Nothing there: the build has failed, and says why itself.
    if (!existsSync(assets)) return;
    for (const name of readdirSync(assets)) {
      if (!/\.(js|css|svg)$/.test(name)) continue;
      const bytes = readFileSync(join(assets, name));
      if (bytes.length < 1024) continue;
      writeFileSync(join(assets, `${name}.gz`), gzipSync(bytes, { level: 9 }));
      writeFileSync(join(assets, `${name}.br`), brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
    }
  },
};

export default {
  root: here,
  base: '/',
  plugins: [vue(), clearAssets, compress],
  define: {
    __VUE_OPTIONS_API__: 'true',
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_I18N_FULL_INSTALL__: 'false',
    __VUE_I18N_LEGACY_API__: 'false',
    __INTLIFY_PROD_DEVTOOLS__: 'false',
    __INTLIFY_DROP_MESSAGE_COMPILER__: 'false',
  },
  build: {
    outDir,
    emptyOutDir: false,
    target: 'es2022',
    // Nothing is inlined: the content security policy of the console allows neither data: scripts nor inline ones.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: true,
    sourcemap: false,
    chunkSizeWarningLimit: 700,
  },
};
