/** ModernBERT on the JavaScript backend of TensorFlow.js against transformers and torch: fixtures of packages/modernbert. */
import { readdirSync } from "node:fs";
import { Runtime } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { fixtureFailures } from "../../modernbert/test/support/compare.ts";
import { fixtureFolder, fixtureModel, readFixture } from "../../modernbert/test/support/fixture.ts";
import { runFixture } from "../../modernbert/test/support/run-fixture.ts";
import { createTfjsBackend } from "../src/index.ts";
import { tf } from "./tfjs.ts";

/** Without the one whose long texts take it most of a minute: without a fused kernel, attention gathers a window of keys per token. */
const fixtures = readdirSync(fixtureFolder(".")).filter((name) => name !== "window_128");

test.for(fixtures)("golden %s", async (name) => {
  await using backend = await createTfjsBackend(tf);
  const fixture = readFixture(name);
  const model = fixtureModel(fixture, new Runtime(backend));
  expect(fixtureFailures(fixture, await runFixture(fixture, model))).toEqual([]);
  model.dispose();
  expect(backend.memory().liveBuffers).toBe(0);
});
