/** The example models: what the script puts beside the page is offered there and answers a click; the page works without any. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { saveTinyModel } from "../../../packages/pipelines/test/support/tiny-model.ts";
import { plainPublicDir } from "./support/app.ts";
import { onChromium } from "./support/chromium.ts";
import { withPage } from "./support/page.ts";

const script = fileURLToPath(new URL("../scripts/examples.mjs", import.meta.url));
const publicDir = plainPublicDir();
const run = (...folders: string[]): string =>
  execFileSync(process.execPath, [script, ...folders], {
    env: { ...process.env, PLAYGROUND_PUBLIC: publicDir },
    encoding: "utf8",
    stdio: "pipe",
  });

onChromium("example models", () => {
  beforeAll(async () => {
    await saveTinyModel(join(publicDir, "Random weights"));
    expect(run(join(publicDir, "Random weights"))).toMatch(/^Random weights: A model that this page was built with \(/);
  }, 60_000);
  const state = withPage({ webgpu: false, publicDir });

  test("one click loads an example, and the page says what it is", async () => {
    const { page } = state;
    await page.getByRole("button", { name: /^Random weights/ }).click();
    await page.waitForSelector("#predictions button");
    expect(await page.locator("#fact-model").textContent()).toMatch(/^random-weights, 3 layers of 32/);
    expect(state.errors).toEqual([]);
  });

  test("a folder that is no model is refused by name", () => {
    expect(() => run(publicDir)).toThrow(/expected a model in .*modernbert-public-.*, got no config\.json/);
  });
});
