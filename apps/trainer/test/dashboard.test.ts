/** The report and the live page: as text, to hostile requests, and in Chromium, where every label must be whole. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import type { TrainingEvent } from "@modernbert-ts/training";
import { describe, expect, test } from "vitest";
import { launch, onChromium } from "../../playground/test/support/chromium.ts";
import { openRunDashboard, parseAddress } from "../src/dashboard/run-dashboard.ts";
import { History } from "../src/report/history.ts";
import { utilisation } from "../src/report/utilisation.ts";
import { writeReport } from "../src/report/write-report.ts";
import { runTraining } from "../src/run/run-training.ts";
import { corpusFolder, quiet, stopAfter, temporaryFolder, tinyConfig } from "./support.ts";
import { fakeEvents, fakeRun } from "./support/fake-run.ts";

const lengths = (history: History): number => history.stretches.reduce((sum, { steps }) => sum + steps, 0);

describe("the history of a run", () => {
  test("stays small and loses nothing: means over stretches are the means over steps", () => {
    const events = fakeEvents(5000).filter((event) => event.kind === "step");
    const history = new History(events);
    expect(history.stretches.length).toBeLessThan(480);
    expect(lengths(history)).toBe(5000);
    const mean = history.stretches.reduce((sum, { loss, steps }) => sum + loss * steps, 0) / 5000;
    expect(mean).toBeCloseTo(events.reduce((sum, { loss }) => sum + loss, 0) / 5000, 8);
    expect(history.stretches.at(-1)).toMatchObject({ step: 5000, tokens: events.at(-1)!.tokens });
  });

  test("passes over numbers that are none, which JSON writes as null", () => {
    const [first, second] = fakeEvents(2).filter((event) => event.kind === "step");
    const history = new History();
    for (let at = 0; at < 479; at++) history.add({ ...first!, step: at + 1 });
    history.add({ ...second!, step: 480, gradientNorm: null as unknown as number });
    expect(history.stretches).toHaveLength(240);
    expect(history.stretches.at(-1)!.gradientNorm).toBe(first!.gradientNorm);
  });
});

test("the use of a device is three forward passes over its peak", () => {
  const flops = [
    { startTokens: 0, perToken: 100, perScored: 1000 },
    { startTokens: 50, perToken: 200, perScored: 1000 },
  ];
  const part = { tokens: 50, secondsPerToken: 1e-3, scoredShare: 0.3 };
  expect(utilisation(part, { flops, peakFlops: 2.4e6 })).toBeCloseTo((3 * (100 + 300) * 1000) / 2.4e6, 12);
  expect(utilisation({ ...part, tokens: 51 }, { flops, peakFlops: 2.4e6 })).toBeCloseTo((3 * 500 * 1000) / 2.4e6, 12);
  expect(utilisation(part, { flops })).toBeNaN();
});

test("a run with sample texts shows what the model says of them, once an evaluation, also when it goes on", async () => {
  const folder = await corpusFolder();
  const texts = ["the [MASK] sat on the [MASK]"];
  const config = tinyConfig(folder, { log: { samples: texts, peak_tflops: 0.1 } });
  await runTraining(config, stopAfter(6));
  await runTraining(config, { ...quiet, resume: "auto" });
  const records = readFileSync(join(folder, "run", "samples.jsonl"), "utf8")
    .trim()
    .split("\n");
  const evaluations = readFileSync(join(folder, "run", "metrics.jsonl"), "utf8").match(/"kind":"evaluation"/g);
  expect(records).toHaveLength(evaluations!.length);
  expect(JSON.parse(records[0]!)).toMatchObject({
    samples: [{ text: texts[0], masks: [{ length: 5 }, { length: 5 }] }],
  });
  const html = readFileSync(join(folder, "run", "report.html"), "utf8");
  expect(html).toContain("the [MASK] sat on the [MASK]");
  expect(html).toContain("FLOPs utilisation");
  expect(html).toContain("Scored share of tokens (mask rate)");
  await expect(
    runTraining(tinyConfig(folder, { output: join(folder, "x"), log: { samples: ["no mask"] } }), quiet),
  ).rejects.toThrow('log.samples.0: expected a text with [MASK] in it, got "no mask"');
});

test("addresses", () => {
  expect(["8080", "0.0.0.0:80", "[::1]:80", "0"].map(parseAddress)).toEqual([
    { host: "127.0.0.1", port: 8080 },
    { host: "0.0.0.0", port: 80 },
    { host: "::1", port: 80 },
    { host: "127.0.0.1", port: 0 },
  ]);
  expect(["", "x", "99999", "a b:1", "1:2:3", "-1"].map(parseAddress)).toEqual(Array(6).fill(undefined));
});

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

function ask(url: string, options: object = {}, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, ...options }, (response) => {
      let text = "";
      response.on("data", (data: Buffer) => (text += data.toString()));
      response.on("end", () => resolve({ status: response.statusCode!, text, headers: response.headers }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

describe("the live page", () => {
  test("listens on this machine alone, says what it knows, and is gone at the end", async () => {
    const output = temporaryFolder();
    let url: string;
    {
      await using dashboard = await openRunDashboard(output, { host: "127.0.0.1", port: 0 });
      ({ url } = dashboard);
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
      expect((await ask(url)).text).toContain("Starting.");
      fakeRun(output, 40);
      dashboard.begin();
      const { text, headers } = await ask(`${url}body`);
      expect(text).toContain("Gradient norm");
      expect(headers).toMatchObject({ "x-content-type-options": "nosniff" });
      expect(String(headers["content-security-policy"])).toMatch(/^default-src 'none'; style-src 'sha256-/);
      expect(await ask(`${url}body`)).toMatchObject({ text });
      dashboard.onEvent({ ...fakeEvents(41).findLast((event) => event.kind === "step")!, step: 777 });
      expect((await ask(`${url}body`)).text).toContain("777 steps");
    }
    await expect(ask(url)).rejects.toThrow(/ECONNREFUSED/);
  });

  test("refuses what it does not know, in one line, and goes on", async () => {
    await using dashboard = await openRunDashboard(temporaryFolder(), { host: "127.0.0.1", port: 0 });
    const { url } = dashboard;
    const port = new URL(url).port;
    const status = async (path: string, options: object = {}, body?: string): Promise<number> =>
      (await ask(url, { path, ...options }, body)).status;
    expect(await status("/", { headers: { host: "evil.example" } })).toBe(403);
    expect(await status("/", { headers: { host: `127.0.0.1.evil.example:${port}` } })).toBe(403);
    expect(await status("/", { headers: { host: `localhost:${port}` } })).toBe(200);
    expect(await status("/body", { headers: { "sec-fetch-site": "cross-site" } })).toBe(403);
    expect(await status("/../../etc/passwd")).toBe(404);
    expect(await status("/%2e%2e/run.json")).toBe(404);
    expect(await status("/toString")).toBe(404);
    expect(await status("/body?x")).toBe(404);
    expect(await status("http://evil.example/")).toBe(404);
    expect(await status("/", { method: "DELETE" })).toBe(405);
    expect(await status("/", { method: "POST" }, "x".repeat(1000))).toBe(413);
    expect(await status("/", { headers: { cookie: "x".repeat(10_000) } })).toBe(431);
    expect(await status("/", { method: "HEAD" })).toBe(200);
    expect(await status("/")).toBe(200);
  });

  test("a port that is taken is one line", async () => {
    await using dashboard = await openRunDashboard(temporaryFolder(), { host: "127.0.0.1", port: 0 });
    const port = Number(new URL(dashboard.url).port);
    await expect(openRunDashboard(temporaryFolder(), { host: "127.0.0.1", port })).rejects.toThrow(
      `--dashboard: cannot listen on 127.0.0.1:${port}: something else listens there; take another port`,
    );
  });
});

type Page = Awaited<ReturnType<Awaited<ReturnType<typeof launch>>["newPage"]>>;

/** Labels that stick out of their drawing, lie on each other, or say the same twice on one axis. */
function badLabels(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll("svg")].flatMap((svg) => {
      const name = svg.getAttribute("aria-label");
      const frame = svg.getBoundingClientRect();
      const texts = [...svg.querySelectorAll("text")];
      const boxes = texts.map((text) => text.getBoundingClientRect());
      const out = texts.filter((_, at) => {
        const box = boxes[at]!;
        return box.left < frame.left || box.right > frame.right || box.top < frame.top || box.bottom > frame.bottom;
      });
      const onto = texts.filter((_, at) =>
        boxes.some((other, by) => {
          const box = boxes[at]!;
          return (
            by > at &&
            box.left < other.right &&
            other.left < box.right &&
            box.top < other.bottom &&
            other.top < box.bottom
          );
        }),
      );
      const twice = ["end", "middle"].flatMap((anchor) => {
        const own = texts.filter((text) => text.getAttribute("text-anchor") === anchor).map((text) => text.textContent);
        return own.filter((label, at) => own.indexOf(label) !== at);
      });
      return [
        ...out.map((text) => `${name}: ${text.textContent} sticks out`),
        ...onto.map((text) => `${name}: ${text.textContent} lies on another`),
        ...twice.map((label) => `${name}: ${label} twice`),
      ];
    }),
  );
}

