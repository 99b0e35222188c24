/** Folders made by `quantizeFolder`: whole folders, which give what weights that are narrowed while loading give. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { diskFolder, openSafetensors, writeSafetensors } from "@modernbert-ts/safetensors/node";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  classify,
  embed,
  openModel,
  openPipeline,
  quantizationOf,
  quantizeFolder,
  storedFormats,
} from "../src/index.ts";
import type { ModelOptions } from "../src/index.ts";

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

let folder: string;
let output: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "modernbert-quantize-"));
  output = join(folder, "out");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A model of vectors with a pooling of its own and a dense layer behind it. */
async function withModules(): Promise<string> {
  const path = join(folder, "modules");
  cpSync(fixture("sentence_transformers/base"), path, { recursive: true });
  const modules = ["", "1_Pooling", "2_Dense"].map((name, at) => ({
    idx: at,
    name: String(at),
    path: name,
    type: `sentence_transformers.models.${["Transformer", "Pooling", "Dense"][at]}`,
  }));
  const write = (name: string, json: unknown): void => writeFileSync(join(path, name), JSON.stringify(json));
  write("modules.json", modules);
  for (const name of ["1_Pooling", "2_Dense"]) mkdirSync(join(path, name));
  await using open = await openModel(path, { backend: "cpu" });
  const { hiddenSize } = open.model.info;
  write("1_Pooling/config.json", {
    word_embedding_dimension: hiddenSize,
    pooling_mode_cls_token: true,
    pooling_mode_mean_tokens: false,
  });
  const activation = "torch.nn.modules.activation.Tanh";
  write("2_Dense/config.json", {
    in_features: hiddenSize,
    out_features: 3,
    bias: false,
    activation_function: activation,
  });
  const data = Float32Array.from({ length: 3 * hiddenSize }, (_, at) => Math.sin(at));
  const entry = { name: "linear.weight", dtype: "F32", shape: [3, hiddenSize], data } as const;
  await writeSafetensors(join(path, "2_Dense", "model.safetensors"), [entry]);
  return path;
}

async function vectorOf(path: string, options: ModelOptions = {}): Promise<Float32Array[]> {
  await using pipeline = await openPipeline(path, { backend: "cpu", ...options });
  return await embed(pipeline, ["the cat sat on the mat", "a red dog"]);
}

async function answer(path: string, options: ModelOptions): Promise<unknown> {
  await using pipeline = await openPipeline(path, { backend: "cpu", ...options });
  return await classify(pipeline, ["the cat sat on the mat"]);
}

test.each(["int8", "int4", "bf16"] as const)(
  "%s: a folder of vectors with modules gives the bits of such weights",
  async (format) => {
    const source = await withModules();
    await quantizeFolder(source, output, { format });
    expect(await quantizationOf(diskFolder(output))).toBe(format.startsWith("int") ? format : undefined);
    const vectors = await vectorOf(output, format === "bf16" ? { weights: format } : {});
    expect(vectors.map(({ length }) => length)).toEqual([3, 3]);
    expect(vectors).toEqual(await vectorOf(source, { weights: format }));
  },
);

test.each(["int8", "int4"] as const)(
  "a classifier in %s gives the bits of such weights, of another model type too",
  async (format) => {
    for (const source of [fixture("labels/nli"), fixture("bert/nli")]) {
      rmSync(output, { recursive: true, force: true });
      await quantizeFolder(source, output, { format });
      expect(await answer(output, {})).toEqual(await answer(source, { weights: format }));
    }
  },
);

test("smoothed: other bytes, near the same vectors; of one architecture and one format", async () => {
  const source = await withModules();
  await quantizeFolder(source, output, { format: "int8", smooth: true });
  const [smoothed, plain, exact] = await Promise.all([
    vectorOf(output),
    vectorOf(source, { weights: "int8" }),
    vectorOf(source),
  ]);
  expect(smoothed).not.toEqual(plain);
  for (const [at, vector] of smoothed.entries())
    for (const [index, value] of vector.entries()) expect(value).toBeCloseTo(exact[at]![index]!, 1);
  const other = join(folder, "other");
  await expect(quantizeFolder(fixture("bert/nli"), other, { format: "int8", smooth: true })).rejects.toThrow(
    "expected a model whose norms feed linear layers alone, got bert",
  );
  await expect(quantizeFolder(source, other, { format: "bf16", smooth: true })).rejects.toThrow(
    "expected int8 to be smoothed, got bf16",
  );
  expect(existsSync(other)).toBe(false);
});

test.each(storedFormats)("%s: matrices are stored so", async (format) => {
  await quantizeFolder(fixture("labels/nli"), output, { format });
  await using file = await openSafetensors(output);
  const dtypes = new Set(file.names().map((name) => file.info(name).dtype));
  const wanted = {
    int8: ["I8", "BF16", "F32"],
    int4: ["I32", "I64", "BF16", "F32"],
    bf16: ["BF16", "F32"],
    f16: ["F16", "F32"],
  };
  expect(dtypes).toEqual(new Set(wanted[format]));
});

test("what is there, and what is in bytes already, is left alone", async () => {
  const source = fixture("labels/nli");
  mkdirSync(output);
  await expect(quantizeFolder(source, output, { format: "int8" })).rejects.toThrow(
    /expected a new folder, got .*out, which exists/,
  );
  const first = join(folder, "first");
  await quantizeFolder(source, first, { format: "int8" });
  rmSync(output, { recursive: true });
  await expect(quantizeFolder(first, output, { format: "bf16" })).rejects.toThrow(
    /expected weights int8 for .*first, whose linear layers/,
  );
  expect(existsSync(output)).toBe(false);
  await expect(openPipeline(first, { backend: "cpu", weights: "f32" })).rejects.toThrow(/expected weights int8/);
});
