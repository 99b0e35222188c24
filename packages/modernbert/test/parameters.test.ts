/** Parameter names and counts without allocating; initial values. */
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { Runtime } from "@modernbert-ts/tensor-core";
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  ConfigError,
  countParameters,
  createConfig,
  initialiseParameters,
  parameterShapes,
  presets,
} from "../src/index.ts";
import { fixtureFolder, readFixture } from "./support/fixture.ts";

/** torch's truncation of N(0, s) at ±2s has the standard deviation 0.8796 s. */
const spread = (values: Float32Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length) / 0.8796;

describe("parameterShapes", () => {
  it("counts what the paper counts", () => {
    expect(countParameters(presets.base, "masked-lm")).toBe(149_655_232);
    expect(countParameters(presets.large, "masked-lm")).toBe(395_881_664);
    expect(countParameters(presets.base, "none")).toBe(149_014_272);
    expect(countParameters(presets.large, "none")).toBe(394_781_696);
  });

  it("names 137 tensors of base: tied decoder absent, no attention norm in layer 0", () => {
    const shapes = parameterShapes(presets.base, "masked-lm");
    expect(shapes.size).toBe(137);
    expect(shapes.has("decoder.weight")).toBe(false);
    expect(shapes.has("model.layers.0.attn_norm.weight")).toBe(false);
    expect(shapes.get("model.layers.1.mlp.Wi.weight")).toEqual([2304, 768]);
  });

  it.each(readdirSync(fixtureFolder(".")))("has the names and shapes of transformers for %s", (name) => {
    const fixture = readFixture(name);
    const wanted = fixture.names.filter((tensor) => tensor.startsWith("param.")).map((tensor) => tensor.slice(6));
    const shapes = parameterShapes(fixture.config, fixture.head);
    expect([...shapes.keys()].toSorted()).toEqual(wanted.toSorted());
    for (const [parameter, shape] of shapes) expect(shape).toEqual(fixture.shape(`param.${parameter}`));
  });

  it("refuses question answering with other than two labels", () => {
    expect(() => parameterShapes(createConfig({ num_labels: 3 }), "question-answering")).toThrow(ConfigError);
  });
});

describe("initialiseParameters", () => {
  const config = createConfig({
    vocab_size: 512,
    hidden_size: 64,
    intermediate_size: 96,
    num_hidden_layers: 4,
    num_attention_heads: 4,
  });

  async function draw(
    head: "none" | "masked-lm" | "token-classification",
    seed: number,
    style: "huggingface" | "flexbert",
  ) {
    const runtime = new Runtime(createTypeScriptBackend({ poison: true }));
    const values = new Map<string, Float32Array>();
    for (const [name, tensor] of initialiseParameters(runtime, config, head, { seed, style })) {
      values.set(name, (await tensor.read()) as Float32Array);
      tensor.dispose();
    }
    expect(runtime.backend.memory().liveBuffers).toBe(0);
    return values;
  }

  it("draws each kind of weight with its standard deviation, cut at two of them", async () => {
    const values = await draw("masked-lm", 1, "huggingface");
    const out = 0.02 / Math.sqrt(8);
    for (const [name, std] of [
      ["model.embeddings.tok_embeddings.weight", 0.02],
      ["model.layers.2.attn.Wqkv.weight", 0.02],
      ["model.layers.2.mlp.Wi.weight", 0.02],
      ["model.layers.2.attn.Wo.weight", out],
      ["model.layers.2.mlp.Wo.weight", out],
      ["head.dense.weight", out],
    ] as const) {
      const drawn = values.get(name)!;
      expect(spread(drawn) / std, name).toBeCloseTo(1, 1);
      expect(Math.max(...drawn.map(Math.abs)) / std, name).toBeLessThanOrEqual(2.000001);
      expect(Math.abs(drawn.reduce((sum, value) => sum + value, 0) / drawn.length) / std, name).toBeLessThan(0.05);
    }
    expect(values.get("model.final_norm.weight")).toEqual(new Float32Array(64).fill(1));
    expect(values.get("decoder.bias")).toEqual(new Float32Array(512));
  });

  it("differs between the styles in the masked-LM head only", async () => {
    const [ours, theirs] = [await draw("masked-lm", 1, "huggingface"), await draw("masked-lm", 1, "flexbert")];
    const differing = [...ours.keys()].filter(
      (name) => !Buffer.from(ours.get(name)!.buffer).equals(Buffer.from(theirs.get(name)!.buffer)),
    );
    expect(differing).toEqual(["head.dense.weight", "decoder.bias"]);
    expect(spread(theirs.get("head.dense.weight")!) / 0.02).toBeCloseTo(1, 1);
    const bias = theirs.get("decoder.bias")!;
    expect(Math.max(...bias.map(Math.abs))).toBeGreaterThan(0.12);
    expect(Math.max(...bias.map(Math.abs))).toBeLessThanOrEqual(0.125);
  });

  it("gives each parameter its own values, whatever else the model has, and others with another seed", async () => {
    const [bare, headed, other] = [
      await draw("none", 5, "huggingface"),
      await draw("token-classification", 5, "huggingface"),
      await draw("none", 6, "huggingface"),
    ];
    for (const [name, values] of bare) expect(headed.get(name), name).toEqual(values);
    const name = "model.layers.0.attn.Wqkv.weight";
    expect(other.get(name)).not.toEqual(bare.get(name));
    expect(bare.get("model.layers.1.attn.Wqkv.weight")).not.toEqual(bare.get(name));
    expect(spread(headed.get("classifier.weight")!) / 0.125).toBeCloseTo(1, 0);
  });
});
