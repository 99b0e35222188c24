/** Center tiling against the vector of the original code's test, and by parts for fused weights. */
import { describe, expect, it } from "vitest";
import { ConfigError, createConfig, parameterShapes, presets, tileParameters } from "../src/index.ts";
import { sourceLayer, tile } from "../src/tiling.ts";

describe("tile", () => {
  it("puts 3 × 3 in the middle of 5 × 5 and wraps around", () => {
    const tiled = tile(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9), [3, 3], [5, 5]);
    const rows = [
      [9, 7, 8, 9, 7],
      [3, 1, 2, 3, 1],
      [6, 4, 5, 6, 4],
      [9, 7, 8, 9, 7],
      [3, 1, 2, 3, 1],
    ];
    expect([...tiled]).toEqual(rows.flat());
  });

  it("moves 768 to 1024 by exactly two heads", () => {
    const tiled = tile(
      Float32Array.from({ length: 768 }, (_, at) => at),
      [768],
      [1024],
    );
    expect([tiled[0], tiled[127], tiled[128], tiled[895], tiled[896]]).toEqual([640, 767, 0, 767, 0]);
  });
});

it("spreads 22 layers over 28, halves to even", () => {
  expect(presets.large.layers.map((_, layer) => sourceLayer(layer, 22, 28))).toEqual([
    0, 1, 2, 2, 3, 4, 5, 6, 6, 7, 8, 9, 9, 10, 11, 12, 13, 13, 14, 15, 16, 16, 17, 18, 19, 20, 20, 21,
  ]);
  expect([0, 1, 2, 3, 4, 5, 6, 7].map((layer) => sourceLayer(layer, 2, 8))).toEqual([0, 0, 0, 1, 1, 1, 1, 1]);
});

const sizes = (hidden: number, intermediate: number, layers: number) =>
  createConfig({
    vocab_size: 11,
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_hidden_layers: layers,
    num_attention_heads: 2,
    pad_token_id: 0,
  });

describe("tileParameters", () => {
  const [from, to] = [sizes(8, 6, 4), sizes(12, 10, 6)];
  const parameters = new Map<string, Float32Array>();
  let next = 0;
  for (const [name, shape] of parameterShapes(from, "masked-lm")) {
    parameters.set(
      name,
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => next++),
    );
  }
  const tiled = tileParameters(parameters, from, to, "masked-lm");

  it("fills every parameter of the larger model", () => {
    for (const [name, shape] of parameterShapes(to, "masked-lm")) {
      expect(tiled.get(name)?.length, name).toBe(shape.reduce((a, b) => a * b, 1));
    }
    expect(tiled.size).toBe(parameterShapes(to, "masked-lm").size);
  });

  it("tiles q, k, v and both halves of the gated unit on their own", () => {
    const source = parameters.get("model.layers.1.attn.Wqkv.weight")!;
    const result = tiled.get("model.layers.1.attn.Wqkv.weight")!;
    for (const part of [0, 1, 2]) {
      const third = tile(source.subarray(part * 64, (part + 1) * 64), [8, 8], [12, 12]);
      expect(result.subarray(part * 144, (part + 1) * 144)).toEqual(third);
    }
    const gates = parameters.get("model.layers.0.mlp.Wi.weight")!;
    const second = tile(gates.subarray(48), [6, 8], [10, 12]);
    expect(tiled.get("model.layers.0.mlp.Wi.weight")!.subarray(120)).toEqual(second);
  });

  it("tiles the embedding by columns, copies the decoder's bias, and leaves the final norm at ones", () => {
    const embedding = parameters.get("model.embeddings.tok_embeddings.weight")!;
    const result = tiled.get("model.embeddings.tok_embeddings.weight")!;
    expect([...result.subarray(24, 36)]).toEqual([...tile(embedding.subarray(16, 24), [1, 8], [1, 12])]);
    expect(tiled.get("decoder.bias")).toEqual(parameters.get("decoder.bias"));
    expect(tiled.get("model.final_norm.weight")).toEqual(new Float32Array(12).fill(1));
  });

  it("gives a norm of ones to a layer that starts from layer 0", () => {
    const deep = tileParameters(parameters, from, sizes(8, 6, 16), "masked-lm");
    expect(deep.get("model.layers.1.attn_norm.weight")).toEqual(new Float32Array(8).fill(1));
    expect(deep.get("model.layers.4.attn_norm.weight")).toEqual(parameters.get("model.layers.1.attn_norm.weight"));
  });

  it("refuses to shrink", () => {
    expect(() => tileParameters(new Map(), to, from, "masked-lm")).toThrow(ConfigError);
  });
});
