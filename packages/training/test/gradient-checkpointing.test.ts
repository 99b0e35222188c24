/** Steps that keep only the inputs of layers for their backward pass, beside steps that keep all. */
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { bfloat16Precision, float32Precision } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { missing } from "../../backend-cpu/test/native.ts";
import { runSteps } from "./support/captured-step.ts";

test.for([
  ["native", "f32", 0.1, float32Precision],
  ["native", "bf16", 0.1, bfloat16Precision],
  ["native", "f32", 0, float32Precision],
  ["typescript", "f32", 0.1, float32Precision],
] as const)("give the same bits: %s engine, %s, dropout %f", async ([engine, , dropout, precision], { skip }) => {
  if (engine === "native" && missing) skip(missing);
  await using backend = await createCpuBackend({ engine, threads: 1 });
  const whole = await runSteps(backend, false, "stable_adamw", { precision, dropout });
  const again = await runSteps(backend, false, "stable_adamw", { precision, dropout, checkpointing: true });
  expect(again).toEqual(whole);
  expect(backend.memory().liveBuffers).toBe(0);
});

test("can be captured", async ({ skip }) => {
  if (missing) skip(missing);
  await using backend = await createCpuBackend({ engine: "native", threads: 1 });
  const queued = await runSteps(backend, false);
  expect(await runSteps(backend, true, "stable_adamw", { checkpointing: true })).toEqual(queued);
  expect(backend.memory().liveBuffers).toBe(0);
});
