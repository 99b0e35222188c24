/** ModernBERT on the emulated kernels against transformers and torch: fixtures of packages/modernbert, outputs and all gradients. */
import { readdirSync } from "node:fs";
import { bfloat16Precision, float16Precision, Runtime } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { ModernBert } from "../../modernbert/src/index.ts";
import { fixtureFailures, relativeError } from "../../modernbert/test/support/compare.ts";
import { fixtureFolder, fixtureModel, readFixture } from "../../modernbert/test/support/fixture.ts";
import { runFixture } from "../../modernbert/test/support/run-fixture.ts";
import { createCudaBackend } from "../src/index.ts";
import { missing } from "./library.ts";

/** Without the one whose long texts take the emulator most of a minute. */
const fixtures = readdirSync(fixtureFolder(".")).filter((name) => name !== "window_128");

test.for(fixtures)("golden %s", async (name, { skip }) => {
  if (missing) skip(missing);
  await using backend = await createCudaBackend({ emulate: true });
  const fixture = readFixture(name);
  const model = fixtureModel(fixture, new Runtime(backend));
  expect(fixtureFailures(fixture, await runFixture(fixture, model))).toEqual([]);
  model.dispose();
  expect(backend.memory().liveBuffers).toBe(0);
});

/** Activations in 16 bits; how far outputs and gradients may be from the f32 goldens, in parts of a tensor's largest value. */
const shorter = [
  ["bf16", bfloat16Precision, 0.04, 0.08],
  ["f16", float16Precision, 0.006, 0.012],
] as const;

test.for(["masked_lm", "biases"].flatMap((name) => shorter.map((precision) => [name, ...precision] as const)))(
  "golden %s in %s",
  async ([name, , precision, outputTolerance, gradientTolerance], { skip }) => {
    if (missing) skip(missing);
    await using backend = await createCudaBackend({ emulate: true });
    const fixture = readFixture(name);
    const exact = fixtureModel(fixture, new Runtime(backend));
    const { outputs, gradients } = await runFixture(fixture, new ModernBert({ ...exact, head: exact.head, precision }));
    const far: string[] = [];
    for (const tensor of fixture.names) {
      const [group, rest] = [tensor.slice(0, tensor.indexOf(".")), tensor.slice(tensor.indexOf(".") + 1)];
      if (group !== "output" && group !== "grad") continue;
      const [run, tolerance] = group === "output" ? [outputs, outputTolerance] : [gradients, gradientTolerance];
      const error = relativeError(run.get(rest)!, fixture.floats(tensor));
      if (error > tolerance) far.push(`${tensor}: off by ${error}`);
    }
    expect(far).toEqual([]);
  },
);
