/** A training step of the emulated device, captured and replayed on other batches, beside steps queued anew. */
import { expect, test } from "vitest";
import { runSteps } from "../../training/test/support/captured-step.ts";
import { createCudaBackend } from "../src/index.ts";
import { missing } from "./library.ts";

test("a captured training step gives the same bits as steps queued anew", { timeout: 600_000 }, async ({ skip }) => {
  if (missing) skip(missing);
  await using backend = await createCudaBackend({ emulate: true });
  const queued = await runSteps(backend, false);
  const replayed = await runSteps(backend, true);
  expect(replayed).toEqual(queued);
  expect(new Set(queued.steps.map(([loss]) => loss)).size).toBe(4);
  expect(backend.memory().liveBuffers).toBe(0);
});
