/** Properties of the packed forward pass and of a training step, on every engine. */
import { bfloat16Precision, float16Precision, valueAndGradients } from "@modernbert-ts/tensor-core";
import { describe, expect, it } from "vitest";
import {
  BatchError,
  CheckpointError,
  ConfigError,
  createConfig,
  initialiseParameters,
  ModernBert,
} from "../src/index.ts";
import { maskedLmLogits, maskedLmLoss, packSequences, pool } from "../src/index.ts";
import type { DropoutDraw } from "@modernbert-ts/encoder";
import type { PackedBatch } from "../src/index.ts";
import { relativeError } from "./support/compare.ts";
import { engines, onEveryEngine } from "./support/engines.ts";
import { smallConfig, smallModel, someIds } from "./support/small-model.ts";

async function hiddenOf(model: ModernBert, batch: PackedBatch, dropout?: DropoutDraw): Promise<Float32Array> {
  const hidden = model.runtime.scope(() => model.encode(batch, dropout ? { dropout } : {}));
  const values = Float32Array.from(await hidden.read());
  hidden.dispose();
  return values;
}

/** The gradients of a masked-LM step, by name; undefined where there is none. */
async function step(model: ModernBert, batch: PackedBatch, labels: Int32Array, dropout?: DropoutDraw) {
  const { value, gradients } = valueAndGradients(
    model.runtime,
    [...model.parameters.values()],
    () => maskedLmLoss(model, model.encode(batch, dropout ? { dropout } : {}), labels),
    ({ loss }) => loss,
  );
  const byName = new Map<string, Float32Array>();
  for (const [at, name] of [...model.parameters.keys()].entries()) {
    if (gradients[at]) byName.set(name, Float32Array.from(await gradients[at].read()));
    gradients[at]?.dispose();
  }
  const result = {
    loss: await value.loss.item(),
    correct: await value.correct.item(),
    count: value.count,
    gradients: byName,
  };
  for (const tensor of [value.loss, value.lossSum, value.correct]) tensor.dispose();
  return result;
}

const width = smallConfig.hiddenSize;

