/** The page with a worker, built by Vite as its README says, in Chromium. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch, onChromium } from "../../apps/playground/test/support/chromium.ts";
import { serveFolder } from "../../apps/playground/test/support/serve-folder.ts";
import { saveTinyModel } from "../../packages/pipelines/test/support/tiny-model.ts";

const work = mkdtempSync(join(tmpdir(), "modernbert-worker-example-"));

beforeAll(async () => {
  await saveTinyModel(join(work, "model"));
  await build({
    root: join(import.meta.dirname, "..", "worker"),
    base: "./",
    logLevel: "error",
    build: { outDir: work, emptyOutDir: false },
    worker: { format: "es" },
  });
}, 120_000);
afterAll(() => rmSync(work, { recursive: true, force: true }));

onChromium("worker", () => {
  test("fills a blank, and says what is wrong with an address", async () => {
    await using server = await serveFolder(work);
    const browser = await launch({ webgpu: false });
    try {
      const page = await browser.newPage();
      await page.goto(`${server.url}/index.html`);
      await page.getByLabel("Model").fill(`${server.url}/model`);
      await page.getByLabel("Text").fill("the [MASK]");
      await page.getByRole("button").click();
      const output = page.locator("output");
      await expect.poll(() => output.textContent()).toMatch(/^.* 0\.\d{3}, .* 0\.\d{3}, .* 0\.\d{3}$/);
      await page.getByLabel("Model").fill(`${server.url}/nothing`);
      await page.getByRole("button").click();
      await expect.poll(() => output.textContent()).toMatch(/nothing\/config\.json/);
    } finally {
      await browser.close();
    }
  });
});
