/** What a folder says of its texts and vectors: followed, or refused by name. */
import { expect, test } from "vitest";
import type { EncoderInfo } from "@modernbert-ts/encoder";
import type { Folder } from "@modernbert-ts/safetensors";
import { requirePooling } from "../src/folder/embedding.ts";
import { promptText } from "../src/folder/prompts.ts";
import { readSettings } from "../src/folder/settings.ts";
import type { TextSettings } from "../src/folder/settings.ts";

type Files = Readonly<Record<string, unknown>>;

const info = { maxLength: 128, vocabSize: 300, hiddenSize: 32 } as EncoderInfo;

function read(files: Files): Promise<TextSettings> {
  const folder: Folder = {
    name: "folder",
    open: async (path) => {
      if (!(path in files)) return undefined;
      const bytes = new TextEncoder().encode(JSON.stringify(files[path]));
      return {
        name: path,
        size: bytes.length,
        readInto: async (at, target) => target.set(bytes.subarray(at, at + target.length)),
      };
    },
  };
  return readSettings(folder, info);
}

const modules = (...list: readonly (readonly [type: string, path: string])[]): object[] =>
  list.map(([type, path], idx) => ({ idx, name: String(idx), path, type: `sentence_transformers.models.${type}` }));

function withDense(fields: object): Files {
  return {
    "modules.json": modules(["Transformer", ""], ["Pooling", "p"], ["Dense", "d"]),
    "p/config.json": { pooling_mode: "mean" },
    "d/config.json": { in_features: 32, out_features: 4, ...fields },
  };
}

test("several modes, by flags in the order of sentence-transformers and by a list in its own", async () => {
  const flags = { pooling_mode_lasttoken: true, pooling_mode_max_tokens: true, pooling_mode_cls_token: true };
  const { embedding } = await read({ "1_Pooling/config.json": flags });
  expect(requirePooling(embedding)).toEqual(["cls", "max", "lasttoken"]);
  const listed = await read({ "1_Pooling/config.json": { pooling_mode: ["mean", "cls"] } });
  expect(requirePooling(listed.embedding)).toEqual(["mean", "cls"]);
  expect(listed.embedding.width).toBe(64);
});

test.each<[string, Files, "cls" | "mean"]>([
  ["nothing is mean", {}, "mean"],
  ["flags", { "1_Pooling/config.json": { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false } }, "cls"],
  ["no flag is mean", { "1_Pooling/config.json": { word_embedding_dimension: 32 } }, "mean"],
  [
    "a mode",
    { "1_Pooling/config.json": { embedding_dimension: 32, pooling_mode: "cls", include_prompt: true } },
    "cls",
  ],
  ["a list of one mode", { "1_Pooling/config.json": { pooling_mode: ["cls"] } }, "cls"],
  [
    "at the path that modules.json names",
    {
      "modules.json": modules(["Transformer", ""], ["Pooling", "a/pool"]),
      "a/pool/config.json": { pooling_mode: "cls" },
      "1_Pooling/config.json": { pooling_mode: "mean" },
    },
    "cls",
  ],
])("pooling: %s", async (_, files, pooling) => {
  const { embedding } = await read(files);
  expect(requirePooling(embedding)).toBe(pooling);
});

