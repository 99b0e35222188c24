/** Hugging Face folders in and out: round trips, other heads, and everything that can be wrong with a folder. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { readSafetensors } from "@modernbert-ts/safetensors";
import type { TensorEntry } from "@modernbert-ts/safetensors";
import { WriteError, writeSafetensors } from "@modernbert-ts/safetensors/node";
import { bfloat16Precision, float64Precision, Runtime } from "@modernbert-ts/tensor-core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CheckpointError, ConfigError, configToJSON } from "../src/index.ts";
import type { Head, ModernBert } from "../src/index.ts";
import { loadModel, readConfig, saveModel } from "../src/node.ts";
import { fixtureModel, readFixture } from "./support/fixture.ts";
import { runFixture } from "./support/run-fixture.ts";
import { smallConfig, smallModel } from "./support/small-model.ts";

let folder: string;
let runtime: Runtime;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "modernbert-"));
  runtime = new Runtime(createTypeScriptBackend({ poison: true }));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const weights = (): string => join(folder, "model.safetensors");
const stored = (): ReturnType<typeof readSafetensors> => readSafetensors(readFileSync(weights()));

async function valuesOf({ parameters }: ModernBert): Promise<Map<string, number[]>> {
  const values = new Map<string, number[]>();
  for (const [name, tensor] of parameters) values.set(name, Array.from(await tensor.read()));
  return values;
}

/** Rewrites the stored tensors: rename, replace or add some. */
async function rewrite(change: (entries: Map<string, TensorEntry>) => void): Promise<void> {
  const file = stored();
  const entries = new Map([...file.tensors.keys()].map((name) => [name, { name, ...file.get(name) } as TensorEntry]));
  change(entries);
  await writeSafetensors(weights(), entries.values());
}

const floats = (name: string, shape: readonly number[]): TensorEntry => ({
  name,
  dtype: "F32",
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
});

async function rejection(load: Promise<unknown>): Promise<Error> {
  const error: unknown = await load.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Error);
  expect((error as Error).message).not.toContain("\n");
  return error as Error;
}

describe("saveModel and loadModel", () => {
  const heads: readonly Head[] = [
    "none",
    "masked-lm",
    "sequence-classification",
    "question-answering",
    "multiple-choice",
  ];

  it.each(heads)("keep every value of a model with head %s", async (head) => {
    const model = smallModel(runtime, head);
    await saveModel(folder, model, { files: [{ name: "tokenizer.json", content: "{}" }] });
    const { model: loaded, initialised, unused } = await loadModel(folder, { runtime });
    expect(await valuesOf(loaded)).toEqual(await valuesOf(model));
    expect([loaded.config, loaded.head]).toEqual([model.config, head]);
    expect([initialised, unused]).toEqual([[], []]);
    expect(readdirSync(folder).toSorted()).toEqual(["config.json", "model.safetensors", "tokenizer.json"]);
    model.dispose();
    loaded.dispose();
    expect(runtime.backend.memory().liveBuffers).toBe(0);
  });

  it("leave the tied decoder out, keep an untied one, and drop the prefix of the bare encoder as transformers does", async () => {
    await saveModel(folder, smallModel(runtime, "masked-lm"));
    expect(stored().tensors.has("decoder.weight")).toBe(false);
    await saveModel(folder, smallModel(runtime, "masked-lm", { ...smallConfig, tieWordEmbeddings: false }));
    expect(stored().tensors.has("decoder.weight")).toBe(true);
    await saveModel(folder, smallModel(runtime, "none"));
    expect(stored().tensors.has("layers.0.attn.Wqkv.weight")).toBe(true);
  });

  it("give the reference's outputs after a round trip", async () => {
    const fixture = readFixture("biases");
    const model = fixtureModel(fixture, runtime);
    await saveModel(folder, model);
    const { model: loaded } = await loadModel(folder, { runtime });
    expect(await runFixture(fixture, loaded)).toEqual(await runFixture(fixture, model));
  });

  it("convert parameters to the precision that is asked for, and store them as they are", async () => {
    await saveModel(folder, smallModel(runtime));
    const { model: wide } = await loadModel(folder, { runtime, precision: float64Precision });
    expect([...wide.parameters.values()].every(({ dtype }) => dtype === "f64")).toBe(true);
    const half = { ...bfloat16Precision, params: "bf16" } as const;
    const { model: narrow } = await loadModel(folder, { runtime, precision: half });
    await saveModel(folder, narrow);
    expect(stored().get("final_norm.weight").dtype).toBe("BF16");
    expect(JSON.parse(readFileSync(join(folder, "config.json"), "utf8"))).toMatchObject({ torch_dtype: "bfloat16" });
    const { model: again } = await loadModel(folder, { runtime, precision: half });
    expect(await valuesOf(again)).toEqual(await valuesOf(narrow));
  });
});

