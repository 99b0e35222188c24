/** Folders with matrices in fewer bytes: the bits of narrowing while loading, in the words of compressed-tensors, and what else such a folder may say. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import type { TensorEntry } from "@modernbert-ts/safetensors";
import { writeSafetensors } from "@modernbert-ts/safetensors/node";
import { Runtime } from "@modernbert-ts/tensor-core";
import { describe, expect, it } from "vitest";
import { loadModel, readConfig, saveModel } from "../src/node.ts";
import { relativeError } from "./support/compare.ts";
import { engines } from "./support/engines.ts";
import {
  configOf,
  narrow,
  oddConfig,
  outputOf,
  plain,
  rewrite,
  saveBoth,
  weightsOf,
} from "./support/quantized-folders.ts";
import { smallConfig, smallModel } from "./support/small-model.ts";

const cases = [
  ["masked-lm", "int8", oddConfig],
  ["masked-lm", "int8", smallConfig],
  ["masked-lm", "int8", { ...smallConfig, tieWordEmbeddings: false }],
  ["sequence-classification", "int8", oddConfig],
  ["none", "int8", smallConfig],
  ["masked-lm", "int4", oddConfig],
  ["sequence-classification", "int4", smallConfig],
  ["none", "int4", { ...oddConfig, intermediateSize: 147 }],
] as const;

/** Of int4 the WebAssembly engine, which is made to fuse all here, has no kernel. */
describe.each(engines.filter(({ dtype }) => dtype === "f32"))("$name", ({ create, name }) => {
  it.each(cases.filter(([, weights]) => weights === "int8" || !name.startsWith("WebAssembly")))(
    "a quantised folder gives the bits of quantising while loading: %s, %s",
    async (head, weights, config) => {
      const runtime = await create();
      await saveBoth(runtime, head, config, weights);
      const wanted = await loadModel(plain(), { runtime, weights });
      for (const mapped of [true, false]) {
        const { model, unused } = await loadModel(narrow(), { runtime, mapped });
        expect([...model.quantized.keys()]).toEqual([...wanted.model.quantized.keys()]);
        expect(unused).toEqual([]);
        expect(await outputOf(model)).toEqual(await outputOf(wanted.model));
      }
    },
  );
});

