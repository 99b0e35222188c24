/** Outputs, losses and every gradient against transformers 5.17 and torch 2.13, on every engine. */
import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { fixtureFailures } from "./support/compare.ts";
import { onEveryEngine } from "./support/engines.ts";
import { fixtureFolder, fixtureModel, readFixture } from "./support/fixture.ts";
import { runFixture } from "./support/run-fixture.ts";

onEveryEngine(({ create, dtype }) => {
  it.each(readdirSync(fixtureFolder(".")))("%s", async (name) => {
    const fixture = readFixture(name);
    const runtime = await create();
    const model = fixtureModel(fixture, runtime, dtype);
    expect(fixtureFailures(fixture, await runFixture(fixture, model))).toEqual([]);
    model.dispose();
    expect(runtime.backend.memory().liveBuffers).toBe(0);
  });
});
