import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { describe, expect, test } from "vitest";
import { overwriteStep, uploadStep } from "../src/loop/device-step.ts";
import { missing } from "../../backend-cpu/test/native.ts";
import { runSteps } from "./support/captured-step.ts";
import { tinyLoader, tinyTraining } from "./support/tiny-training.ts";

describe.each(["native", "wasm", "typescript"] as const)("a whole training step, %s engine", (engine) => {
  test("captured once and replayed on other batches gives the same bits as steps queued anew", async ({ skip }) => {
    if (engine === "native" && missing) skip(missing);
    await using backend = await createCpuBackend({ engine, threads: engine === "typescript" ? 1 : 2 });
    const queued = await runSteps(backend, false);
    expect(backend.memory().liveBuffers).toBe(0);
    const replayed = await runSteps(backend, true);
    expect(backend.memory().liveBuffers).toBe(0);
    expect(replayed).toEqual(queued);
    expect(new Set(queued.steps.map(([loss]) => loss)).size).toBe(4);
    expect(queued.steps.map((each) => each.at(-1))).toEqual([1024, 1024, 2048, 2048]);
  });
});

test.each(["adamw", "muon"] as const)("a captured step of %s gives the same bits too", async (kind) => {
  await using backend = await createCpuBackend({ engine: "wasm", threads: 1 });
  const queued = await runSteps(backend, false, kind);
  expect(await runSteps(backend, true, kind)).toEqual(queued);
  expect(backend.memory().liveBuffers).toBe(0);
  expect(queued.parameters).not.toEqual((await runSteps(backend, false)).parameters);
});

test("a batch of other sizes is refused by name", () => {
  const { model, optimizer, runtime } = tinyTraining();
  runtime.scope(() => {
    const options = { step: 1, learningRate: 0.1 };
    const loader = tinyLoader();
    const device = uploadStep(model, optimizer, loader.next(0)!, options);
    const other = loader.next(0)!;
    const fewer = { ...other, rows: other.rows.slice(1) };
    expect(() => overwriteStep(model, optimizer, device, fewer, options)).toThrow(
      "[overwriteStep] expected 2 rows, got 1",
    );
  });
});
