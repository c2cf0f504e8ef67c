import vue from '@vitejs/plugin-vue';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const outDir = join(here, '../../dist/console/ui');

/**
 * Clears what an earlier UI build left and nothing else: compiled unit tests of this folder live under the same
 * output folder, which is why `emptyOutDir` is off.
 */
const clearAssets = { name: 'clear-assets', buildStart: () => rmSync(join(outDir, 'assets'), { recursive: true, force: true }) };

export default {
  root: here,
  base: '/',
  plugins: [vue(), clearAssets],
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
