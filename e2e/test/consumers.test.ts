/** Every consumer, from packed packages and a registry of the tests' own. The slow ones run with `npm run check:e2e`. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeNative } from "../../packages/backend-cpu/test/native.ts";
import { saveTinyModel } from "../../packages/pipelines/test/support/tiny-model.ts";
import { consumers } from "../consumers/index.ts";
import { Place } from "../support/consumer.ts";
import { packAll } from "../support/pack.ts";
import { startRegistry } from "../support/registry.ts";
import type { Registry } from "../support/registry.ts";

const all = process.env["MODERNBERT_E2E"] === "all";

describeNative("consumers", () => {
  const work = mkdtempSync(join(tmpdir(), "modernbert-e2e-"));
  const model = join(work, "model");
  const rows: string[] = [];
  let registry: Registry;

  beforeAll(async () => {
    await saveTinyModel(model);
    registry = await startRegistry(await packAll(work));
  }, 120_000);
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    rmSync(work, { recursive: true, force: true });
    if (all) console.log(["| consumer | result |", "| --- | --- |", ...rows].join("\n"));
  }, 300_000);

  describe.each(consumers)("$name", ({ name, slow = false, run }) => {
    test("works", { timeout: 600_000 }, async ({ skip }) => {
      skip(slow && !all, "slow: npm run check:e2e");
      const folder = join(work, name.replace(/\W+/g, "-"));
      mkdirSync(folder);
      const result = await run(new Place(folder, registry.url, model));
      rows.push(`| ${name} | works: ${result} |`);
      rmSync(folder, { recursive: true });
      expect(result).not.toBe("");
    });
  });
});