test.each<[string, Files, RegExp]>([
  ["a mode", { "1_Pooling/config.json": { pooling_mode: "median" } }, /got median, which is not computed/],
  ["a flag", { "1_Pooling/config.json": { pooling_mode_median: true } }, /got pooling_mode_median/],
  [
    "a setting",
    { "1_Pooling/config.json": { pooling_mode: "cls", layers: 3 } },
    /got layers of 1_Pooling\/config\.json/,
  ],
  [
    "another kind of model",
    { "config_sentence_transformers.json": { model_type: "MultiVectorEncoder" } },
    /got model_type "MultiVectorEncoder" of config_sentence_transformers\.json/,
  ],
  ["no pooling at all", { "modules.json": modules(["Transformer", ""]) }, /got none/],
  [
    "modules without settings",
    { "modules.json": modules(["Transformer", ""], ["Pooling", "p"], ["Dense", "2_Dense"], ["LayerNorm", "3"]) },
    /got Dense without 2_Dense\/config\.json, LayerNorm without 3\/config\.json/,
  ],
  [
    "an activation of one's own",
    withDense({ activation_function: "mine.Sine" }),
    /got activation_function mine\.Sine of d/,
  ],
  ["a setting of Dense", withDense({ rank: 4 }), /got rank of d\/config\.json/],
  ["scores of a reranker", withDense({ module_output_name: "scores" }), /got module_output_name "scores" of d\//],
  ["token vectors", withDense({ module_input_name: "token_embeddings" }), /got module_input_name "token_embeddings"/],
  ["another width", withDense({ in_features: 33 }), /got vectors of 33 numbers in d\/config\.json behind one of 32/],
  [
    "another order",
    { "modules.json": modules(["Transformer", ""], ["Normalize", "n"], ["Pooling", "p"]) },
    /got Normalize \(n\), Pooling \(p\)/,
  ],
  [
    "a module of one's own",
    { "modules.json": modules(["Transformer", ""], ["Pooling", "p"], ["Mine", "m"]) },
    /got Mine/,
  ],
])("refused by name: %s", async (_, files, message) => {
  const { embedding } = await read(files);
  expect(() => requirePooling(embedding)).toThrow(message);
});

test("pooling settings that modules.json names and that are not there are missed by name", async () => {
  const { embedding } = await read({ "modules.json": modules(["Transformer", ""], ["Pooling", "pool"]) });
  expect(() => requirePooling(embedding)).toThrow(/expected pool\/config\.json in folder, which modules\.json names/);
  expect(requirePooling(embedding, "cls")).toBe("cls");
});

test("Normalize, truncate_dim and include_prompt are read", async () => {
  const settings = await read({
    "modules.json": modules(["Transformer", ""], ["Pooling", "1_Pooling"], ["Normalize", "2_Normalize"]),
    "1_Pooling/config.json": { pooling_mode: "mean", include_prompt: false },
    "config_sentence_transformers.json": { truncate_dim: 8 },
  });
  expect(settings.embedding).toMatchObject({ normalize: true, dimensions: 8 });
  expect(() => promptText(settings, { prompt: "q: " })).toThrow(
    /expected no prompt.*include_prompt is false.*embed without/,
  );
  expect(promptText(settings)).toBe("");
});

test.each<[Files, number]>([
  [{}, 128],
  [{ "sentence_bert_config.json": { max_seq_length: 4 } }, 4],
  [{ "tokenizer_config.json": { model_max_length: 10 } }, 10],
  [{ "tokenizer_config.json": { model_max_length: 1e30 } }, 128],
  [{ "sentence_bert_config.json": { max_seq_length: null }, "tokenizer_config.json": { model_max_length: 10 } }, 10],
])("the longest text: %j is %i", async (files, length) => {
  expect((await read(files)).maxLength).toBe(length);
});

test("prompts by name and by default; unknown names are refused", async () => {
  const settings = await read({
    "config_sentence_transformers.json": { prompts: { query: "q: ", document: "d: " }, default_prompt_name: "query" },
  });
  expect(promptText(settings)).toBe("q: ");
  expect(promptText(settings, { promptName: "document" })).toBe("d: ");
  expect(promptText(settings, { prompt: "" })).toBe("");
  expect(() => promptText(settings, { promptName: "other" })).toThrow(/\(query, document\), got "other"/);
});

test.each<[Files, RegExp]>([
  [{ "modules.json": [{ type: "x.Pooling", path: "../up" }] }, /path in this folder.*"\.\.\/up"/],
  [{ "modules.json": {} }, /expected a JSON array of objects in folder\/modules\.json/],
  [{ "sentence_bert_config.json": { do_lower_case: "yes" } }, /expected do_lower_case in .* got "yes"/],
  [{ "config_sentence_transformers.json": { default_prompt_name: "q" } }, /to be none, got "q"/],
])("malformed: %j", async (files, message) => {
  await expect(read(files)).rejects.toThrow(message);
});
