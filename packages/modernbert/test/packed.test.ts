/** Folders in half bytes: how compressed-tensors' "pack-quantized" has them, and what is refused. What they give is in quantized.test.ts. */
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import type { TensorEntry } from "@modernbert-ts/safetensors";
import { Runtime } from "@modernbert-ts/tensor-core";
import { expect, it } from "vitest";
import { loadModel } from "../src/node.ts";
import { configOf, narrow, oddConfig, plain, rewrite, saveBoth, weightsOf } from "./support/quantized-folders.ts";

const runtime = new Runtime(createTypeScriptBackend({ poison: true }));
const config = { ...oddConfig, intermediateSize: 147 };
const matrix = "model.layers.1.mlp.Wo.weight";

it("has eight columns in their order to a word, a scale for each 128, the shape beside them", async () => {
  await saveBoth(runtime, "masked-lm", config, "int4");
  const [before, after] = [weightsOf(plain()), weightsOf(narrow())];
  const [rows, columns] = [18, 147];
  expect(after.tensors.has(matrix)).toBe(false);
  expect(after.get(`${matrix}_shape`)).toMatchObject({ dtype: "I64", data: BigInt64Array.of(18n, 147n) });
  expect(after.tensors.get(`${matrix}_scale`)).toMatchObject({ dtype: "F32", shape: [rows, 2] });
  expect(after.tensors.get(`${matrix}_packed`)).toMatchObject({ dtype: "I32", shape: [rows, 19] });
  const words = after.toInt32(`${matrix}_packed`);
  const scales = after.toFloat32(`${matrix}_scale`);
  before.toFloat32(matrix).forEach((value, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    const unit = ((words[row * 19 + (column >> 3)]! >>> (4 * (column & 7))) & 15) - 8;
    const scale = scales[row * 2 + (column >> 7)]!;
    expect(Math.abs(value / scale - unit)).toBeLessThanOrEqual(0.5 + 1e-5);
  });
  expect(configOf(narrow())["quantization_config"]).toMatchObject({
    format: "pack-quantized",
    config_groups: { group_0: { weights: { num_bits: 4, strategy: "group", group_size: 128, symmetric: true } } },
  });
});

it.each<[string, string, (entries: Map<string, TensorEntry>) => void]>([
  ["no words", `got none`, (entries) => entries.delete(`${matrix}_packed`)],
  [
    "no scales",
    `expected ${matrix}_scale beside ${matrix}_packed, got none`,
    (entries) => entries.delete(`${matrix}_scale`),
  ],
  [
    "another shape",
    `${matrix} [18, 147] (got [18, 146])`,
    (entries) =>
      entries.set(`${matrix}_shape`, {
        name: `${matrix}_shape`,
        dtype: "I64",
        shape: [2],
        data: BigInt64Array.of(18n, 146n),
      }),
  ],
  [
    "a shape that is none",
    `expected ${matrix}_shape of two I64, got I32 [2]`,
    (entries) =>
      entries.set(`${matrix}_shape`, {
        name: `${matrix}_shape`,
        dtype: "I32",
        shape: [2],
        data: Int32Array.of(18, 147),
      }),
  ],
  [
    "too few words",
    `expected ${matrix}_packed of shape [18, 19], got [18, 18]`,
    (entries) =>
      entries.set(`${matrix}_packed`, {
        name: `${matrix}_packed`,
        dtype: "I32",
        shape: [18, 18],
        data: new Int32Array(18 * 18),
      }),
  ],
])("with %s is refused by name", async (_, message, change) => {
  await saveBoth(runtime, "masked-lm", config, "int4");
  await rewrite(change);
  await expect(loadModel(narrow(), { runtime })).rejects.toThrow(message);
});