onEveryEngine(({ create, dtype }) => {
  it("gives a sequence the same bits whatever its neighbours say", async () => {
    const model = smallModel(await create(), "none", smallConfig, dtype);
    const lengths = [1, 4, 5, 9, 30];
    const sequences = lengths.map((length, at) => someIds(length, at + 1));
    const together = await hiddenOf(model, packSequences(sequences));
    let start = 0;
    for (const [at, length] of lengths.entries()) {
      const others = sequences.map((sequence, n) => (n === at ? sequence : someIds(sequence.length, n + 77)));
      const among = await hiddenOf(model, packSequences(others));
      const end = start + length * width;
      expect(among.subarray(start, end)).toEqual(together.subarray(start, end));
      expect(relativeError(among, together)).toBeGreaterThan(0.1);
      start = end;
    }
  });

  // Rounding may depend on the number of rows in a matrix product, and wide weights would magnify it: hence the narrower ones.
  it("gives a sequence the same output alone, among others and in any order", async () => {
    const model = smallModel(await create(), "none", { ...smallConfig, initializerRange: 0.1 }, dtype);
    const sequences = [1, 4, 5, 9, 30].map((length, at) => someIds(length, at + 1));
    const together = await hiddenOf(model, packSequences(sequences));
    const reversed = await hiddenOf(model, packSequences(sequences.toReversed()));
    let [start, fromEnd] = [0, together.length];
    for (const sequence of sequences) {
      const size = sequence.length * width;
      fromEnd -= size;
      const alone = await hiddenOf(model, packSequences([sequence]));
      expect(relativeError(together.subarray(start, start + size), alone)).toBeLessThan(1e-6);
      expect(relativeError(reversed.subarray(fromEnd, fromEnd + size), alone)).toBeLessThan(1e-6);
      start += size;
    }
  });

  it("lets a local layer see exactly ± the window, a global one everything", async () => {
    const window = 64;
    for (const kind of ["sliding_attention", "full_attention"]) {
      const config = createConfig({
        vocab_size: 50,
        hidden_size: 16,
        intermediate_size: 12,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        layer_types: [kind],
        local_attention: 2 * window,
        pad_token_id: null,
      });
      const model = smallModel(await create(), "none", config, dtype);
      const ids = someIds(200);
      const changed = ids.with(100, (ids[100]! % 49) + 1);
      const [before, after] = [
        await hiddenOf(model, packSequences([ids])),
        await hiddenOf(model, packSequences([changed])),
      ];
      const seen = ids.flatMap((_, token) => {
        const at = token * config.hiddenSize;
        const same = before.subarray(at, at + config.hiddenSize).every((value, column) => value === after[at + column]);
        return same ? [] : [token];
      });
      const [first, last] = kind === "full_attention" ? [0, 199] : [100 - window, 100 + window];
      expect([seen[0], seen.at(-1), seen.length]).toEqual([first, last, last - first + 1]);
    }
  });

  it("returns every layer's state, whose end is what encode returns", async () => {
    const model = smallModel(await create(), "none", smallConfig, dtype);
    const batch = packSequences([someIds(7), someIds(3)]);
    const { states, last } = model.runtime.scope(() => model.hiddenStates(batch));
    expect(states).toHaveLength(smallConfig.layers.length + 1);
    expect(Float32Array.from(await last.read())).toEqual(await hiddenOf(model, batch));
    for (const tensor of [...states, last]) tensor.dispose();
    model.dispose();
    expect(model.runtime.backend.memory().liveBuffers).toBe(0);
  });

  it("leaves no buffer behind after a forward pass or a training step", async () => {
    const model = smallModel(await create(), "masked-lm", smallConfig, dtype);
    const batch = packSequences([someIds(20), someIds(5)]);
    const labels = Int32Array.from(batch.ids, (id, at) => (at % 3 === 0 ? id : -100));
    for (const _ of ["first", "second"]) {
      await hiddenOf(model, batch);
      await step(model, batch, labels);
    }
    const { liveBuffers, allocations } = model.runtime.backend.memory();
    expect(liveBuffers).toBe(model.parameters.size + 4);
    await hiddenOf(model, batch);
    await step(model, batch, labels);
    expect(model.runtime.backend.memory().liveBuffers).toBe(liveBuffers);
    expect(model.runtime.backend.memory().allocations).toBe(allocations);
    expect(() => model.runtime.scope(() => maskedLmLoss(model, model.encode(batch), labels.subarray(1)))).toThrow(
      BatchError,
    );
    expect(model.runtime.backend.memory().liveBuffers).toBe(liveBuffers);
    model.dispose();
    expect(model.runtime.backend.memory().liveBuffers).toBe(0);
  });

  it("scores only labels from 0 on, divides by numItems, and gives 0 where nothing is scored", async () => {
    const model = smallModel(await create(), "masked-lm", smallConfig, dtype);
    const batch = packSequences([someIds(6)]);
    const logits = model.runtime.scope(() => maskedLmLogits(model, model.encode(batch), Int32Array.of(2, 4)));
    const rows = Array.from(await logits.read());
    const [labels, at] = [Int32Array.of(-100, -1, 7, -100, 31, -100), [7, 31]];
    const losses = at.map((label, row) => {
      const values = rows.slice(row * 50, row * 50 + 50);
      return Math.log(values.reduce((sum, value) => sum + Math.exp(value), 0)) - values[label]!;
    });
    const { loss, count, correct } = await step(model, batch, labels);
    expect(count).toBe(2);
    expect(loss).toBeCloseTo((losses[0]! + losses[1]!) / 2, 4);
    expect(correct).toBe(
      at.filter((label, row) => rows[row * 50 + label] === Math.max(...rows.slice(row * 50, row * 50 + 50))).length,
    );
    const scaled = model.runtime.scope(() => maskedLmLoss(model, model.encode(batch), labels, { numItems: 10 }).loss);
    expect(await scaled.item()).toBeCloseTo((losses[0]! + losses[1]!) / 10, 4);

    const nothing = await step(model, batch, new Int32Array(6).fill(-100));
    expect([nothing.loss, nothing.count, nothing.correct]).toEqual([0, 0, 0]);
    for (const [name, gradient] of nothing.gradients)
      expect(
        gradient.every((value) => value === 0),
        name,
      ).toBe(true);
  });

  it("does not score the ignore index of sparse prediction", async () => {
    const config = { ...smallConfig, sparsePrediction: true, sparsePredictionIgnoreIndex: 7 };
    const model = smallModel(await create(), "masked-lm", config, dtype);
    const batch = packSequences([someIds(3)]);
    expect((await step(model, batch, Int32Array.of(7, 8, -100))).count).toBe(1);
  });

  it("gives the embedding of [PAD] no gradient from being looked up", async () => {
    const config = { ...smallConfig, tieWordEmbeddings: false };
    const model = smallModel(await create(), "masked-lm", config, dtype);
    const batch = packSequences([[5, 0, 6]]);
    const { gradients } = await step(model, batch, Int32Array.of(5, 9, 6));
    const embedding = gradients.get("model.embeddings.tok_embeddings.weight")!;
    expect(
      [0, 5, 6].map((id) => embedding.subarray(id * width, (id + 1) * width).some((value) => value !== 0)),
    ).toEqual([false, true, true]);
  });

  it("drops only when asked to, the same for the same draw", async () => {
    const config = createConfig({
      vocab_size: 50,
      hidden_size: 16,
      intermediate_size: 12,
      num_hidden_layers: 2,
      num_attention_heads: 2,
      pad_token_id: 0,
      attn_out_dropout_prob: 0.2,
      embedding_dropout: 0.1,
      mlp_dropout: 0.1,
    });
    const model = smallModel(await create(), "none", config, dtype);
    const batch = packSequences([someIds(12)]);
    const [plain, again] = [await hiddenOf(model, batch), await hiddenOf(model, batch)];
    const [first, same] = [
      await hiddenOf(model, batch, { seed: 1, step: 4 }),
      await hiddenOf(model, batch, { seed: 1, step: 4 }),
    ];
    const other = await hiddenOf(model, batch, { seed: 1, step: 5 });
    expect(again).toEqual(plain);
    expect(same).toEqual(first);
    expect(relativeError(first, plain)).toBeGreaterThan(0.01);
    expect(relativeError(other, first)).toBeGreaterThan(0.01);
    const silent = smallModel(
      await create(),
      "none",
      { ...config, dropout: { ...config.dropout, attentionOutput: 0, embedding: 0, mlp: 0 } },
      dtype,
    );
    expect(await hiddenOf(silent, batch, { seed: 1, step: 4 })).toEqual(plain);
  });
});

