/** The shipped page in Chromium: real clicks and keys, answers equal to the command line's, no network, no GPU, bad models. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { cli } from "../../cli/test/support/cli.ts";
import { saveTinyModel } from "../../../packages/pipelines/test/support/tiny-model.ts";
import { serveApp } from "./support/app.ts";
import type { ServedApp } from "./support/app.ts";
import { launch, onChromium } from "./support/chromium.ts";
import { serveFolder } from "./support/serve-folder.ts";
import type { FolderServer } from "./support/serve-folder.ts";

const sentence = "The [MASK] of the [MASK] is";
const texts = ["The capital is a", "on the capital", "of"];
const folder = mkdtempSync(join(tmpdir(), "modernbert-models-"));
const model = join(folder, "tiny");
const encoder = join(folder, "encoder");

interface Word {
  readonly word: string;
  readonly score: number;
}

interface Prediction {
  readonly token_str: string;
  readonly score: number;
}

let app: ServedApp;
let models: FolderServer;

/** What the command line says to a sentence: words of each mask with their probabilities. */
async function wantedWords(text: string): Promise<Word[][]> {
  const answer = JSON.parse(await run(["fill-mask", text, "--json"])) as Prediction[] | Prediction[][];
  const masks = (Array.isArray(answer[0]) ? answer : [answer]) as Prediction[][];
  return masks.map((words) => words.map(({ token_str, score }) => ({ word: token_str, score })));
}

/** The command line's vectors of texts. */
async function wantedVectors(lines: readonly string[]): Promise<number[][]> {
  const answer = await run(["embed", "--normalize"], `${lines.join("\n")}\n`);
  return answer
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as number[]);
}

