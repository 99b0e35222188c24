/** A run whose terminal is gone: nobody reads what it says. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { start } from "./command-line.ts";
import { corpusFolder, tinyFields } from "./support.ts";

test("a run goes on to its end when whoever read its output has left", { timeout: 120_000 }, async () => {
  const folder = await corpusFolder();
  const config = join(folder, "config.yaml");
  writeFileSync(config, stringify(tinyFields(folder)));
  const { process: child, finished } = start(["run", config, "--set", `output=${join(folder, "run")}`], () => {
    child.stderr!.destroy();
    child.stdout!.destroy();
  });
  expect(await finished).toMatchObject({ code: 0, signal: null });
  expect(existsSync(join(folder, "run", "model", "model.safetensors"))).toBe(true);
});