describe("precision", () => {
  const { create } = engines[0]!;
  const batch = packSequences([someIds(12), someIds(3)]);
  const labels = Int32Array.from(batch.ids, (id, at) => (at % 3 === 0 ? id : -100));

  it.each([
    ["bf16", bfloat16Precision, 0.1],
    ["bf16 with its residual stream", { ...bfloat16Precision, residual: "bf16" }, 0.15],
    ["f16", float16Precision, 0.01],
  ] as const)("%s computes near f32 and gives f32 gradients", async (_, precision, tolerance) => {
    const runtime = await create();
    const exact = smallModel(runtime, "masked-lm");
    const model = new ModernBert({ ...exact, head: exact.head, precision });
    const [wanted, got] = [await hiddenOf(exact, batch), await hiddenOf(model, batch)];
    expect(relativeError(got, wanted)).toBeLessThan(tolerance);
    expect(relativeError(got, wanted)).toBeGreaterThan(1e-5);
    const { gradients } = await step(model, batch, labels);
    const reference = await step(exact, batch, labels);
    expect(gradients.size).toBe(model.parameters.size);
    for (const [name, gradient] of gradients) {
      expect(relativeError(gradient, reference.gradients.get(name)!), name).toBeLessThan(4 * tolerance);
    }
  });

  it("must be given for parameters that are neither f32 nor f64", async () => {
    const runtime = await create();
    const parameters = initialiseParameters(runtime, smallConfig, "none", { seed: 1, dtype: "bf16" });
    const options = { runtime, config: smallConfig, head: "none", parameters } as const;
    expect(() => new ModernBert(options)).toThrow(CheckpointError);
    const model = new ModernBert({ ...options, precision: { params: "bf16", compute: "bf16", reduce: "f32" } });
    expect((await hiddenOf(model, batch)).every(Number.isFinite)).toBe(true);
  });
});

describe("refusals", () => {
  const { create } = engines[0]!;

  it("of training with dropped attention probabilities", async () => {
    const model = smallModel(await create(), "none", {
      ...smallConfig,
      dropout: { ...smallConfig.dropout, attention: 0.1 },
    });
    const batch = packSequences([[1, 2]]);
    expect(() => model.encode(batch, { dropout: { seed: 1, step: 1 } })).toThrow(ConfigError);
    expect(() => model.runtime.scope(() => model.encode(batch).shape)).not.toThrow();
  });

  it("of parameters that do not fit the config, by name", async () => {
    const runtime = await create();
    const parameters = initialiseParameters(runtime, smallConfig, "none", { seed: 1 });
    const options = { runtime, config: smallConfig, head: "masked-lm", parameters } as const;
    expect(() => new ModernBert(options)).toThrow(CheckpointError);
    expect(() => new ModernBert(options)).toThrow("head.dense.weight of shape [16, 16], got none");
    const wider = { ...smallConfig, intermediateSize: 14 };
    expect(() => new ModernBert({ ...options, head: "none", config: wider })).toThrow(
      "mlp.Wi.weight of shape [28, 16], got [24, 16]",
    );
    parameters.set("extra", parameters.get("model.final_norm.weight")!);
    expect(() => new ModernBert({ ...options, head: "none" })).toThrow("extra");
  });

  it("of ids and labels outside the vocabulary, before anything is queued", async () => {
    const model = smallModel(await create(), "masked-lm");
    const { allocations } = model.runtime.backend.memory();
    expect(() => model.encode(packSequences([[1, 50]]))).toThrow(BatchError);
    expect(model.runtime.backend.memory().allocations).toBe(allocations);
    const hidden = model.encode(packSequences([[1, 2]]));
    expect(() => maskedLmLoss(model, hidden, Int32Array.of(1, 50))).toThrow("expected labels below 50, got 50 at 1");
    expect(() => maskedLmLogits(model, hidden, Int32Array.of(2))).toThrow(BatchError);
    expect(() => pool(hidden, model.upload(packSequences([[1, 2, 3]])), "mean")).toThrow(BatchError);
  });

  it("of a head that the model does not have", async () => {
    const model = smallModel(await create(), "none");
    const hidden = model.encode(packSequences([[1, 2]]));
    expect(() => maskedLmLogits(model, hidden)).toThrow(
      'expected a model with head.dense.weight, got one with head "none"',
    );
  });
});
