/** What a benchmark repeats: embedding a batch of texts, or one masked-LM training step on it. */
import { packSequences, pool } from "@modernbert-ts/encoder";
import type { Encoder, PackedBatch } from "@modernbert-ts/encoder";
import { cast } from "@modernbert-ts/tensor-core";
import {
  createMlmMasker,
  maskedLmObjective,
  readStepMetrics,
  StableAdamW,
  trainingStep,
} from "@modernbert-ts/training";

/** The same ids in every run; `count` sequences that take the lengths in turn. */
export function randomBatch({ info }: Encoder, count: number, lengths: readonly number[]): PackedBatch {
  let state = 1;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * info.vocabSize);
  };
  return packSequences(
    Array.from({ length: count }, (_, at) => Int32Array.from({ length: lengths[at % lengths.length]! }, next)),
  );
}

/** Last hidden states, averaged over each text and read back: from ids to embeddings. */
export function inference(model: Encoder, batch: PackedBatch): () => Promise<void> {
  return async () => {
    const vectors = model.runtime.scope(() => {
      const device = model.upload(batch);
      return cast(pool(model.forward(device), device, "mean"), "f32");
    });
    await vectors.read();
    vectors.dispose();
  };
}

/** Forward, backward and StableAdamW update at 30 % masking, as `modernbert-train` does it. */
export function training(model: Encoder, batch: PackedBatch): () => Promise<void> {
  const { vocabSize } = model.info;
  const { cuSeqlens } = batch;
  const sequences = Array.from({ length: cuSeqlens.length - 1 }, (_, document) => ({
    length: cuSeqlens[document + 1]! - cuSeqlens[document]!,
    document,
    chunk: 0,
    epoch: 0,
  }));
  const mask = createMlmMasker({ seed: 1, maskId: Math.min(50_284, vocabSize - 1), vocabSize, specialIds: [] });
  const row = mask({ ...batch, sequences }, 0.3);
  const step = {
    rows: [row],
    sequences: sequences.length,
    tokens: batch.ids.length,
    weight: row.maskedPositions.length,
    packingEfficiency: 1,
  };
  const learningRate = 1e-4;
  const trainable = maskedLmObjective.model(model, { seed: 1 });
  const optimizer = new StableAdamW(trainable, { maxLearningRate: learningRate });
  let count = 0;
  return async () => {
    await readStepMetrics(trainingStep(trainable, optimizer, step, { step: ++count, learningRate }));
  };
}
