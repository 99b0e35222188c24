/**
 * ModernBERT on this backend against transformers and torch: every fixture of packages/modernbert, outputs and all gradients. The tests
 * share one backend per limits, so that each shader is compiled once.
 */
import { readdirSync } from "node:fs";
import { Runtime } from "@modernbert-ts/tensor-core";
import type { FusionMode } from "@modernbert-ts/tensor-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  activationTolerance,
  gradientFloor,
  gradientTolerance,
  relativeError,
} from "../../modernbert/test/support/compare.ts";
import { fixtureFolder, fixtureModel, readFixture } from "../../modernbert/test/support/fixture.ts";
import { runFixture } from "../../modernbert/test/support/run-fixture.ts";
import { createWebGpuBackend } from "../src/index.ts";
import type { DeviceLimits, WebGpuBackend } from "../src/index.ts";
import { onDevice } from "./adapter.ts";

async function failuresOf(name: string, backend: WebGpuBackend, fusion: FusionMode): Promise<string[]> {
  const fixture = readFixture(name);
  const model = fixtureModel(fixture, new Runtime(backend, { fusion }));
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
  expect(gradients.size).toBe(fixture.names.filter((tensor) => tensor.startsWith("grad.")).length);
  model.dispose();
  expect(backend.memory().liveBuffers).toBe(0);
  return failures;
}

interface Suite {
  readonly limits: Partial<DeviceLimits>;
  readonly fixtures: readonly string[];
  readonly fusion: FusionMode;
}

const all = readdirSync(fixtureFolder("."));

/** The embedding of masked_lm has 40 KiB: the last limits show it to gather, decoder and loss, and their gradients, in windows. */
const suites: Readonly<Record<string, Suite>> = {
  fused: { limits: {}, fixtures: all, fusion: "fused" },
  "from primitives": { limits: {}, fixtures: ["masked_lm"], fusion: "reference" },
  "8 storage buffers and bindings of 1 MiB": {
    limits: { maxStorageBufferBindingSize: 2 ** 20, maxStorageBuffersPerShaderStage: 8 },
    fixtures: all,
    fusion: "auto",
  },
  "an embedding beyond a binding": {
    limits: { maxStorageBufferBindingSize: 2 ** 15 },
    fixtures: ["masked_lm", "untied"],
    fusion: "auto",
  },
};

onDevice("goldens on webgpu", () => {
  describe.each(Object.entries(suites))("goldens on webgpu, %s", (_, { limits, fixtures, fusion }) => {
    let backend: WebGpuBackend;
    beforeAll(async () => {
      backend = await createWebGpuBackend({ limits });
    });
    afterAll(() => backend[Symbol.asyncDispose]());
    test.each(fixtures)("%s", async (name) => {
      expect(await failuresOf(name, backend, fusion)).toEqual([]);
    });
  });
});