onChromium("in a browser", () => {
  test.each([
    ["wide", 1280, "light"],
    ["narrow", 390, "dark"],
  ] as const)(
    "the report is whole on a %s screen",
    async (name, width, colorScheme) => {
      const output = temporaryFolder();
      fakeRun(output, 3000);
      const report = writeReport(output);
      const browser = await launch({ webgpu: false });
      try {
        const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
        await page.goto(`file://${report}`);
        expect(await badLabels(page)).toEqual([]);
        expect(await page.locator("svg").count()).toBe(9);
        expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
        const clipped = await page.evaluate(() =>
          [...document.querySelectorAll(".tile *, figcaption, .legend span")]
            .filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== "inline")
            .map((one) => one.textContent),
        );
        expect(clipped).toEqual([]);
        const folder = process.env["SCREENSHOTS"];
        if (folder !== undefined) {
          mkdirSync(folder, { recursive: true });
          writeFileSync(join(folder, `report-${name}.png`), await page.screenshot({ fullPage: true }));
        }
      } finally {
        await browser.close();
      }
    },
    60_000,
  );

  test("the live page follows the run and says when it is over", async () => {
    const output = temporaryFolder();
    fakeRun(output, 30);
    const browser = await launch({ webgpu: false });
    try {
      const dashboard = await openRunDashboard(output, { host: "127.0.0.1", port: 0 });
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on("console", (message) => void (message.type() === "error" && errors.push(message.text())));
      await page.goto(dashboard.url);
      await page.getByText("Starting.").waitFor();
      dashboard.begin();
      await page.getByText("30 steps").waitFor();
      await page.getByText("Held-out scores").click();
      const next: TrainingEvent = { ...fakeEvents(31).findLast((event) => event.kind === "step")!, step: 31 };
      dashboard.onEvent(next);
      await page.getByText("31 steps").waitFor();
      expect(await page.locator("details[open]").count()).toBe(1);
      expect(await page.locator("#state").textContent()).toBe("Live.");
      expect(errors).toEqual([]);
      await dashboard[Symbol.asyncDispose]();
      await page.getByText("The run does not answer").waitFor();
      expect(await page.locator("svg").count()).toBe(9);
    } finally {
      await browser.close();
    }
  }, 300_000);
});
