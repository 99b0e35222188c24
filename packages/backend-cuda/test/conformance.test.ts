/** The kernels, emulated, against the conformance suite; threads run in shuffled order, and guards lie round every buffer. */
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { describeConformance } from "@modernbert-ts/conformance/vitest";
import { describe, test } from "vitest";
import { createCudaBackend } from "../src/index.ts";
import { missing } from "./library.ts";

process.env["MODERNBERT_CUDA_FIBER_ORDER"] = "shuffled";
process.env["MODERNBERT_CUDA_GUARD"] = "1";

if (missing) {
  describe("conformance of cuda, emulated", () => test("needs the emulated library", ({ skip }) => skip(missing)));
} else {
  describeConformance({
    name: "cuda, emulated",
    create: () => createCudaBackend({ emulate: true }),
    oracle: () => createCpuBackend({ engine: "typescript" }),
  });
}
