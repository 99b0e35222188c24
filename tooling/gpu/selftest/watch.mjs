/** Small cases once more with tools that see what a result does not show: guard bytes round every buffer, NVIDIA's compute-sanitizer. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Skip } from "./recorder.mjs";

/** Under a tool everything is slow. */
const small = {
  gpu: "^(fill|copy / (f32|bf16)|reduce / (sum|max) / f32|matmul / (f32|bf16)|gather|segmentSum|composites .*fused)",
  rehearsal: "^(fill|gather|matmul / bf16)",
};
const program = fileURLToPath(new URL("watched.js", import.meta.url));
const sanitizers = ["compute-sanitizer", "/usr/local/cuda/bin/compute-sanitizer"];

export function guarded(emulate) {
  return watch([], { MODERNBERT_CUDA_GUARD: "1" }, emulate);
}

export function sanitized(emulate) {
  const tool = sanitizers.find((name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0);
  if (!tool) throw new Skip(`the box has no compute-sanitizer (looked at ${sanitizers.join(", ")})`);
  if (emulate) throw new Skip("a rehearsal has no GPU");
  return watch([tool, "--error-exitcode", "86"], {}, emulate);
}

function watch(tool, env, emulate) {
  const cases = emulate ? [small.rehearsal, "--emulate"] : [small.gpu];
  const [first, ...args] = [...tool, process.execPath, program, ...cases];
  const options = { encoding: "utf8", env: { ...process.env, ...env }, timeout: 45_000, maxBuffer: 1 << 26 };
  const { status, stdout, stderr, error } = spawnSync(first, args, options);
  const said = `${stdout}${stderr}`.trim();
  if (status !== 0) throw new Error(`${error?.message ?? `ended with ${status}`}: ${said.slice(-1500)}`);
  return { said: said.split("\n").at(-1) };
}
