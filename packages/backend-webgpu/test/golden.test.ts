/** ModernBERT on this backend against transformers and torch: the fixtures of packages/modernbert, from primitives and fused. */
import { Runtime } from "@modernbert-ts/tensor-core";
import type { FusionMode } from "@modernbert-ts/tensor-core";
import { describe, expect, test } from "vitest";
import { relativeError } from "../../modernbert/test/support/compare.ts";
import { fixtureModel, readFixture } from "../../modernbert/test/support/fixture.ts";
import { runFixture } from "../../modernbert/test/support/run-fixture.ts";
import { createWebGpuBackend } from "../src/index.ts";
import { onDevice } from "./adapter.ts";

const activationTolerance = 5e-5;
const gradientTolerance = 5e-4;
const gradientFloor = 1e-4;

/** A software adapter is slow: the fixtures that between them use every operation, head kind and mask. */
const cases: readonly (readonly [fixture: string, fusion: FusionMode, limits: object])[] = [
  ["masked_lm", "reference", {}],
  ["masked_lm", "auto", {}],
  ["masked_lm", "auto", { maxStorageBufferBindingSize: 2 ** 20, maxStorageBuffersPerShaderStage: 8 }],
  ["biases", "auto", {}],
  ["window_128", "auto", {}],
  ["activation_gelu_tanh", "auto", {}],
  ["question_answering_ragged", "auto", {}],
  ["sequence_multi_label", "auto", {}],
];

onDevice("goldens on webgpu", () => {
  describe("goldens on webgpu", () => {
    test.each(cases)("%s, fusion %s, limits %o", async (name, fusion, limits) => {
      const backend = await createWebGpuBackend({ limits });
      try {
        const runtime = new Runtime(backend, { fusion });
        const fixture = readFixture(name);
        const model = fixtureModel(fixture, runtime);
        const { outputs, gradients } = await runFixture(fixture, model);
        const failures: string[] = [];
        for (const tensor of fixture.names) {
          const [group, rest] = [tensor.slice(0, tensor.indexOf(".")), tensor.slice(tensor.indexOf(".") + 1)];
          if (group !== "output" && group !== "grad") continue;
          const got = group === "output" ? outputs.get(rest) : gradients.get(rest);
          const tolerance = group === "output" ? activationTolerance : gradientTolerance;
          const error = relativeError(got ?? [], fixture.floats(tensor), group === "grad" ? gradientFloor : undefined);
          if (!(error <= tolerance)) failures.push(`${tensor}: ${error.toExponential(2)}`);
        }
        expect(failures).toEqual([]);
        expect(gradients.size).toBeGreaterThan(0);
        model.dispose();
        expect(backend.memory().liveBuffers).toBe(0);
      } finally {
        await backend[Symbol.asyncDispose]();
      }
    });
  });
});
