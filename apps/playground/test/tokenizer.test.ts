/** The tokenizer package in Chromium: one bundle, its built-in vocabulary, the answers of the reference library. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type * as TokenizerPackage from "@modernbert-ts/tokenizer";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Browser, Page } from "playwright-core";
import { appFolder } from "./support/app.ts";
import { launch, onChromium } from "./support/chromium.ts";
import { serveFolder } from "./support/serve-folder.ts";
import type { FolderServer } from "./support/serve-folder.ts";

type Case = [text: string, pair: string | null, ids: number[], offsets: [number, number][], decoded: string];

/** As it is published: the worker of its pool is a file beside the built module. */
const published = new URL("../../../packages/tokenizer/dist/index.js", import.meta.url);
const fixture = new URL("../../../packages/tokenizer/test/fixtures/cases.json", import.meta.url);
const cases = JSON.parse(readFileSync(fixture, "utf8")) as Case[];

declare global {
  // A page's objects are reached through its global object.
  var tokenizerPackage: typeof TokenizerPackage;
}

onChromium("tokenizer in Chromium", () => {
  const built = mkdtempSync(join(tmpdir(), "modernbert-tokenizer-"));
  let site: FolderServer;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    await build({
      root: appFolder,
      configFile: false,
      logLevel: "error",
      build: {
        outDir: built,
        target: "es2022",
        lib: { entry: fileURLToPath(published), formats: ["es"], fileName: "tokenizer" },
      },
    });
    const script = 'import * as all from "./tokenizer.js"; globalThis.tokenizerPackage = all;';
    writeFileSync(join(built, "index.html"), `<!doctype html><script type="module">${script}</script>`);
    site = await serveFolder(built);
    browser = await launch({ webgpu: false });
    page = await browser.newPage();
    await page.goto(`${site.url}/`);
    await page.waitForFunction(() => "tokenizerPackage" in globalThis);
  });
  afterAll(async () => {
    await browser?.close();
    await site?.[Symbol.asyncDispose]();
    rmSync(built, { recursive: true, force: true });
  });

  test("ids, offsets and decoded texts of all cases are the reference's", async () => {
    const got = await page.evaluate(async (texts) => {
      const tokenizer = await tokenizerPackage.loadModernBertTokenizer();
      return texts.map(([text, pair]) => {
        const options = pair === null ? {} : { pair };
        const { ids, offsets } = tokenizer.encode(text, { ...options, offsets: "codepoint" });
        return { ids: [...ids], offsets: [...offsets!], decoded: tokenizer.decode(ids) };
      });
    }, cases);
    expect(got).toEqual(cases.map(([, , ids, offsets, decoded]) => ({ ids, offsets: offsets.flat(), decoded })));
  });

  test("a pool of workers gives what one thread gives", async () => {
    const equal = await page.evaluate(
      async (texts) => {
        const tokenizer = await tokenizerPackage.loadModernBertTokenizer();
        const pool = tokenizerPackage.createTokenizerPool(tokenizer, { workers: 2, minUnits: 0 });
        const [pooled, alone] = [await pool.encodeBatch(texts), tokenizer.encodeBatch(texts)];
        await pool.close();
        return pooled.length === texts.length && pooled.every(({ ids }, at) => String(ids) === String(alone[at]!.ids));
      },
      cases.map(([text]) => text),
    );
    expect(equal).toBe(true);
  });
});
