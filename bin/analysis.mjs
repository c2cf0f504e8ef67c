// Starts the analysis bundle from its compiled form: what V8 has made of it once is kept beside the rules' compiled form.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { isMainThread } from 'node:worker_threads';

const bundle = new URL('../dist/bundle/analysis.cjs', import.meta.url);
const folder = fileURLToPath(new URL('../node_modules/.cache/shouwang/', import.meta.url));
const DIGEST = 32;
const MAX_BYTES = 64 << 20;

/** The kept form; undefined when there is none, it is damaged, or somebody else could have written it. */
function kept(path, bundleOf) {
  try {
    const { uid, mode, size } = statSync(path);
    if ((process.getuid !== undefined && uid !== process.getuid()) || (mode & 0o022) !== 0 || size > MAX_BYTES) return undefined;
    const bytes = readFileSync(path);
    const code = bytes.subarray(DIGEST);
    return digest(bundleOf, code).equals(bytes.subarray(0, DIGEST)) ? code : undefined;
  } catch {
    return undefined;
  }
}

function digest(bundleOf, code) {
  return createHash('sha256').update(bundleOf).update(code).digest();
}

function keep(path, bundleOf, code) {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const draft = `${path}.${process.pid}`;
    writeFileSync(draft, Buffer.concat([digest(bundleOf, code), code]), { mode: 0o600 });
    renameSync(draft, path);
  } catch { /* a read-only installation starts a little slower */ }
}

/**
 * Runs a part of the bundle.
 * @param part as in `cli/analysis-parts.ts` @param save the functions that this run has compiled may be kept for later runs
 */
export async function run(part, save = false) {
  const source = readFileSync(bundle, 'latin1');
  const { size, mtimeMs } = statSync(bundle);
  const bundleOf = `${size} ${mtimeMs}`;
  const path = `${folder}code-${process.version}-${process.arch}.bin`;
  const cachedData = kept(path, bundleOf);
  const script = new vm.Script(`(function (require, module, exports, here) {${source}\n})`, {
    filename: fileURLToPath(bundle), ...(cachedData && { cachedData }), importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  if (save && isMainThread && (cachedData === undefined || script.cachedDataRejected)) process.once('exit', () => keep(path, bundleOf, script.createCachedData()));
  const module = { exports: {} };
  script.runInThisContext()(createRequire(bundle), module, module.exports, bundle.href);
  await module.exports.parts[part]();
}
