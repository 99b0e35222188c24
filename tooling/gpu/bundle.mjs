/**
 * `pnpm gpu:bundle`: all that the self-test needs on a box with an NVIDIA GPU and no network, in one folder (runs/gpu-bundle).
 * `--targets sm_90a,ptx`: for these alone (of backend-cuda's scripts/nvcc.mjs), which compiles sooner. `--rehearsal` makes one that runs here only,
 * in the emulator: without Node's binary and without the library for GPUs. `--out DIR`.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { allTargets } from "../../packages/backend-cuda/scripts/nvcc.mjs";
import { pnpm, step } from "../scripts/steps.mjs";
import { addCode } from "./bundle/code.mjs";
import { addNode } from "./bundle/node-binary.mjs";
import { bundle, repository, tools } from "./bundle/places.mjs";
import { addProbes } from "./bundle/probes.mjs";
import { bundleFiles, writeManifest } from "./selftest/manifest.mjs";
import { sourcesChecksum } from "./selftest/sources.mjs";

/** Megabytes that the folder may have. */
const most = 45;

const { values: options } = parseArgs({
  options: {
    rehearsal: { type: "boolean", default: false },
    targets: { type: "string", default: allTargets.join(",") },
    out: { type: "string", default: bundle },
  },
});
const { rehearsal, targets, out } = options;

const made = { commit: commit(), sources: sourcesChecksum(repository) };
step("packages", [...pnpm, "build"], { quiet: true });
const native = join(repository, "packages/backend-cuda");
const built = join(native, "build/gpu-bundle");
const build = [
  process.execPath,
  join(native, "scripts/build-native.mjs"),
  "--cuda",
  "--targets",
  targets,
  "--out",
  built,
];
if (!rehearsal) step(`library for ${targets}`, build);

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
await part("code", () => addCode(join(out, "code")));
// The server reads its version there.
add(join(repository, "apps/server/package.json"), "node_modules/@modernbert-ts/server/package.json");
await part("libraries", () => {
  const to = "build/linux-x64";
  add(join(native, to, "modernbert_cuda_emulated.node"), `${to}/modernbert_cuda_emulated.node`);
  if (!rehearsal) add(join(built, "modernbert_cuda.node"), `${to}/modernbert_cuda.node`);
});
await part("probes", () => addProbes(join(out, "probes"), !rehearsal));
await part("fixtures", () => {
  cpSync(join(repository, "packages/modernbert/test/fixtures"), join(out, "fixtures"), { recursive: true });
});
await part("peers", () => cpSync(join(tools, "peers"), join(out, "peers"), { recursive: true }));
await part("Node", () => {
  if (rehearsal) symlinkSync(process.execPath, join(out, "node"));
  else addNode(join(out, "node.xz"));
});
add(join(tools, "selftest.sh"), "selftest.sh");
writeManifest(out, { ...made, date: new Date().toISOString(), rehearsal, ...(!rehearsal && { targets }) });

const sizes = new Map();
for (const file of bundleFiles(out)) {
  const [folder] = file.split("/");
  sizes.set(folder, (sizes.get(folder) ?? 0) + statSync(join(out, file)).size);
}
const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
for (const [folder, bytes] of sizes) console.log(`${megabytes(bytes).padStart(6)} MB  ${folder}`);
const total = [...sizes.values()].reduce((a, b) => a + b, 0);
console.log(`${megabytes(total).padStart(6)} MB  ${out}`);
if (total > most * 1e6) {
  console.error(`[gpu:bundle] expected at most ${most} MB, got ${megabytes(total)}`);
  process.exit(1);
}

async function part(title, run) {
  console.log(`\n▸ ${title}`);
  await run();
}

function add(from, to) {
  mkdirSync(dirname(join(out, to)), { recursive: true });
  copyFileSync(from, join(out, to));
}

function git(...args) {
  return execFileSync("git", args, { cwd: repository, encoding: "utf8" }).trim();
}

/** Of the checkout, with a mark where files differ from it. */
function commit() {
  return `${git("rev-parse", "--short=9", "HEAD")}${git("status", "--porcelain") ? " with changes" : ""}`;
}
