/** The shipped page in Chromium: real clicks and keys, answers equal to the command line's, no network, no GPU, a narrow screen. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { saveTinyModel } from "../../../packages/pipelines/test/support/tiny-model.ts";
import { onChromium } from "./support/chromium.ts";
import { wantedVectors, wantedWords } from "./support/command-line.ts";
import { expectSameWords, fillTwoMasks, loadUrl, pickFolder, shownWords, visible, withPage } from "./support/page.ts";
import type { Word } from "./support/page.ts";
import { serveModel } from "./support/model-server.ts";
import type { ModelServer } from "./support/model-server.ts";

const sentence = "The [MASK] of the [MASK] is";
const texts = ["The capital is a", "on the capital", "of"];
const folder = mkdtempSync(join(tmpdir(), "modernbert-models-"));
const model = join(folder, "tiny");
const encoder = join(folder, "encoder");
const classifier = join(folder, "classifier");
let models: ModelServer;

beforeAll(async () => {
  await saveTinyModel(model);
  await saveTinyModel(encoder, { head: "none" });
  await saveTinyModel(classifier, {
    head: "sequence-classification",
    config: { id2label: { 0: "good", 1: "bad" }, label2id: { good: 0, bad: 1 } },
  });
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(async () => {
  models = await serveModel(model);
});
afterEach(() => models[Symbol.asyncDispose]());

onChromium("the page with WebGPU", () => {
  const state = withPage({ webgpu: true, query: "?device=webgpu" });

  test("answers a click as the command line answers, and asks nobody else", async () => {
    const { page } = state;
    await loadUrl(page, `${models.url}/model`);
    await page.waitForSelector("#predictions button");
    expectSameWords(await fillTwoMasks(page, sentence), await wantedWords(model, sentence));

    await page.getByRole("tab", { name: "Compare" }).click();
    await page.getByLabel("One text per line").fill(texts.join("\n"));
    await page.waitForFunction(
      () =>
        document.querySelectorAll("#matrix tbody tr").length === 3 && document.querySelector("#matrix th[title='of']"),
    );
    const vectors = await wantedVectors(model, texts);
    const cells = await page.locator("#matrix tbody td").allTextContents();
    const cosines = vectors.flatMap((a) => vectors.map((b) => a.reduce((sum, value, at) => sum + value * b[at]!, 0)));
    for (const [at, cosine] of cosines.entries()) expect(Math.abs(Number(cells[at]) - cosine)).toBeLessThan(0.006);

    expect(await page.locator("#fact-device").textContent()).toMatch(/^WebGPU: /);
    expect(await page.locator("#fact-time").textContent()).toMatch(/\d\s(µs|ms)$/);
    expect(await page.locator("#notices").isVisible()).toBe(false);
    expect([...state.hosts]).toEqual(["127.0.0.1"]);
    expect(state.errors).toEqual([]);
  });

  test("works with keys alone", async () => {
    const { page } = state;
    await page.keyboard.press("Tab");
    await page.keyboard.type(`${models.url}/model`);
    await page.keyboard.press("Enter");
    await page.waitForSelector("#predictions button");
    for (let i = 0; i < 4; i++) await page.keyboard.press("Tab"); // Load, choose a folder, the tabs, the sentence
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.type("The capital ");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter"); // Insert [MASK]
    const text = page.getByLabel(/^A sentence with/);
    expect(await text.inputValue()).toBe("The capital [MASK]");
    const [[first]] = (await wantedWords(model, "The capital [MASK]")) as [[Word]];
    await page.waitForFunction(
      (word) => document.querySelector("#predictions .word")?.textContent === word,
      visible(first.word),
    );
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter"); // the first prediction
    const word = first.word.trimStart();
    expect(await text.inputValue()).toBe(`The capital ${word}`);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("text");
    expect(state.errors).toEqual([]);
  });

  test("opens a folder from disk, and goes on without a network, even when it is opened anew", async () => {
    const { page, context } = state;
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    await context.setOffline(true);
    for (const round of ["as it was open", "opened anew"]) {
      if (round === "opened anew") await page.reload();
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
      await page.locator("#folder").setInputFiles(model);
      await page.waitForSelector("#predictions button, #error:not([hidden])");
      expect(await page.locator("#error").textContent()).toBe("");
      expectSameWords(await fillTwoMasks(page, sentence), await wantedWords(model, sentence));
    }
    expect(state.errors).toEqual([]);
  });

  test("shows the answer to what was typed last", async () => {
    const { page } = state;
    await loadUrl(page, `${models.url}/model`);
    await page.waitForSelector("#predictions button");
    const typed = "on the [MASK] is a capital of";
    const text = page.getByLabel(/^A sentence with/);
    await text.fill("");
    await text.pressSequentially(typed, { delay: 30 });
    const wanted = await wantedWords(model, typed);
    await expect
      .poll(() => shownWords(page).then(([words]) => words?.map(({ word }) => word)), { timeout: 20_000 })
      .toEqual(wanted[0]!.map(({ word }) => visible(word)));
    expectSameWords(await shownWords(page), wanted);
  });
});

onChromium("the page without WebGPU", () => {
  const state = withPage({ webgpu: false });

  test("says that it runs on the CPU and why, and answers the same", async () => {
    const { page } = state;
    await pickFolder(page, model);
    expect(await page.locator("#notices").textContent()).toMatch(/^Running on the CPU: there is no WebGPU adapter/);
    expectSameWords(await fillTwoMasks(page, sentence), await wantedWords(model, sentence));
    expect(state.errors).toEqual([]);
  });

  test("a word that is clicked stands in the sentence", async () => {
    const { page } = state;
    await pickFolder(page, model);
    await fillTwoMasks(page, sentence);
    const second = page.locator("#predictions ol").nth(1).locator("button").first();
    const word = (await second.locator(".word").textContent())!;
    await second.click();
    expect(await page.getByLabel(/^A sentence with/).inputValue()).toBe(`The [MASK] of the ${word} is`);
  });

  test("takes files that are dropped on the page", async () => {
    const { page } = state;
    const names = ["config.json", "model.safetensors", "tokenizer.json"];
    const files = names.map((name) => [name, readFileSync(join(model, name), "base64")] as const);
    const dropped = await page.evaluateHandle((all) => {
      const transfer = new DataTransfer();
      for (const [name, base64] of all)
        transfer.items.add(new File([Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0))], name));
      return transfer;
    }, files);
    await page.dispatchEvent("main", "dragover", { dataTransfer: dropped });
    expect(await page.locator("#drop").isVisible()).toBe(true);
    await page.dispatchEvent("main", "drop", { dataTransfer: dropped });
    expect(await page.locator("#drop").isVisible()).toBe(false);
    await page.waitForSelector("#predictions button");
    expect(state.errors).toEqual([]);
  });

  test("tabs say why a model has no use for them, and arrows move between them", async () => {
    const { page } = state;
    await page.locator("#folder").setInputFiles(encoder);
    await page.waitForSelector("#matrix:not([hidden])"); // the first tab that it can do
    const selected = (): Promise<string | null> => page.locator("[role=tab][aria-selected=true]").textContent();
    expect(await selected()).toBe("Compare");
    await page.getByRole("tab", { name: "Compare" }).focus();
    await page.keyboard.press("ArrowLeft");
    expect(await selected()).toBe("Answer");
    expect(await page.getByRole("tabpanel").textContent()).toMatch(/cannot answer questions: it has no question-ans/);
    await page.keyboard.press("Home");
    expect(await page.getByRole("tabpanel").textContent()).toMatch(/cannot fill masks: it has no masked-LM head/);
    await page.keyboard.press("End");
    expect(await selected()).toBe("Tokens");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("tab-tokens");
    await page.getByLabel("A text to split into tokens").fill("The capital");
    await expect
      .poll(() => page.locator("#chips span").allTextContents())
      .toEqual(["[CLS]", "The", " capital", "[SEP]"]);
    expect(await page.locator(".tokens tbody tr").nth(2).locator("td").allTextContents()).toEqual([
      "2",
      "Ġcapital",
      expect.stringMatching(/^\d+$/),
      "3–11",
      '" capital"',
    ]);
    expect(await page.locator("#status").textContent()).toMatch(/^4\stokens$/);
  });

  test("classifies, searches, and says what it leaves out", async () => {
    const { page } = state;
    await page.locator("#folder").setInputFiles(classifier);
    await page.waitForSelector("#labels li");
    expect(await page.locator("#labels .word").allTextContents()).toEqual(expect.arrayContaining(["good", "bad"]));
    const shares = await page.locator("#labels .share").allTextContents();
    expect(shares.reduce((sum, text) => sum + Number.parseFloat(text), 0)).toBeCloseTo(100, 0);

    await page.getByRole("tab", { name: "Search" }).click();
    await page.getByLabel("A question", { exact: true }).fill("the capital of");
    await page.getByLabel(/^A text to search/).fill("on and on\n\nthe capital of\nin a\n");
    await expect.poll(() => page.locator("#found li").count()).toBe(3);
    expect(await page.locator("#found li").first().textContent()).toBe("the capital of1.00");

    await page.getByRole("tab", { name: "Compare" }).click();
    const many = Array.from({ length: 40 }, (_, at) => `text ${at}`);
    await page.getByLabel("One text per line").fill(many.join("\n"));
    await expect.poll(() => page.locator("#matrix tbody tr").count()).toBe(16);
    expect(await page.locator("#compare-cut").textContent()).toBe("The first 16 of 40 texts");
    await page.getByLabel("One text per line").fill(`of\n${"on ".repeat(100)}`);
    await expect
      .poll(() => page.locator("#compare .line").textContent())
      .toMatch(/^Expected at most 64 tokens, got \d+ in text 2: shorten it$/);
  });

  test("an empty field is said, a load can be cancelled, a silent server is given up", async () => {
    const { page } = state;
    await loadUrl(page, "");
    expect(await page.getByRole("alert").textContent()).toMatch(
      /^Expected a model's id on the hub .* got nothing: give/,
    );
    models.mode = "hangs";
    await loadUrl(page, `${models.url}/model`);
    await page.getByRole("button", { name: "Cancel" }).click();
    expect(await page.locator("#progress").isVisible()).toBe(false);
    expect(await page.getByRole("alert").isVisible()).toBe(false);
    await page.goto(`${state.url}?patience=1&model=${models.url}/model`);
    await page.getByRole("alert").waitFor();
    expect(await page.getByRole("alert").textContent()).toMatch(/config\.json, got nothing for 1 s: check the/);
  });

  test("what is heard is short, however many masks there are", async () => {
    const { page } = state;
    await pickFolder(page, model);
    await page.getByLabel(/^A sentence with/).fill("[MASK] ".repeat(40));
    await expect.poll(() => page.locator("#predictions ol").count()).toBe(40);
    expect(await page.locator("#status").textContent()).toBe("40 masks filled");
  });

  test("fits a narrow screen, names every control and is in order for keyboards", async () => {
    const { page } = state;
    await page.setViewportSize({ width: 380, height: 700 });
    await page.locator("#folder").setInputFiles(model);
    await page.waitForSelector("#predictions button");
    for (const tab of await page.getByRole("tab").all()) {
      await tab.click();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(380);
    }
    const unnamed = await page.evaluate(() =>
      Array.from(document.querySelectorAll<HTMLInputElement>("input, textarea, progress"))
        .filter((control) => !control.labels?.length || control.labels[0]!.textContent!.trim() === "")
        .map((control) => control.id),
    );
    expect(unnamed).toEqual([]);
    expect(
      await page.locator("button").evaluateAll((all) => all.filter((button) => !button.textContent!.trim()).length),
    ).toBe(0);
  });
});
