/** Files that a model folder may lack, on servers that say so in their own ways. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { embed, openTextModel } from "@modernbert-ts/pipelines/browser";
import { Runtime } from "@modernbert-ts/tensor-core";
import { openSource } from "../src/source/open-source.ts";
import { serveFolder } from "./support/serve-folder.ts";

/** A model without modules.json, 1_Pooling and other settings. */
const model = fileURLToPath(
  new URL("../../../packages/pipelines/test/fixtures/sentence_transformers/base", import.meta.url),
);

test.each([403, 404, 410])("status %i: the file is not there, and the model loads without it", async (status) => {
  await using server = await serveFolder(model, {}, status);
  await using backend = await createCpuBackend();
  const folder = openSource({ kind: "url", url: server.url }, () => {});
  expect(await folder.open("1_Pooling/config.json")).toBeUndefined();
  const text = await openTextModel(folder, { runtime: new Runtime(backend) });
  const [vector] = await embed(text, ["the cat"]);
  expect(vector).toHaveLength(32);
  text.model.dispose();
});

test.each([401, 429, 500])("status %i is an error that names the file", async (status) => {
  await using server = await serveFolder(model, {}, status);
  const folder = openSource({ kind: "url", url: server.url }, () => {});
  await expect(folder.open("1_Pooling/config.json")).rejects.toThrow(
    `[playground] expected the file ${server.url}/1_Pooling/config.json, got status ${status}`,
  );
});
