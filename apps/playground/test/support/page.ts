/** The built page in Chromium, and what a person does with it and sees. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { serveApp } from "./app.ts";
import type { ServedApp } from "./app.ts";
import { launch } from "./chromium.ts";

export interface Word {
  readonly word: string;
  readonly score: number;
}

export interface PageState {
  readonly url: string;
  readonly page: Page;
  readonly context: BrowserContext;
  /** Lines of the console that are errors or warnings, and uncaught errors. */
  readonly errors: readonly string[];
  readonly hosts: ReadonlySet<string>;
}

export interface PageOptions {
  readonly webgpu: boolean;
  readonly query?: string;
  /** Files that the build takes along, instead of the app's own. */
  readonly publicDir?: string;
}

/** Declares hooks that serve the page and open it afresh for each test; gives the page, what it logged and whom it asked. */
export function withPage({ webgpu, query = "", publicDir }: PageOptions): PageState {
  let app: ServedApp;
  let browser: Browser;
  let context: BrowserContext;
  const state = {
    url: "",
    page: undefined as unknown as Page,
    context: undefined as unknown as BrowserContext,
    errors: [] as string[],
    hosts: new Set<string>(),
  };
  beforeAll(async () => {
    app = await serveApp(publicDir);
    browser = await launch({ webgpu });
    state.url = app.url;
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await app?.[Symbol.asyncDispose]();
  }, 60_000);
  beforeEach(async () => {
    context = state.context = await browser.newContext();
    context.setDefaultTimeout(50_000); // a software adapter on a busy machine compiles for seconds
    state.errors = [];
    state.hosts.clear();
    context.on("request", (request) => state.hosts.add(new URL(request.url()).hostname));
    context.on("weberror", (error) => state.errors.push(error.error().message));
    context.on("console", (message) => {
      // Chromium itself logs a 404. Some files of a folder are asked for though they may be missing.
      if (message.text().startsWith("Failed to load resource") && message.location().url.endsWith(".json")) return;
      if (message.type() === "error" || message.type() === "warning") state.errors.push(message.text());
    });
    state.page = await context.newPage();
    await state.page.goto(app.url + query);
  }, 60_000);
  afterEach(async () => context?.close(), 60_000);
  return state;
}

/** What the page shows: the words, and their probabilities unrounded. */
export function shownWords(page: Page): Promise<Word[][]> {
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
export const visible = (token: string): string => token.replace(/^ (?=\S)/, "");

export function expectSameWords(shown: readonly Word[][], wanted: readonly Word[][]): void {
  const words = (masks: readonly Word[][]) => masks.map((list) => list.map(({ word }) => visible(word)));
  expect(words(shown)).toEqual(words(wanted));
  for (const [mask, list] of wanted.entries())
    for (const [rank, { score }] of list.entries())
      expect(Math.abs(shown[mask]![rank]!.score - score)).toBeLessThan(1e-3);
}

async function write(page: Page, text: string): Promise<void> {
  const before = await page.locator("#fill .line").innerHTML();
  await page.getByLabel(/^A sentence with/).fill(text);
  await page.waitForFunction((old) => document.querySelector("#fill .line")!.innerHTML !== old, before);
}

export async function loadUrl(page: Page, url: string): Promise<void> {
  await page.getByLabel("A model of the hub, or the address of its folder").fill(url);
  await page.getByRole("button", { name: "Load" }).click();
}

/** Writes a sentence with two masks and waits for its words. */
export async function fillTwoMasks(page: Page, text: string): Promise<Word[][]> {
  await write(page, text);
  await page.waitForFunction(() => document.querySelectorAll("#predictions ol").length === 2);
  return shownWords(page);
}

/** Picks a folder from disk and waits until its model has filled the first mask. */
export async function pickFolder(page: Page, folder: string): Promise<void> {
  await page.locator("#folder").setInputFiles(folder);
  await page.waitForSelector("#predictions button");
}
