/** Addresses and picked files as model sources. */
import { expect, test } from "vitest";
import type { ModelSource } from "../src/source/source.ts";
import { modelUrl } from "../src/source/model-url.ts";
import { modelSource } from "../src/source/picked-files.ts";

test.each([
  ["https://example.org/model", "https://example.org/model"],
  ["  https://example.org/model/ ", "https://example.org/model"],
  ["https://example.org/model/config.json", "https://example.org/model"],
  ["models/small", "http://localhost/app/models/small"],
  [
    "https://huggingface.co/answerdotai/ModernBERT-base",
    "https://huggingface.co/answerdotai/ModernBERT-base/resolve/main",
  ],
  ["https://huggingface.co/a/b/resolve/v2", "https://huggingface.co/a/b/resolve/v2"],
])("%s", (text, url) => {
  expect(modelUrl(text, "http://localhost/app/")).toBe(url);
});

test("an address that is none says so", () => {
  expect(() => modelUrl("https://", "http://localhost/")).toThrow(/expected the address of a model folder.*https:\/\//);
});

const files = (...paths: string[]) => new Map(paths.map((path) => [path, new File([], path)]));

test("the model is where config.json is, also below the folder that was picked", () => {
  const source = modelSource(files("x/notes.txt", "x/model/config.json", "x/model/1_Pooling/config.json"));
  expect(source).toMatchObject({ kind: "files", name: "x/model" });
  expect([...(source as Extract<ModelSource, { kind: "files" }>).files.keys()]).toEqual([
    "config.json",
    "1_Pooling/config.json",
  ]);
});

test("files without a folder, and files without a model", () => {
  expect(modelSource(files("config.json", "model.safetensors"))).toMatchObject({ name: "the files" });
  expect(() => modelSource(files("a/readme.md", "a/1_Pooling/config.json"))).toThrow(/got no config\.json: choose/);
});
