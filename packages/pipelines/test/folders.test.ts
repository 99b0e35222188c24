/** Folders that cannot be used: each gives one line that says what is wrong and what to do. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diskFolder } from "@modernbert-ts/safetensors/node";
import { afterAll, expect, test } from "vitest";
import { readTokenizer } from "../src/folder/tokenizer.ts";
import { embed, openPipeline } from "../src/index.ts";
import { saveTinyModel } from "./support/tiny-model.ts";

const root = mkdtempSync(join(tmpdir(), "modernbert-folders-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const good = join(root, "good");
await saveTinyModel(good);

let count = 0;
function spoiled(spoil: (folder: string) => void): string {
  const folder = join(root, String(count++));
  cpSync(good, folder, { recursive: true });
  spoil(folder);
  return folder;
}

function config(folder: string, fields: Record<string, unknown>): void {
  const path = join(folder, "config.json");
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, "utf8")) as object), ...fields }));
}

function writeTokenizer(folder: string, content: string): void {
  writeFileSync(join(folder, "tokenizer.json"), content);
}

function writePooling(folder: string, content: string): void {
  mkdirSync(join(folder, "1_Pooling"));
  writeFileSync(join(folder, "1_Pooling", "config.json"), content);
}

const remove =
  (name: string) =>
  (folder: string): void =>
    rmSync(join(folder, name));

const cases: [string, (folder: string) => void, RegExp][] = [
  ["no config.json", remove("config.json"), /config\.json.*no such file.*give a Hugging Face model folder/],
  [
    "config.json that is no JSON",
    (folder) => writeFileSync(join(folder, "config.json"), "{"),
    /expected JSON in .*config\.json/,
  ],
  [
    "another model type",
    (folder) => config(folder, { model_type: "roberta" }),
    /model_type.*"modernbert".*got "roberta"/,
  ],
  [
    "heads that do not divide the width",
    (folder) => config(folder, { num_attention_heads: 5 }),
    /hidden_size.*num_attention_heads, got 32 and 5/,
  ],
  ["a negative width", (folder) => config(folder, { hidden_size: -32 }), /hidden_size.*got -32/],
  [
    "layers beyond reason",
    (folder) => config(folder, { num_hidden_layers: 1e9 }),
    /num_hidden_layers.*1024.*got 1000000000/,
  ],
  [
    "a width that the weights do not have",
    (folder) => config(folder, { hidden_size: 64 }),
    /expected the shapes of config\.json/,
  ],
  [
    "no weights",
    remove("model.safetensors"),
    /expected model\.safetensors or model\.safetensors\.index\.json in this folder/,
  ],
  [
    "weights cut short",
    (folder) => truncateSync(join(folder, "model.safetensors"), 20_000),
    /model\.safetensors: .*the file is truncated; download or save it again/,
  ],
  [
    "weights that are something else",
    (folder) => writeFileSync(join(folder, "model.safetensors"), "<html>not found</html>"),
    /model\.safetensors: /,
  ],
  [
    "a tokenizer.json that is no JSON",
    (folder) => writeTokenizer(folder, "{"),
    /^\[Tokenizer\.fromJSON\] \/.*tokenizer\.json: /,
  ],
  [
    "a pooling config that is no JSON",
    (folder) => writePooling(folder, "{"),
    /expected a JSON object in .*1_Pooling\/config\.json, got text that is not JSON/,
  ],
  [
    "a pooling config that is no object",
    (folder) => writePooling(folder, "null"),
    /expected a JSON object in .*1_Pooling\/config\.json, got null/,
  ],
  [
    "a tokenizer.json of another family",
    (folder) => writeTokenizer(folder, JSON.stringify({ model: { type: "Unigram" } })),
    /tokenizer\.json: .*Unigram/,
  ],
  [
    "no tokenizer for another vocabulary",
    remove("tokenizer.json"),
    /no tokenizer\.json in .*50368 tokens where the model has 300/,
  ],
];
test.each(cases)("%s", async (_, spoil, message) => {
  const folder = spoiled(spoil);
  const error: unknown = await openPipeline(folder, { backend: "cpu", cpuEngine: "typescript" }).then(
    () => "no error",
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Error);
  const text = (error as Error).message;
  expect(text).toMatch(message);
  expect(text).toMatch(/^\[/);
  expect(text).not.toContain("\n");
});

test("a tokenizer with more tokens than the model: only a text that uses one fails", async () => {
  const folder = spoiled((copy) => {
    const path = join(copy, "tokenizer.json");
    const json = JSON.parse(readFileSync(path, "utf8")) as { added_tokens: object[] };
    const [special] = json.added_tokens;
    const added = Array.from({ length: 30 }, (_, at) => ({ ...special, id: 281 + at, content: `<x${at}>` }));
    writeFileSync(path, JSON.stringify({ ...json, added_tokens: [...json.added_tokens, ...added] }));
  });
  await using pipeline = await openPipeline(folder, { backend: "cpu", cpuEngine: "typescript" });
  expect(await embed(pipeline, ["the cat"])).toHaveLength(1);
  await expect(embed(pipeline, ["fine", "the <x29>"])).rejects.toThrow(
    /^\[embed\] expected token ids below 300 .*got 310 for "<x29>" in text 1/,
  );
});

test("without tokenizer.json a model of ModernBERT's vocabulary takes the built-in one, and says so", async () => {
  const notices: string[] = [];
  const tokenizer = await readTokenizer(
    diskFolder(spoiled(remove("tokenizer.json"))),
    { vocabSize: 50_368 },
    (notice) => notices.push(notice),
  );
  expect(tokenizer.vocabSize).toBe(50_368);
  expect(notices).toEqual([expect.stringMatching(/no tokenizer\.json in .*: using the built-in ModernBERT tokenizer/)]);
});
