/** Weights in bytes of models with a few channels × 50, smoothed and not: vectors and masked tokens beside f32's. */
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { smoothedInt8 } from "@modernbert-ts/encoder";
import { Runtime } from "@modernbert-ts/tensor-core";
import type { Backend, Tensor } from "@modernbert-ts/tensor-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  createConfig,
  initialiseParameters,
  maskedLmLogits,
  ModernBert,
  packSequences,
  withWeights,
} from "../src/index.ts";
import type { ModernBertConfig } from "../src/index.ts";

const config = createConfig({
  vocab_size: 512,
  hidden_size: 128,
  intermediate_size: 192,
  num_hidden_layers: 6,
  num_attention_heads: 4,
  max_position_embeddings: 256,
  initializer_range: 0.1,
});

let backend: Backend;
let runtime: Runtime;
beforeAll(async () => {
  backend = await createCpuBackend();
  runtime = new Runtime(backend);
});
afterAll(() => backend[Symbol.asyncDispose]());

/** Ids of 4 × 96 tokens, the same for the same seed. */
function batch(seed: number): ReturnType<typeof packSequences> {
  let state = seed;
  const id = (): number => (state = (state * 48_271) % 2_147_483_647) % 512;
  return packSequences(Array.from({ length: 4 }, () => Array.from({ length: 96 }, id)));
}

type Change = (name: string, values: Float32Array) => void;

async function modelWith(change: Change, shape: ModernBertConfig = config): Promise<ModernBert> {
  const parameters = initialiseParameters(runtime, shape, "masked-lm", { seed: 3 });
  for (const [name, tensor] of parameters) {
    const values = (await tensor.read()) as Float32Array;
    change(name, values);
    runtime.write(tensor, values);
  }
  return new ModernBert({ runtime, config: shape, head: "masked-lm", parameters });
}

const channels = [5, 40, 99];
const timesIn = (factor: number, values: Float32Array, of: readonly number[]): void => {
  for (const channel of of) values[channel]! *= factor;
};

/** Where real checkpoints have such channels: in norms, in what reads and writes the residual stream, and in the middle of the feed-forward layer. */
const outliers: Readonly<Record<string, Change>> = {
  none: () => {},
  "weights of norms × 50, their columns ÷ 50": (name, values) => {
    if (name.endsWith("_norm.weight") && name.includes("layers")) timesIn(50, values, channels);
    if (/(Wqkv|Wi)\.weight$/.test(name) && !name.includes("layers.0.attn"))
      values.forEach((value, at) => channels.includes(at % 128) && (values[at] = value / 50));
  },
  "weights of norms × 50": (name, values) => {
    if (name.endsWith("_norm.weight") && name.includes("layers")) timesIn(50, values, channels);
  },
  "rows of the gate × 50": (name, values) => {
    if (!name.endsWith("Wi.weight")) return;
    for (const channel of channels) for (let at = 0; at < 128; at++) values[(192 + channel) * 128 + at]! *= 50;
  },
  "columns of the embedding × 50": (name, values) => {
    if (name.includes("tok_embeddings"))
      values.forEach((value, at) => channels.includes(at % 128) && (values[at] = value * 50));
  },
};

const rows = Int32Array.from({ length: 96 }, (_, at) => 4 * at);

async function outputs(model: ModernBert): Promise<{ hidden: Float32Array; logits: Float32Array }> {
  const made = runtime.scope((): Tensor[] => {
    const hidden = model.encode(batch(7));
    return [hidden, maskedLmLogits(model, hidden, rows)];
  });
  const [hidden, logits] = await Promise.all(made.map((tensor) => tensor.read() as Promise<Float32Array>));
  return { hidden: hidden!, logits: logits! };
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, at) => sum + value * b[at]!, 0);
}

function cosine(a: Float32Array, b: Float32Array): number {
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** The token with the largest of the logits of a row. */
function topToken(values: Float32Array, row: number): number {
  const logits = values.subarray(row * 512, (row + 1) * 512);
  return logits.indexOf(Math.max(...logits));
}

/** The share of rows that have the same. */
function agreement(a: Float32Array, b: Float32Array): number {
  return rows.filter((_, row) => topToken(a, row) === topToken(b, row)).length / rows.length;
}

/** By case: the least cosine of hidden states and agreement of masked tokens of weights in bytes, plain and smoothed. */
const least: Readonly<
  Record<string, readonly [plain: readonly [number, number], smoothed: readonly [number, number]]>
> = {
  none: [
    [0.9997, 0.94],
    [0.9997, 0.95],
  ],
  "weights of norms × 50, their columns ÷ 50": [
    [0.985, 0.8],
    [0.9995, 0.94],
  ],
  "weights of norms × 50": [
    [0.98, 0.7],
    [0.993, 0.82],
  ],
  "rows of the gate × 50": [
    [0.998, 0.93],
    [0.999, 0.92],
  ],
  "columns of the embedding × 50": [
    [0.9995, 0.9],
    [0.9997, 0.95],
  ],
};

test.each(Object.entries(outliers))("%s", async (name, change) => {
  const exact = await outputs(await modelWith(change));
  const plain = await outputs(await withWeights(await modelWith(change), "int8"));
  const smoothed = await outputs((await smoothedInt8(await modelWith(change), [batch(1)])) as ModernBert);
  for (const [at, { hidden, logits }] of [plain, smoothed].entries()) {
    const [near, same] = least[name]![at]!;
    expect(cosine(hidden, exact.hidden)).toBeGreaterThan(near);
    expect(agreement(logits, exact.logits)).toBeGreaterThan(same);
  }
  // What it is for: without, the difference is several times as large.
  if (name.includes("÷"))
    expect(1 - cosine(plain.hidden, exact.hidden)).toBeGreaterThan(20 * (1 - cosine(smoothed.hidden, exact.hidden)));
});

const withBiases: Change = (name, values) => {
  outliers["weights of norms × 50, their columns ÷ 50"]!(name, values);
  const factor = (at: number): number => (name.includes("_norm") && channels.includes(at) ? 50 : 1);
  if (name.endsWith(".bias")) values.forEach((_, at) => (values[at] = 0.3 * Math.sin(at) * factor(at)));
};

test("biases of norms and layers are scaled with their channels", async () => {
  const biased = { ...config, normBias: true, attentionBias: true, mlpBias: true };
  const exact = await outputs(await modelWith(withBiases, biased));
  const smoothed = await outputs((await smoothedInt8(await modelWith(withBiases, biased), [batch(1)])) as ModernBert);
  expect(cosine(smoothed.hidden, exact.hidden)).toBeGreaterThan(0.9997);
});

test("a model without such channels is refused by name", async () => {
  const model = await modelWith(outliers["none"]!);
  Object.defineProperty(model, "kind", { value: { ...model.kind, seams: undefined } });
  await expect(smoothedInt8(model, [batch(1)])).rejects.toThrow(
    "[smooth] expected a model whose norms feed linear layers alone, got modernbert: quantize it without",
  );
});
