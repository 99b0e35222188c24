/** Outputs, losses and every gradient against transformers 5.17 and torch 2.13, on every engine. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { fixtureFailures } from "../../modernbert/test/support/compare.ts";
import { onEveryEngine } from "../../modernbert/test/support/engines.ts";
import { fixtureModelOf, parseFixtureOf } from "../../modernbert/test/support/fixture-data.ts";
import { runFixture } from "../../modernbert/test/support/run-fixture.ts";
import { bertArchitecture } from "../src/index.ts";

const fixtures = fileURLToPath(new URL("fixtures/", import.meta.url));

onEveryEngine(({ create, dtype }) => {
  it.each(readdirSync(fixtures))("%s", async (name) => {
    const json = JSON.parse(readFileSync(`${fixtures}/${name}/config.json`, "utf8")) as Record<string, unknown>;
    const golden = readFileSync(`${fixtures}/${name}/golden.safetensors`);
    const fixture = parseFixtureOf(bertArchitecture, name, json, golden);
    const runtime = await create();
    const model = fixtureModelOf(bertArchitecture, fixture, runtime, dtype);
    expect(fixtureFailures(fixture, await runFixture(fixture, model))).toEqual([]);
    model.dispose();
    expect(runtime.backend.memory().liveBuffers).toBe(0);
  });
});