describe("loadModel with another head", () => {
  it("draws a classifier when told to, reports what it drew and what it left", async () => {
    await saveModel(folder, smallModel(runtime, "masked-lm"));
    const options = {
      runtime,
      head: "sequence-classification",
      configure: (config: typeof smallConfig) => ({ ...config, labels: ["ham", "spam", "eggs"] }),
    } as const;
    const error = await rejection(loadModel(folder, options));
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toContain("classifier.weight, classifier.bias");
    const { model, initialised, unused } = await loadModel(folder, { ...options, initialiseMissing: { seed: 1 } });
    expect(model.parameters.get("classifier.weight")!.shape).toEqual([3, 16]);
    expect(initialised).toEqual(["classifier.weight", "classifier.bias"]);
    expect(unused).toEqual(["decoder.bias"]);
  });

  it("reads the encoder of any checkpoint", async () => {
    const model = smallModel(runtime, "masked-lm");
    await saveModel(folder, model);
    const { model: encoder, unused } = await loadModel(folder, { runtime, head: "none" });
    expect(unused.toSorted()).toEqual(["decoder.bias", "head.dense.weight", "head.norm.weight"]);
    const values = await valuesOf(model);
    for (const [name, value] of await valuesOf(encoder)) expect(value).toEqual(values.get(name));
  });
});

