/** Folders as they are found: either prefix, names from TensorFlow, buffers, what is missing; and what a batch may hold. */
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { loadModelFolder, packSequences } from "@modernbert-ts/encoder";
import type { Head } from "@modernbert-ts/encoder";
import { blobSource, serializeSafetensors } from "@modernbert-ts/safetensors";
import type { Folder } from "@modernbert-ts/safetensors";
import { Runtime } from "@modernbert-ts/tensor-core";
import { expect, it } from "vitest";
import { bertArchitecture, createConfig } from "../src/index.ts";
import type { Bert } from "../src/index.ts";

const fields = {
  vocab_size: 20,
  hidden_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 12,
  max_position_embeddings: 6,
};
const runtime = new Runtime(createTypeScriptBackend());
const shapes = bertArchitecture.kind.parameters(createConfig(fields), "pretraining");

/** A folder with every tensor of a pretraining checkpoint under the names that `rename` gives. */
async function folder(rename: (name: string) => readonly string[]): Promise<Folder> {
  const tensors = Array.from(shapes, ([name, { shape }], at) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const data = Float32Array.from({ length: size }, (_, i) => Math.sin(i + 7 * at));
    return rename(name).map((as) => ({ name: as, dtype: "F32" as const, shape: [...shape], data }));
  }).flat();
  const weights: BlobPart[] = [];
  for await (const chunk of serializeSafetensors(tensors)) weights.push(Uint8Array.from(chunk));
  const config = JSON.stringify({ model_type: "bert", architectures: ["BertForPreTraining"], ...fields });
  const files = new Map([
    ["config.json", new Blob([config])],
    ["model.safetensors", new Blob(weights)],
  ]);
  return {
    name: "folder",
    open: async (path) => (files.has(path) ? blobSource(files.get(path)!, path) : undefined),
  };
}

const load = async (files: Promise<Folder>, head?: Head) =>
  loadModelFolder(await files, [bertArchitecture], { runtime, ...(head && { head }) });
const batch = packSequences([
  [1, 5, 2],
  [1, 7, 8, 9, 2],
]);
const hidden = async (model: Bert, pack = batch): Promise<number[]> => Array.from(await model.encode(pack).read());
const bare = (name: string): string => name.replace(/^bert\./, "");
const legacy = (name: string): string =>
  name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");

const twice = (name: string): string[] =>
  name === "cls.predictions.bias" ? [name, "cls.predictions.decoder.bias"] : [name];
const moved = (name: string): string[] => (name === "cls.predictions.bias" ? ["cls.predictions.decoder.bias"] : [name]);
const positions = (name: string): string[] =>
  name === "bert.embeddings.LayerNorm.bias" ? [name, "bert.embeddings.position_ids"] : [name];

it("loads either prefix, gamma and beta, and a decoder bias under either name or both", async () => {
  const { model } = await load(folder((name) => [name]));
  const wanted = await hidden(model);
  for (const rename of [(name: string) => [bare(name)], (name: string) => [legacy(name)], twice, moved]) {
    const loaded = await load(folder(rename));
    expect([loaded.unused, await hidden(loaded.model)]).toEqual([[], wanted]);
  }
});

it("lists what nothing is computed from, and names what a head lacks", async () => {
  const { model, unused } = await load(folder(positions), "none");
  expect(model.head).toBe("none");
  expect(unused).toEqual(expect.arrayContaining(["bert.embeddings.position_ids", "bert.pooler.dense.weight"]));
  const withoutPooler = folder((name) => (name.includes("pooler") ? [] : [name]));
  await expect(load(withoutPooler, "next-sentence")).rejects.toThrow(
    /expected bert\.pooler\.dense\.weight, bert\.pooler\.dense\.bias in .* for head "next-sentence"/,
  );
  await expect(
    load(
      folder((name) => [name]),
      "sequence-classification",
    ),
  ).rejects.toThrow("classifier.weight");
});

it("a text without types is of type 0; lengths and types have limits that are named", async () => {
  const { model } = await load(folder((name) => [name]));
  expect(await hidden(model, { ...batch, typeIds: new Int32Array(8) })).toEqual(await hidden(model));
  const types = Int32Array.of(0, 0, 0, 0, 0, 1, 1, 1);
  expect(await hidden(model, { ...batch, typeIds: types })).not.toEqual(await hidden(model));
  expect(() => model.encode({ ...batch, typeIds: types.map((type) => 2 * type) })).toThrow("token types below 2");
  expect(() => model.encode(packSequences([new Int32Array(7)]))).toThrow("at most 6 tokens");
});

it.each([
  [{ position_embedding_type: "relative_key" }, "position_embedding_type"],
  [{ is_decoder: true }, "is_decoder"],
  [{ tie_word_embeddings: false }, "tie_word_embeddings"],
  [{ pruned_heads: { 0: [1] } }, "pruned_heads"],
  [{ hidden_size: 10, num_attention_heads: 4 }, "multiple of num_attention_heads"],
])("refuses %j by name", (other, message) => {
  expect(() => createConfig(other)).toThrow(message);
});

it("config.json comes back as it was read", () => {
  const config = createConfig({ ...fields, classifier_dropout: 0.3, id2label: { 0: "a", 1: "b", 2: "c" } });
  expect(bertArchitecture.kind.parseConfig(bertArchitecture.kind.configToJSON(config))).toEqual(config);
});
