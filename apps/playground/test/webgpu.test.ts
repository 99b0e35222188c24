/**
 * The WebGPU backend on Chromium's software adapter: the conformance suite, the goldens of the model, training. The page holds the
 * cases; each is a test here, so that failures and skips are listed as everywhere else. What Node's adapter runs already is not all repeated;
 * where Node has none, all of it is run here.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { conformanceCases } from "@modernbert-ts/conformance";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { missing } from "../../../packages/backend-webgpu/test/adapter.ts";
import { repeatedInBrowsers } from "../../../packages/backend-webgpu/test/repeated.ts";
import { viteBuild } from "./support/app.ts";
import { launch, onChromium } from "./support/chromium.ts";
import { serveFolder } from "./support/serve-folder.ts";
import type { FolderServer } from "./support/serve-folder.ts";

const packages = fileURLToPath(new URL("../../../packages/", import.meta.url));
const goldens = "modernbert/test/fixtures";
const suitePage = fileURLToPath(new URL("suite/", import.meta.url));

const seed = Date.now() % 2 ** 31;

onChromium(`webgpu in Chromium (fresh seed ${seed})`, () => {
  const built = mkdtempSync(join(tmpdir(), "modernbert-suite-"));
  let site: FolderServer;
  let fixtures: FolderServer;
  let browser: Browser;
  let page: Page;
  const errors: string[] = [];

  beforeAll(async () => {
    await viteBuild([suitePage, "--config", join(suitePage, "vite.config.ts"), "--outDir", built, "--emptyOutDir"]);
    site = await serveFolder(built);
    fixtures = await serveFolder(packages);
    browser = await launch({ webgpu: true });
    page = await browser.newPage();
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    await page.goto(`${site.url}/`);
    await page.waitForFunction(() => "suite" in globalThis);
    const given = { seed, nodeRunsAll: missing === undefined };
    console.log(await page.evaluate((each) => suite.open(each.seed, each.nodeRunsAll), given));
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await fixtures?.[Symbol.asyncDispose]();
    await site?.[Symbol.asyncDispose]();
    rmSync(built, { recursive: true, force: true });
  });

  test("every skip rule matches a case", () => {
    const names = conformanceCases().map(({ name }) => name);
    const idle = repeatedInBrowsers.filter(({ cases }) => !names.some((name) => name.match(cases)));
    expect(idle).toEqual([]);
  });

  for (const { name } of conformanceCases()) {
    test(name, async ({ skip }) => {
      const { status, note } = await page.evaluate((each) => suite.conformance(each), name);
      if (status === "skipped") skip(note);
      if (status === "failed") throw new Error(note);
    });
  }

  test.each(readdirSync(join(packages, goldens)))("golden %s", async (name) => {
    const url = `${fixtures.url}/${goldens}`;
    expect(await page.evaluate((args) => suite.golden(args.url, args.name), { url, name })).toEqual([]);
  });

  test("golden masked_lm with 8 storage buffers and bindings of 1 MiB", async () => {
    const url = `${fixtures.url}/${goldens}`;
    expect(await page.evaluate((from) => suite.goldenWithin(from, "masked_lm"), url)).toEqual([]);
  });

  test("ten training steps equal the TypeScript engine's", async () => {
    const url = `${fixtures.url}/${goldens}`;
    expect(await page.evaluate((from) => suite.training(from, "masked_lm"), url)).toEqual([]);
  });

  test("ten steps of StableAdamW equal torch's", async () => {
    const url = `${fixtures.url}/training/test/fixtures/stable_adamw`;
    expect(await page.evaluate((from) => suite.optimizer(from), url)).toEqual([]);
  });

  test("nothing was logged as an error", () => {
    expect(errors).toEqual([]);
  });
});
