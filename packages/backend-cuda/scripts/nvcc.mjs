/** What nvcc is told by all that compile kernels: the GPUs, the options, where sources lie. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const nvcc = process.env.NVCC ?? "nvcc";

export const sources = fileURLToPath(new URL("../src/native/", import.meta.url));
export const generated = fileURLToPath(new URL("../generated/", import.meta.url));
export const kit = join(
  dirname(createRequire(import.meta.url).resolve("@modernbert-ts/device-kit/package.json")),
  "native",
);

/** Machine code by architecture, and PTX for what comes after them; what follows -gencode. */
const targets = {
  sm_80: "arch=compute_80,code=sm_80",
  sm_86: "arch=compute_86,code=sm_86",
  sm_89: "arch=compute_89,code=sm_89",
  sm_90a: "arch=compute_90a,code=sm_90a",
  sm_100: "arch=compute_100,code=sm_100",
  sm_120: "arch=compute_120,code=sm_120",
  ptx: "arch=compute_80,code=compute_80",
};

export const allTargets = Object.keys(targets);

/** The options of kernels for the named targets. */
export function kernelOptions(names) {
  const unknown = names.find((name) => !(name in targets));
  if (unknown !== undefined) throw new Error(`expected targets among ${allTargets.join(", ")}, got ${unknown}`);
  return ["-x", "cu", "-std=c++17", "-O3", ...names.flatMap((name) => ["-gencode", targets[name]])];
}