describe("a folder in bytes", () => {
  const runtime = new Runtime(createTypeScriptBackend({ poison: true }));

  it("has whole matrices in I8, the scale of each channel beside them, the rest as it is held", async () => {
    await saveBoth(runtime);
    const [before, after] = [weightsOf(plain()), weightsOf(narrow())];
    for (const [name, { shape, dtype }] of before.tensors) {
      const { dtype: stored } = after.tensors.get(name)!;
      expect(after.tensors.get(name)!.shape).toEqual(shape);
      if (stored !== "I8") {
        const inBytes = shape.length === 2 && !name.includes("tok_embeddings");
        expect([inBytes, stored]).toEqual([false, shape.length === 2 ? "BF16" : dtype]);
        continue;
      }
      const [rows, columns] = shape as [number, number];
      expect(after.tensors.get(`${name}_scale`)).toMatchObject({ dtype: "F32", shape: [rows, 1] });
      const scales = after.toFloat32(`${name}_scale`);
      const bytes = after.toInt32(name);
      const off = before.toFloat32(name).map((value, at) => {
        const scale = scales[Math.floor(at / columns)]!;
        return Math.abs(value - scale * bytes[at]!) / scale;
      });
      expect(Math.max(...off)).toBeLessThanOrEqual(0.5 + 1e-5);
    }
    expect([...after.tensors.values()].filter(({ dtype }) => dtype === "I8")).toHaveLength(4 * 4 + 1);
  });

  it("says so in config.json in the words of compressed-tensors, and no longer when it is saved in floating point", async () => {
    await saveBoth(runtime);
    const bits = { num_bits: 8, type: "int", symmetric: true };
    expect(configOf(narrow())["quantization_config"]).toEqual({
      quant_method: "compressed-tensors",
      format: "int-quantized",
      quantization_status: "compressed",
      config_groups: {
        group_0: {
          targets: ["Linear"],
          weights: { ...bits, strategy: "channel", dynamic: false },
          input_activations: { ...bits, strategy: "token", dynamic: true },
        },
      },
      ignore: ["decoder"],
    });
    expect([await readConfig(narrow()), await readConfig(plain())]).toMatchObject([
      { quantized: "int8" },
      { quantized: undefined },
    ]);
    expect(configOf(plain())).not.toHaveProperty("quantization_config");
  });

  it("is opened in bytes or refused", async () => {
    await saveBoth(runtime);
    for (const weights of ["f32", "bf16"] as const)
      await expect(loadModel(narrow(), { runtime, weights })).rejects.toThrow(
        `expected weights int8 for ${narrow()}, whose linear layers are stored so, got ${weights}: take the model that it was made of`,
      );
    const drawn = loadModel(narrow(), { runtime, head: "token-classification", initialiseMissing: { seed: 1 } });
    await expect(drawn).rejects.toThrow(/expected weights f32 where classifier.* got int8/);
  });

  type Change = (config: Record<string, any>) => void;
  const group =
    (change: Change): Change =>
    (config) =>
      change(config["config_groups"].group_0 as Record<string, any>);
  it.each<[string, Change]>([
    ['quantization_config.quant_method to be "compressed-tensors"', (config) => (config["quant_method"] = "gptq")],
    [
      'quantization_config.format to be "int-quantized" or "pack-quantized"',
      (config) => (config["format"] = "float-quantized"),
    ],
    ["group_0.weights.num_bits to be 4", (config) => (config["format"] = "pack-quantized")],
    ["quantization_config.kv_cache_scheme to be left out", (config) => (config["kv_cache_scheme"] = { num_bits: 8 })],
    [
      "quantization_config.sparsity_config to be left out",
      (config) => (config["sparsity_config"] = { format: "dense" }),
    ],
    ["quantization_config.config_groups to be one group", (config) => (config["config_groups"].group_1 = {})],
    ["quantization_config.config_groups to be one group", (config) => (config["config_groups"] = {})],
    ['group_0.targets to be ["Linear"]', group((one) => (one["targets"] = ["Embedding"]))],
    ["group_0.weights.num_bits to be 8", group((one) => (one["weights"].num_bits = 4))],
    ["group_0.weights.symmetric to be true", group((one) => delete one["weights"].symmetric)],
    ["group_0.weights.group_size to be left out", group((one) => (one["weights"].group_size = 32))],
    ['group_0.weights.strategy to be "channel"', group((one) => (one["weights"].strategy = "tensor"))],
    ["group_0.input_activations to be an object", group((one) => (one["input_activations"] = null))],
    ["group_0.input_activations.dynamic to be true", group((one) => (one["input_activations"].dynamic = false))],
    ["group_0.output_activations to be left out", group((one) => (one["output_activations"] = { num_bits: 8 }))],
  ])("of another scheme is refused by name: expected %s", async (message, change) => {
    await saveBoth(runtime);
    const config = configOf(narrow());
    change(config["quantization_config"] as Record<string, unknown>);
    writeFileSync(join(narrow(), "config.json"), JSON.stringify(config));
    await expect(loadModel(narrow(), { runtime })).rejects.toThrow(message);
  });

  const matrix = "model.layers.1.mlp.Wo.weight";
  const embedding = "model.embeddings.tok_embeddings.weight";

  it.each<[string, string, (entries: Map<string, TensorEntry>) => void]>([
    ["no scales", `tensor "${matrix}_scale"`, (entries) => entries.delete(`${matrix}_scale`)],
    [
      "too few scales",
      `expected ${matrix}_scale of 18 finite numbers, got [17, 1]`,
      (entries) =>
        entries.set(`${matrix}_scale`, {
          name: `${matrix}_scale`,
          dtype: "F32",
          shape: [17, 1],
          data: new Float32Array(17),
        }),
    ],
    [
      "scales that are not finite",
      `expected ${matrix}_scale of 18 finite numbers`,
      (entries) =>
        entries.set(`${matrix}_scale`, { ...entries.get(`${matrix}_scale`)!, data: new Float32Array(18).fill(NaN) }),
    ],
    [
      "one matrix in floating point",
      `expected ${matrix} in I8, got F32`,
      (entries) => entries.set(matrix, { ...entries.get(matrix)!, dtype: "F32", data: new Float32Array(18 * 26) }),
    ],
    [
      "an embedding in bytes",
      `expected ${embedding} in floating point, got I8`,
      (entries) => entries.set(embedding, { ...entries.get(embedding)!, dtype: "I8", data: new Int8Array(50 * 18) }),
    ],
  ])("with %s is refused by name", async (_, message, change) => {
    await saveBoth(runtime);
    await rewrite(change);
    await expect(loadModel(narrow(), { runtime })).rejects.toThrow(message);
  });

  it("of others may have -128, scales in bf16 and remarks", async () => {
    await saveBoth(runtime);
    const config = configOf(narrow());
    const quantization = config["quantization_config"] as Record<string, any>;
    quantization["global_compression_ratio"] = 1.4;
    quantization["kv_cache_scheme"] = null;
    quantization["config_groups"].group_0.weights.observer = "minmax";
    quantization["config_groups"].group_0.weights.group_size = null;
    writeFileSync(join(narrow(), "config.json"), JSON.stringify(config));
    const floats = new Map<string, TensorEntry>();
    await rewrite((entries) => {
      for (const [name, entry] of entries) {
        if (!name.endsWith("_scale")) continue;
        const of = name.slice(0, -"_scale".length);
        const bytes = entries.get(of)!.data as Int8Array;
        const scales = Uint16Array.from(
          new Uint32Array((entry.data as Float32Array).slice().buffer),
          (bits) => bits >>> 16,
        );
        entries.set(name, { ...entry, dtype: "BF16", data: scales });
        entries.set(of, { ...entries.get(of)!, data: bytes.map((byte, at) => (at % 7 === 0 ? -128 : byte)) });
      }
    });
    const file = weightsOf(narrow());
    for (const name of weightsOf(plain()).tensors.keys()) {
      const { shape, dtype } = file.tensors.get(name)!;
      const scales = dtype === "I8" ? file.toFloat32(`${name}_scale`) : undefined;
      const data = scales
        ? Float32Array.from(file.toInt32(name), (byte, at) => byte * scales[Math.floor(at / shape[1]!)]!)
        : file.toFloat32(name);
      floats.set(name, { name, dtype: "F32", shape, data });
    }
    await writeSafetensors(join(plain(), "model.safetensors"), floats.values());
    const { model } = await loadModel(narrow(), { runtime });
    const exact = await loadModel(plain(), { runtime });
    expect(relativeError(await outputOf(model), await outputOf(exact.model))).toBeLessThan(0.05);
  });
});

describe("a folder in 16 bits", () => {
  const runtime = new Runtime(createTypeScriptBackend({ poison: true }));

  it("bf16: holds what weights bf16 hold, and gives their bits", async () => {
    await saveModel(plain(), smallModel(runtime, "masked-lm"));
    const wanted = await loadModel(plain(), { runtime, weights: "bf16" });
    await saveModel(narrow(), wanted.model);
    expect(configOf(narrow())["torch_dtype"]).toBe("bfloat16");
    const { model } = await loadModel(narrow(), { runtime, weights: "bf16" });
    expect(await outputOf(model)).toEqual(await outputOf(wanted.model));
  });

  it("f16: matrices alone are rounded", async () => {
    const model = smallModel(runtime, "masked-lm");
    await saveModel(narrow(), model, { matrices: "f16" });
    expect(configOf(narrow())["torch_dtype"]).toBe("float16");
    for (const { shape, dtype } of weightsOf(narrow()).tensors.values())
      expect(dtype).toBe(shape.length === 2 ? "F16" : "F32");
    const { model: again } = await loadModel(narrow(), { runtime });
    expect(relativeError(await outputOf(again), await outputOf(model))).toBeLessThan(2e-2);
  });
});
