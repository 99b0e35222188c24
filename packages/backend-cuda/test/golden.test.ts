/** ModernBERT on the emulated kernels against transformers and torch: fixtures of packages/modernbert, outputs and all gradients. */
import { readdirSync } from "node:fs";
import { Runtime } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { fixtureFailures } from "../../modernbert/test/support/compare.ts";
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
