/** The worker client of @modernbert-ts/pipelines in Chromium: tasks, progress, cancelling, errors, and what is kept for the next visit. */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { embed, openPipeline } from "@modernbert-ts/pipelines";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { saveTinyModel } from "../../../packages/pipelines/test/support/tiny-model.ts";
import { viteBuild } from "./support/app.ts";
import { launch, onChromium } from "./support/chromium.ts";
import { serveModel } from "./support/model-server.ts";
import type { ModelServer } from "./support/model-server.ts";
import { serveFolder } from "./support/serve-folder.ts";
import type { FolderServer } from "./support/serve-folder.ts";

const suitePage = fileURLToPath(new URL("worker/", import.meta.url));
const suiteConfig = fileURLToPath(new URL("suite/vite.config.ts", import.meta.url));
const isolated = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
const texts = ["The capital is a", "on the capital", "of"];

onChromium("the worker client", () => {
  const folder = mkdtempSync(join(tmpdir(), "modernbert-worker-"));
  const built = mkdtempSync(join(tmpdir(), "modernbert-worker-page-"));
  let site: FolderServer;
  let plainSite: FolderServer;
  let models: ModelServer;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    await saveTinyModel(folder);
    await viteBuild([suitePage, "--config", suiteConfig, "--outDir", built, "--emptyOutDir"]);
    site = await serveFolder(built, isolated);
    plainSite = await serveFolder(built);
    browser = await launch({ webgpu: false });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await plainSite?.[Symbol.asyncDispose]();
    await site?.[Symbol.asyncDispose]();
    for (const path of [folder, built]) rmSync(path, { recursive: true, force: true });
  });
  beforeEach(async () => {
    models = await serveModel(folder);
    context = await browser.newContext();
    page = await context.newPage();
    await visit(site.url);
  }, 60_000);
  afterEach(async () => {
    await context.close();
    await models[Symbol.asyncDispose]();
  });

  async function visit(url: string): Promise<void> {
    await page.goto(url);
    await page.waitForFunction(() => "client" in globalThis);
  }

  interface Opening {
    readonly hub?: boolean;
    readonly keepBytes?: number;
    readonly patience?: number;
  }

  /** Opens the model in a worker of its own, asks it for a vector, and says what was told meanwhile. */
  function open({ hub = false, ...settings }: Opening = {}) {
    models.requests.length = 0;
    return page.evaluate(
      async ([url, ofHub, all]) => {
        const notices: string[] = [];
        const worker = client.startModelWorker({ ...all, hub: url, onNotice: (notice) => notices.push(notice) });
        const progress: object[] = [];
        const source = ofHub ? client.modelAddress("owner/name", url) : client.modelAddress(`${url}/model`, url);
        try {
          const model = await worker.open(source, { onProgress: (now) => progress.push(now) });
          const { answers, cost } = await model.run("embed", ["the capital"]);
          const kept = await worker.keptBytes();
          return { report: model.report, progress, notices, kept, cost, vector: [...answers[0]!] };
        } finally {
          worker.terminate();
        }
      },
      [models.url, hub, settings] as const,
    );
  }

  test("opens a model with progress, runs tasks as the library does, shows tokens", async () => {
    const { report, progress, cost } = await open();
    expect(report).toMatchObject({ head: "masked-lm", mask: "[MASK]", layers: 3, maxLength: 64, vocabSize: 300 });
    expect(report.device).toEqual({
      backend: "cpu",
      name: expect.stringMatching(/^CPU, WebAssembly .* \d+ threads?$/),
      notes: [expect.stringMatching(/^running on the CPU: there is no WebGPU adapter/)],
    });
    expect(report.tasks).toContain("fill-mask");
    expect(report.tasks).not.toContain("classify");
    expect(progress.at(0)).toEqual({ stage: "device" });
    expect(progress.at(-1)).toEqual({ stage: "warm-up" });
    const size = statSync(join(folder, "model.safetensors")).size;
    expect(progress).toContainEqual(
      expect.objectContaining({ file: "model.safetensors", from: "network", loaded: size, total: size }),
    );
    expect(cost.tokens).toBeGreaterThan(2);

    const got = await page.evaluate(
      async ([url, all]) => {
        const worker = client.startModelWorker();
        const model = await worker.open(client.modelAddress(`${url}/model`, url));
        const { answers } = await model.run("embed", all, { normalize: true });
        const filled = await model.run("fill-mask", ["The [MASK] is"], { topK: 2 });
        const tokens = await model.tokenize("The capital");
        await model.close();
        const closed = await model.tokenize("a").catch((error: Error) => error.message);
        worker.terminate();
        return { vectors: answers.map((vector) => [...vector]), filled: filled.answers[0]!, tokens, closed };
      },
      [models.url, texts] as const,
    );
    await using pipeline = await openPipeline(folder, { backend: "cpu" });
    const wanted = await embed(pipeline, texts, { normalize: true });
    for (const [at, vector] of wanted.entries())
      for (const [i, value] of vector.entries()) expect(Math.abs(got.vectors[at]![i]! - value)).toBeLessThan(1e-5);
    expect(got.filled).toHaveLength(1);
    expect(got.filled[0]).toHaveLength(2);
    expect(got.tokens.map(({ token, place }) => [token, place])).toEqual([
      ["[CLS]", undefined],
      ["The", [0, 3]],
      ["Ġcapital", [3, 11]],
      ["[SEP]", undefined],
    ]);
    expect(got.closed).toMatch(/got one that was closed/);
  });

  test("what is cancelled ends at once and disturbs nobody; a server that is silent is given up", async () => {
    const got = await page.evaluate(
      async ([url, all]) => {
        const worker = client.startModelWorker();
        const model = await worker.open(client.modelAddress(`${url}/model`, url));
        const cancelled = new AbortController();
        const order: string[] = [];
        const note = (name: string) => () => void order.push(name);
        const long = model.run(
          "embed",
          Array.from({ length: 20_000 }, () => all[0]),
          {},
          { signal: cancelled.signal },
        );
        const cut = errorOf(long).finally(note("cancelled"));
        const next = model.run("embed", all, { normalize: true }).finally(note("next"));
        setTimeout(() => cancelled.abort(), 50);
        const answers = [await cut, (await next).answers.length];
        const before = await errorOf(model.run("embed", all, {}, { signal: cancelled.signal }));
        worker.terminate();
        return { answers, before, order, lost: await errorOf(model.tokenize("a")) };
      },
      [models.url, texts] as const,
    );
    expect(got.answers).toEqual([expect.objectContaining({ name: "AbortError" }), 3]);
    expect(got.before.name).toBe("AbortError");
    expect(got.order).toEqual(["cancelled", "next"]);
    expect(got.lost).toMatchObject({
      name: "WorkerLostError",
      message: expect.stringMatching(/^\[worker\] the worker was/),
    });

    models.mode = "hangs";
    const silent = await page.evaluate(async (url) => {
      const worker = client.startModelWorker({ patience: 300, keepBytes: 0 });
      const source = client.modelAddress(`${url}/model`, url);
      const signal = AbortSignal.timeout(50);
      const cut = await worker.open(source, { signal }).catch((error: Error) => error.name);
      const given = await worker.open(source).catch((error: Error) => error);
      worker.terminate();
      return { cut, typed: given instanceof client.DownloadError, message: (given as Error).message };
    }, models.url);
    expect(silent).toEqual({
      cut: "TimeoutError",
      typed: true,
      message: `[download] expected more of ${models.url}/model/config.json, got nothing for 0.3 s: check the connection, then load it again`,
    });
  });

  test("errors are of the library's classes, with their fields", async () => {
    models.changed.set("model.safetensors", readFileSync(join(folder, "model.safetensors")).subarray(0, 20_000));
    const got = await page.evaluate(async (url) => {
      const worker = client.startModelWorker({ hub: url, keepBytes: 0 });
      const at = (address: string) => worker.open(client.modelAddress(address, url));
      const found = [await errorOf(at(`${url}/model`)), await errorOf(at("owner/secret"))];
      worker.terminate();
      return found;
    }, models.url);
    expect(got).toMatchObject([
      { name: "SafetensorsError", known: true, file: `${models.url}/model/model.safetensors` },
      { name: "ModelNotFoundError", known: true, message: expect.stringMatching(/status 401 for owner\/secret/) },
    ]);
  });

  test("files are kept: asked for again only when they changed, and not needed from the server", async () => {
    const first = await open();
    expect(models.requests).toContain("GET /model/model.safetensors");
    expect(first.kept).toBeGreaterThan(statSync(join(folder, "model.safetensors")).size);

    const second = await open();
    expect(models.requests).toContain("HEAD /model/model.safetensors");
    expect(models.requests).not.toContain("GET /model/model.safetensors");
    expect(second.vector).toEqual(first.vector);
    expect(second.progress).toContainEqual(expect.objectContaining({ file: "model.safetensors", from: "cache" }));

    models.mode = "is down";
    const alone = await open();
    expect(alone.vector).toEqual(first.vector);
    expect(alone.notices).toEqual(["the server gives no answer: using the files that this browser has kept"]);

    models.mode = "answers";
    const config = JSON.parse(readFileSync(join(folder, "config.json"), "utf8")) as object;
    models.changed.set("config.json", Buffer.from(JSON.stringify({ ...config, local_attention: 2 })));
    const changed = await open();
    expect(models.requests).toContain("GET /model/config.json");
    expect(models.requests).not.toContain("GET /model/model.safetensors");
    expect(changed.vector).not.toEqual(first.vector);
  });

  test("what does not fit is told and not kept; the oldest leave first; all can be dropped", async () => {
    const most = statSync(join(folder, "model.safetensors")).size;
    const little = await open({ keepBytes: most - 1 });
    expect(little.notices).toEqual([
      expect.stringMatching(/^the model is not kept for the next visit: .*model\.safetensors is larger than/),
    ]);
    const room = await open({ keepBytes: most });
    expect(room.notices).toEqual([]);
    expect(room.kept).toBeLessThanOrEqual(most);

    const session = await context.newCDPSession(page);
    await session.send("Storage.overrideQuotaForOrigin", { origin: site.url, quotaSize: 1000 });
    await page.evaluate(() => caches.delete("modernbert-models"));
    const full = await open();
    expect(full.notices).toContain(
      "the model is not kept for the next visit: the browser gives this page no more room",
    );
    expect(full.vector).toEqual(little.vector);
    await session.send("Storage.overrideQuotaForOrigin", { origin: site.url });

    const left = await page.evaluate(async () => {
      const worker = client.startModelWorker();
      await worker.clearKept();
      const bytes = await worker.keptBytes();
      worker.terminate();
      return bytes;
    });
    expect(left).toBe(0);
  });

  test("a model of the hub is pinned to a commit: one request while it stays, all anew when it moves", async () => {
    const revision = "GET /api/models/owner/name/revision/main";
    const first = await open({ hub: true });
    expect(models.requests).toContain(`GET /owner/name/resolve/${models.commit}/model.safetensors`);
    await open({ hub: true });
    expect(models.requests.filter((request) => !request.startsWith("HEAD"))).toEqual([revision]);

    models.commit = "b".repeat(40);
    const moved = await open({ hub: true });
    expect(models.requests).toContain(`GET /owner/name/resolve/${models.commit}/model.safetensors`);
    expect(moved.kept).toBe(first.kept);

    models.mode = "is down";
    expect((await open({ hub: true })).vector).toEqual(first.vector);
  });

  test("one thread is explained", async () => {
    await visit(plainSite.url);
    const { report } = await open();
    expect(report.device.name).toMatch(/1 thread$/);
    expect(report.device.notes).toContainEqual(expect.stringMatching(/^one thread: .*Cross-Origin-Opener-Policy/));
  });
});