async function run(args: readonly string[], input = ""): Promise<string> {
  const { code, stdout, stderr } = await cli([...args, "--model", model, "--backend", "cpu"], input);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** What the page shows: the words, and their probabilities unrounded. */
function shownWords(page: Page): Promise<Word[][]> {
  return page.locator("#predictions").evaluate((predictions) =>
    Array.from(predictions.querySelectorAll("ol"), (list) =>
      Array.from(list.querySelectorAll("button"), (button) => ({
        word: button.querySelector(".word")!.textContent!,
        score: Number(button.style.getPropertyValue("--share")),
      })),
    ),
  );
}

/** The visible form of a token: no leading space. */
const visible = (token: string): string => token.replace(/^ (?=\S)/, "");

function expectSameWords(shown: readonly Word[][], wanted: readonly Word[][]): void {
  const words = (masks: readonly Word[][]) => masks.map((list) => list.map(({ word }) => visible(word)));
  expect(words(shown)).toEqual(words(wanted));
  for (const [mask, list] of wanted.entries())
    for (const [rank, { score }] of list.entries())
      expect(Math.abs(shown[mask]![rank]!.score - score)).toBeLessThan(1e-3);
}

async function write(page: Page, text: string): Promise<void> {
  const before = await page.locator("#fill-state").innerHTML();
  await page.getByLabel(/^A sentence with/).fill(text);
  await page.waitForFunction((old) => document.querySelector("#fill-state")!.innerHTML !== old, before);
}

async function loadUrl(page: Page, url: string): Promise<void> {
  await page.getByLabel("Address of a model folder").fill(url);
  await page.getByRole("button", { name: "Load" }).click();
}

beforeAll(async () => {
  await saveTinyModel(model);
  await saveTinyModel(encoder, { head: "none" });
  models = await serveFolder(folder);
  app = await serveApp();
});
afterAll(async () => {
  await models?.[Symbol.asyncDispose]();
  await app?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

let copies = 0;

/** The address of a copy of the model in which a file has other content, or is cut to a size. */
function spoiled(file: string, content: string | number): string {
  const name = `spoiled-${copies++}`;
  cpSync(model, join(folder, name), { recursive: true });
  const path = join(folder, name, file);
  if (typeof content === "number") truncateSync(path, content);
  else writeFileSync(path, content);
  return `${models.url}/${name}`;
}

/** A fresh page for each test, and what it logged and asked the network for. */
function withPage(webgpu: boolean, query = "") {
  let browser: Browser;
  let context: BrowserContext;
  const state = {
    page: undefined as unknown as Page,
    context: undefined as unknown as BrowserContext,
    errors: [] as string[],
    hosts: new Set<string>(),
  };
  beforeAll(async () => {
    browser = await launch({ webgpu });
  });
  afterAll(async () => browser?.close());
  beforeEach(async () => {
    context = state.context = await browser.newContext();
    state.errors = [];
    state.hosts.clear();
    context.on("request", (request) => state.hosts.add(new URL(request.url()).hostname));
    context.on("weberror", (error) => state.errors.push(error.error().message));
    context.on("console", (message) => {
      // Chromium itself logs a 404. One file of a folder is asked for though it may be missing.
      if (message.location().url.endsWith("/1_Pooling/config.json")) return;
      if (message.type() === "error" || message.type() === "warning") state.errors.push(message.text());
    });
    state.page = await context.newPage();
    await state.page.goto(app.url + query);
  });
  afterEach(async () => context?.close());
  return state;
}

onChromium("the page with WebGPU", () => {
  const state = withPage(true, "?device=webgpu");

  test("answers a click as the command line answers, and asks nobody else", async () => {
    const { page } = state;
    await loadUrl(page, `${models.url}/tiny`);
    await page.waitForSelector("#fill:not([hidden])");
    await write(page, sentence);
    await page.waitForFunction(() => document.querySelectorAll("#predictions ol").length === 2);
    expectSameWords(await shownWords(page), await wantedWords(sentence));

    await page.getByLabel("One text per line").fill(texts.join("\n"));
    await page.waitForFunction(
      () =>
        document.querySelectorAll("#matrix tbody tr").length === 3 && document.querySelector("#matrix th[title='of']"),
    );
    const vectors = await wantedVectors(texts);
    const cells = await page.locator("#matrix tbody td").allTextContents();
    const cosines = vectors.flatMap((a) => vectors.map((b) => a.reduce((sum, value, at) => sum + value * b[at]!, 0)));
    for (const [at, cosine] of cosines.entries()) expect(Math.abs(Number(cells[at]) - cosine)).toBeLessThan(0.006);

    expect(await page.locator("#fact-device").textContent()).toMatch(/^WebGPU: /);
    expect(await page.locator("#fact-time").textContent()).toMatch(/\d\s(µs|ms)$/);
    expect(await page.locator("#notice").isVisible()).toBe(false);
    expect([...state.hosts]).toEqual(["127.0.0.1"]);
    expect(state.errors).toEqual([]);
  });

  test("works with keys alone", async () => {
    const { page } = state;
    await page.keyboard.press("Tab");
    await page.keyboard.type(`${models.url}/tiny`);
    await page.keyboard.press("Enter");
    await page.waitForSelector("#predictions button");
    for (let i = 0; i < 3; i++) await page.keyboard.press("Tab"); // Load, choose a folder, the sentence
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.type("The capital ");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter"); // Insert [MASK]
    const text = page.getByLabel(/^A sentence with/);
    expect(await text.inputValue()).toBe("The capital [MASK]");
    const [[first]] = (await wantedWords("The capital [MASK]")) as [[Word]];
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
      await write(page, sentence);
      await page.waitForFunction(() => document.querySelectorAll("#predictions ol").length === 2);
      expectSameWords(await shownWords(page), await wantedWords(sentence));
    }
    expect(state.errors).toEqual([]);
  });

  test("shows the answer to what was typed last", async () => {
    const { page } = state;
    await loadUrl(page, `${models.url}/tiny`);
    await page.waitForSelector("#predictions button");
    const typed = "on the [MASK] is a capital of";
    const text = page.getByLabel(/^A sentence with/);
    await text.fill("");
    await text.pressSequentially(typed, { delay: 30 });
    const wanted = await wantedWords(typed);
    await expect
      .poll(() => shownWords(page).then(([words]) => words?.map(({ word }) => word)))
      .toEqual(wanted[0]!.map(({ word }) => visible(word)));
    expectSameWords(await shownWords(page), wanted);
  });
});

onChromium("the page without WebGPU", () => {
  const state = withPage(false);

  test("says that it runs on the CPU and why, and answers the same", async () => {
    const { page } = state;
    await page.locator("#folder").setInputFiles(model);
    await page.waitForSelector("#predictions button");
    expect(await page.locator("#notice").textContent()).toMatch(/^Running on the CPU: there is no WebGPU adapter/);
    await write(page, sentence);
    await page.waitForFunction(() => document.querySelectorAll("#predictions ol").length === 2);
    expectSameWords(await shownWords(page), await wantedWords(sentence));
    expect(state.errors).toEqual([]);
  });

  test("a word that is clicked stands in the sentence", async () => {
    const { page } = state;
    await page.locator("#folder").setInputFiles(model);
    await page.waitForSelector("#predictions button");
    await write(page, sentence);
    await page.waitForFunction(() => document.querySelectorAll("#predictions ol").length === 2);
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

  test("a model without a masked-LM head is for comparing only, and says so", async () => {
    const { page } = state;
    await page.locator("#folder").setInputFiles(encoder);
    await page.waitForSelector("#matrix:not([hidden])");
    expect(await page.locator("#fill").isVisible()).toBe(false);
    expect(await page.locator("#notice").textContent()).toContain("cannot fill masks");
  });

  test.each<[string, () => string | Promise<string>, RegExp]>([
    ["an address where nothing is", () => `${models.url}/nothing`, /nothing\/config\.json, got no such file: give a/],
    ["a server that is not there", () => "http://127.0.0.1:9/model", /got none: check the address/],
    ["a server of pages", () => app.url, /config\.json, got no such file/],
    ["no address at all", () => "https://", /expected the address of a model folder/i],
    [
      "a model of another type",
      () => spoiled("config.json", '{"model_type":"bert"}'),
      /model_type.*"modernbert".*got "bert"/,
    ],
    ["a config that is no JSON", () => spoiled("config.json", "<html>"), /expected JSON in .*config\.json/i],
    ["damaged weights", () => spoiled("model.safetensors", 20_000), /the file is truncated; download or save it again/],
    ["a damaged tokenizer", () => spoiled("tokenizer.json", "{"), /tokenizer\.json/],
  ])("%s is one line that says what to do", async (_, address, message) => {
    const { page } = state;
    await loadUrl(page, await address());
    const alert = page.getByRole("alert");
    await alert.waitFor();
    const text = (await alert.textContent())!;
    expect(text).toMatch(message);
    expect(text).not.toMatch(/\n|undefined|\[object/);
    expect(await page.locator("#progress").isVisible()).toBe(false);
  });

  test("a connection that breaks off is one line that says what to do", async () => {
    const server = createServer((request, response) => {
      response.writeHead(200, { "access-control-allow-origin": "*", "content-length": 1000 });
      response.write("{", () => request.socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await loadUrl(state.page, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const alert = state.page.getByRole("alert");
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(
      /^The connection broke off after \d bytes of .*config\.json: load it again$/,
    );
    server.close();
  });

  test("a folder without a model says so, and the model that was there stays", async () => {
    const { page } = state;
    await page.locator("#folder").setInputFiles(model);
    await page.waitForSelector("#predictions button");
    const empty = join(folder, "empty");
    mkdirSync(empty);
    writeFileSync(join(empty, "readme.txt"), "nothing");
    await page.locator("#folder").setInputFiles(empty);
    expect(await page.getByRole("alert").textContent()).toMatch(/got no config\.json: choose the model's folder/);
    await write(page, sentence);
    await page.waitForFunction(() => document.querySelectorAll("#predictions ol").length === 2);
  });

  test("fits a narrow screen, names every control and is in order for keyboards", async () => {
    const { page } = state;
    await page.setViewportSize({ width: 380, height: 700 });
    await page.locator("#folder").setInputFiles(model);
    await page.waitForSelector("#matrix:not([hidden])");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(380);
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
