/**
 * ModernBERT on this backend against transformers and torch: every fixture of packages/modernbert, outputs and all gradients. The tests
 * share one backend per limits, so that each shader is compiled once.
 */
import { readdirSync } from "node:fs";
import { Runtime } from "@modernbert-ts/tensor-core";
import type { FusionMode } from "@modernbert-ts/tensor-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixtureFailures } from "../../modernbert/test/support/compare.ts";
import { fixtureFolder, fixtureModel, readFixture } from "../../modernbert/test/support/fixture.ts";
import { runFixture } from "../../modernbert/test/support/run-fixture.ts";
import { createWebGpuBackend } from "../src/index.ts";
import type { DeviceLimits, WebGpuBackend } from "../src/index.ts";
import { onDevice } from "./adapter.ts";

async function failuresOf(name: string, backend: WebGpuBackend, fusion: FusionMode): Promise<string[]> {
  const fixture = readFixture(name);
  const model = fixtureModel(fixture, new Runtime(backend, { fusion }));
  const failures = fixtureFailures(fixture, await runFixture(fixture, model));
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
