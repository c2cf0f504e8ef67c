// Builds dist/: TypeScript file by file with esbuild, scan kernels with AssemblyScript, the browser UI with Vite.
// `--quick` leaves out what has not changed; `--no-ui` leaves out the browser UI.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, symlinkSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
process.chdir(root);
const rooms = ['contracts', 'runtime', 'collector', 'analyzer', 'console/model', 'console/server', 'console/ui/text', 'console/ui/i18n', 'deploy', 'bench', 'cli', 'rules'];

function* walk(dir) {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name === 'captures') continue;
    const path = join(dir, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else yield path;
  }
}

const sources = [];
const kernels = [];
const assets = [];
for (const room of rooms) {
  if (!existsSync(room)) continue;
  for (const path of walk(room)) {
    if (path.endsWith('.as.ts')) kernels.push(path);
    else if (path.endsWith('.ts') && !path.endsWith('.d.ts')) sources.push(path);
    else if (/\.(sql|ttf|otf|wasm)$/.test(path) || (room === 'console/server' && /\.(json|html|css)$/.test(path))) assets.push(path);
  }
}

const { build } = await import('esbuild');
await build({
  entryPoints: sources, outdir: 'dist', outbase: '.', format: 'esm', platform: 'node', target: 'node20',
  sourcemap: 'linked', logLevel: 'error',
});

// The command line and its threads once more as a few large files: a start reads those instead of hundreds of modules.
// Packages that bring native parts or files of their own, or that only servers need, stay outside. Const enums become
// their numbers there; as objects of other files the optimiser looks them up packet for packet.
const inside = ['@sinclair/typebox', 'ajv', 'ajv-formats', 'commander', 'ipaddr.js', 're2js', 'yaml'];
const { dependencies, optionalDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const threads = {
  'cli/shards/worker': 'shard-worker', 'cli/capture-player': 'capture-player', 'cli/indicator-loader': 'indicator-loader',
  'analyzer/serve/worker': 'analyzer-worker', 'analyzer/serve/rule-trial-worker': 'rule-trial-worker',
};
const outside = Object.keys({ ...dependencies, ...optionalDependencies }).filter((name) => !inside.includes(name)).flatMap((name) => [name, `${name}/*`]);
/** A module's neighbours are where its own file is, not where the bundle is; its threads are in the bundle, or start from `bin`. */
const neighbours = (started) => ({
  name: 'neighbours',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, (args) => {
      const text = readFileSync(args.path, 'utf8');
      if (!text.includes('import.meta.url')) return undefined;
      const own = relative('dist/bundle', join('dist', relative('.', args.path).replace(/\.ts$/, '.js')));
      const contents = text.replace(/new URL\('\.\/([\w-]+)\.js', import\.meta\.url\)|import\.meta\.url/g, (_, neighbour) => {
        const thread = neighbour && threads[relative('.', join(dirname(args.path), neighbour))];
        if (thread) return `new URL('${started.includes(thread) ? `../../bin/${thread}.mjs` : `./${thread}.js`}', import.meta.url)`;
        const url = `new URL(${JSON.stringify(own)}, import.meta.url).href`;
        return neighbour ? `new URL('./${neighbour}.js', ${url})` : url;
      });
      return { contents, loader: 'ts' };
    });
  },
});
const bundling = { outdir: 'dist/bundle', bundle: true, platform: 'node', target: 'node20', minifySyntax: true, logLevel: 'error', legalComments: 'none' };
if (existsSync('dist/bundle')) rmSync('dist/bundle', { recursive: true });
await Promise.all([
  build({
    ...bundling, format: 'esm', splitting: true, sourcemap: 'linked', chunkNames: 'part-[hash]', external: outside, plugins: [neighbours([])],
    entryPoints: { main: 'cli/main.ts', ...Object.fromEntries(Object.entries(threads).map(([path, name]) => [name, `${path}.ts`])) },
    // What CommonJS packages inside ask for.
    banner: { js: "import { createRequire as requireOf } from 'node:module';\nconst require = requireOf(import.meta.url);" },
  }),
  // Analysing captures once more as one script, whose compiled form can be kept from run to run (`bin/analysis.mjs`).
  build({
    ...bundling, format: 'cjs', outExtension: { '.js': '.cjs' }, entryPoints: { analysis: 'cli/analysis-parts.ts' }, define: { 'import.meta.url': 'here' },
    external: [...outside, ...['up', 'collect', 'replay', 'console', 'exercise', 'bench', 'backup', 'restore', 'verify', 'doctor'].map((name) => `./${name}.js`)],
    plugins: [neighbours(['shard-worker', 'capture-player'])],
  }),
]);
// One byte a character for V8; expressions keep theirs as they are written.
const script = 'dist/bundle/analysis.cjs';
writeFileSync(script, readFileSync(script, 'utf8').replace(/[^\0-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`));
const wanted = new Set(sources.map((s) => join('dist', s.replace(/\.ts$/, '.js'))));
for (const room of rooms) {
  if (!existsSync(join('dist', room))) continue;
  for (const path of walk(join('dist', room))) {
    if (path.endsWith('.js') && !wanted.has(path)) { rmSync(path); rmSync(path + '.map', { force: true }); }
  }
}
for (const asset of assets) {
  const to = join('dist', asset);
  mkdirSync(dirname(to), { recursive: true });
  cpSync(asset, to);
}

/** A stamp of the inputs beside the output, so that a step runs only when its inputs changed. */
function stale(stampFile, inputs) {
  const hash = createHash('sha256');
  for (const path of inputs) hash.update(path).update(readFileSync(path));
  const stamp = hash.digest('hex');
  const fresh = existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp;
  return fresh ? undefined : () => { mkdirSync(dirname(stampFile), { recursive: true }); writeFileSync(stampFile, stamp); };
}

for (const kernel of kernels) {
  const out = join('dist', kernel.replace(/\.as\.ts$/, '.wasm'));
  const done = stale(out + '.stamp', [kernel]);
  if (!done && existsSync(out)) continue;
  mkdirSync(dirname(out), { recursive: true });
  execFileSync(process.execPath, ['node_modules/assemblyscript/bin/asc.js', kernel, '-o', out, '-O3', '--runtime', 'stub',
    '--enable', 'simd', '--importMemory', '--noExportMemory', '--memoryBase', '0', '--noAssert'], { stdio: 'inherit' });
  (done ?? (() => {}))();
}

if (!process.argv.includes('--no-ui') && existsSync('console/ui/index.html')) {
  const inputs = [...walk('console/ui'), ...walk('console/model'), 'package-lock.json'].filter((p) => statSync(p).isFile());
  const done = stale('dist/console/ui.stamp', inputs);
  if (done || !existsSync('dist/console/ui/index.html')) {
    execFileSync(process.execPath, ['node_modules/vite/bin/vite.js', 'build', '--config', 'console/ui/vite.config.mjs', '--logLevel', 'warn'], { stdio: ['ignore', 'inherit', 'inherit'] });
    done?.();
  }
}

const link = 'node_modules/.bin/shouwang';
if (existsSync('node_modules/.bin') && !existsSync(link)) symlinkSync(relative('node_modules/.bin', 'bin/shouwang.mjs'), link);