describe("a folder with", () => {
  beforeEach(() => saveModel(folder, smallModel(runtime, "masked-lm")));
  const embedding = "model.embeddings.tok_embeddings.weight";

  it.each<[string, (entries: Map<string, TensorEntry>) => void, string]>([
    ["a missing tensor", (t) => t.delete("model.layers.1.mlp.Wi.weight"), "expected model.layers.1.mlp.Wi.weight in"],
    [
      "an unexpected tensor",
      (t) => t.set("x", floats("model.layers.0.attn.Wqkv.bias", [48])),
      "model.layers.0.attn.Wqkv.bias",
    ],
    ["an unexpected bias of the head", (t) => t.set("x", floats("head.dense.bias", [16])), "head.dense.bias"],
    [
      "a wrong shape",
      (t) => t.set("head.norm.weight", floats("head.norm.weight", [8])),
      "head.norm.weight [16] (got [8])",
    ],
    [
      "another decoder beside a tied embedding",
      (t) => t.set("x", floats("decoder.weight", [50, 16])),
      "tie_word_embeddings",
    ],
    [
      "integers",
      (t) => t.set(embedding, { name: embedding, dtype: "I32", shape: [50, 16], data: new Int32Array(800) }),
      "I32",
    ],
  ])("%s is refused by name", async (_, change, part) => {
    const { liveBuffers } = runtime.backend.memory();
    await rewrite(change);
    expect((await rejection(loadModel(folder, { runtime }))).message).toContain(part);
    expect(runtime.backend.memory().liveBuffers).toBe(liveBuffers);
  });

  it("a copy of the tied decoder, or old rotary tables, loads", async () => {
    await rewrite((entries) => {
      entries.set("decoder.weight", { ...entries.get(embedding)!, name: "decoder.weight" });
      entries.set("rotary", floats("model.layers.0.attn.rotary_emb.inv_freq", [4]));
    });
    const { unused } = await loadModel(folder, { runtime });
    expect(unused).toEqual(["model.layers.0.attn.rotary_emb.inv_freq"]);
  });

  it("only the tied matrix under its other name loads, for every head", async () => {
    const wanted = await valuesOf((await loadModel(folder, { runtime })).model);
    await rewrite((entries) => {
      entries.set(embedding, { ...entries.get(embedding)!, name: "decoder.weight" });
    });
    for (const head of ["masked-lm", "none"] as const) {
      const loaded = await loadModel(folder, { runtime, head });
      expect(Array.from(await loaded.model.parameter(embedding).read())).toEqual(wanted.get(embedding));
    }
  });

  it.each([
    "model.embeddings.position_ids",
    "scaled_fp8",
    "logit_scale",
    "pooler.dense.weight",
    "score.weight",
    "lm_head.weight",
    "model.layers.9.mlp.Wi.weight",
  ])("a tensor %s that nothing needs loads and is listed", async (name) => {
    await rewrite((entries) => {
      entries.set(name, floats(name, [3]));
    });
    expect((await loadModel(folder, { runtime })).unused).toEqual([name]);
  });

  it("a class of its own serves without a head, and with the one that is named", async () => {
    const json = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
    writeFileSync(join(folder, "config.json"), JSON.stringify({ ...json, architectures: ["MyOwnModernBert"] }));
    expect((await readConfig(folder)).head).toBeUndefined();
    for (const head of ["none", "masked-lm"] as const)
      expect((await loadModel(folder, { runtime, head })).model.head).toBe(head);
  });

  it("a truncated file is refused", async () => {
    writeFileSync(weights(), readFileSync(weights()).subarray(0, 2000));
    expect((await rejection(loadModel(folder, { runtime }))).message).toContain("truncated");
  });

  it.each<[string, string | undefined, new (...args: never[]) => Error, string]>([
    ["no config", undefined, CheckpointError, "config.json, got no such file"],
    ["a config that is no JSON", "{", CheckpointError, "expected JSON in"],
    ["the config of another model", '{"model_type": "bert"}', ConfigError, "model_type"],
    ["no architectures", JSON.stringify(configToJSON(smallConfig)), CheckpointError, "give a head"],
    [
      "an unknown class",
      '{"model_type": "modernbert", "architectures": ["Bert"]}',
      CheckpointError,
      'got "Bert": give a head',
    ],
  ])("%s is refused", async (_, config, kind, part) => {
    if (config === undefined) rmSync(join(folder, "config.json"));
    else writeFileSync(join(folder, "config.json"), config);
    const error = await rejection(loadModel(folder, { runtime }));
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toContain(part);
  });

  it("everything right is described without loading it", async () => {
    expect(await readConfig(folder)).toMatchObject({ config: smallConfig, head: "masked-lm" });
  });

  it("an earlier model keeps it whole when saving fails halfway", async () => {
    const before = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "hex")]);
    const model = smallModel(runtime, "none");
    model.parameters.get("model.final_norm.weight")!.dispose();
    await rejection(saveModel(folder, model));
    expect(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "hex")])).toEqual(before);
  });

  it("the weights are replaced last", async () => {
    const before = readFileSync(weights(), "hex");
    mkdirSync(join(folder, "z.json")); // sorts after model.safetensors, and no file can be renamed over a folder
    const saving = saveModel(folder, smallModel(runtime, "none"), { files: [{ name: "z.json", content: "{}" }] });
    const error = await rejection(saving);
    expect(error).toBeInstanceOf(WriteError);
    expect(error.message).toContain("save again");
    expect(readFileSync(weights(), "hex")).toBe(before);
    expect(readdirSync(folder).toSorted()).toEqual(["config.json", "model.safetensors", "z.json"]);
  });

  it("a file in its place is a WriteError", async () => {
    const error = await rejection(saveModel(join(folder, "config.json", "sub"), smallModel(runtime)));
    expect(error).toBeInstanceOf(WriteError);
    expect(error.message).toContain("it must be a folder, or a place for one");
  });

  it.each(["config.json", "model.safetensors", "../x", "a/b", ".hidden"])(
    "does not take a caller's file %s",
    async (name) => {
      await rejection(saveModel(folder, smallModel(runtime), { files: [{ name, content: "" }] }));
    },
  );
});

it("the main entry uses no Node API", () => {
  const source = new URL("../src/", import.meta.url);
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".ts") && !name.startsWith("node"),
  );
  expect(files.length).toBeGreaterThan(15);
  for (const name of files)
    expect(readFileSync(new URL(name, source), "utf8"), name).not.toMatch(/from "(node:|.*\/node)/);
});
