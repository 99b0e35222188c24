/** The entry for pages: files from anywhere give what the folder on disk gives, and nothing of Node is imported. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createBackend } from "@modernbert-ts/backends";
import { blobSource } from "@modernbert-ts/safetensors";
import type { Folder } from "@modernbert-ts/safetensors";
import { Runtime } from "@modernbert-ts/tensor-core";
import { afterAll, expect, test } from "vitest";
import { embed, fillMask, openTextModel } from "../src/browser.ts";
import { openPipeline } from "../src/index.ts";
import { saveTinyModel } from "./support/tiny-model.ts";

const root = mkdtempSync(join(tmpdir(), "modernbert-browser-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
await saveTinyModel(root);

const inMemory: Folder = {
  name: "page",
  async open(path) {
    if (!["config.json", "model.safetensors", "tokenizer.json"].includes(path)) return undefined;
    return blobSource(new Blob([readFileSync(join(root, path))]), `page/${path}`);
  },
};

test("a model from Blobs answers as the same model from disk", async () => {
  const runtime = new Runtime((await createBackend("cpu", { cpuEngine: "typescript" })).backend);
  const model = await openTextModel(inMemory, { runtime });
  await using pipeline = await openPipeline(root, { backend: "cpu", cpuEngine: "typescript" });
  const texts = ["a [MASK] b", "[MASK]"];
  expect(await fillMask(model, texts)).toEqual(await fillMask(pipeline, texts));
  expect(await embed(model, texts)).toEqual(await embed(pipeline, texts));
  model.model.dispose();
  expect(runtime.backend.memory().liveBuffers).toBe(0);
});

test("what cannot be opened leaves nothing on the device", async () => {
  const runtime = new Runtime((await createBackend("cpu", { cpuEngine: "typescript" })).backend);
  const spoiled: Folder = {
    ...inMemory,
    open: async (path) =>
      path === "tokenizer.json" ? blobSource(new Blob(["{"]), "page/tokenizer.json") : inMemory.open(path),
  };
  await expect(openTextModel(spoiled, { runtime })).rejects.toThrow(/page\/tokenizer\.json/);
  expect(runtime.backend.memory().liveBuffers).toBe(0);
});

test("nothing of Node is imported", () => {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const source = readFileSync(file, "utf8");
    expect(source, file).not.toMatch(/from "(node:|.*\/node"|@huggingface|@modernbert-ts\/backends")/);
    for (const [, path] of source.matchAll(/from "(\.[^"]+)"/g)) visit(join(dirname(file), path!));
  };
  visit(join(import.meta.dirname, "../src/browser.ts"));
  expect(seen.size).toBeGreaterThan(8);
});
