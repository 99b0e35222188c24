/**
 * `npm run check:cuda`: what needs nvcc. What each kernel takes of a GPU, beside resources.tsv; and the library for GPUs, built, loaded
 * without a driver, packed and installed.
 */
import { fileURLToPath } from "node:url";
import { step } from "../../../tooling/scripts/steps.mjs";

const script = fileURLToPath(new URL("../scripts/resources.mjs", import.meta.url));

step("resources of CUDA kernels", [process.execPath, script]);
step(
  "the library for GPUs",
  [process.execPath, "node_modules/vitest/vitest.mjs", "run", "packages/backend-cuda/test/library-for-gpus.test.ts"],
  { env: { MODERNBERT_CHECK_CUDA: "1" } },
);
