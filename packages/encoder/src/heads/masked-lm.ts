/** Masked language modelling: the head's features, then the decoder (or the tied embedding) on the positions that are asked for only. */
import { cast, gather, linear, linearCrossEntropy } from "@modernbert-ts/tensor-core";
import type { Runtime, Tensor } from "@modernbert-ts/tensor-core";
import type { JsonFields, JsonObject } from "../config/json-fields.ts";
import type { Encoder } from "../encoder.ts";
import { BatchError } from "../errors.ts";
import { readOnce } from "../read-once.ts";
import type { HeadConfig, MaskedLmConfig } from "../config/head-config.ts";
import type { ForwardInputs, HeadDefinition } from "./definition.ts";
import { tokenLabels } from "./input-labels.ts";
import { checkLabels } from "./labels.ts";
import { reduceLoss } from "./loss.ts";
import type { Loss, LossOptions } from "./loss.ts";

export interface MaskedLmLoss extends Loss {
  /** [1], how many scored positions have the label as their largest logit. Carries no gradient. */
  readonly correct: Tensor;
}

/** The scored positions of a pack and their labels, on the device. */
export interface ScoredTokens {
  /** Indices into the pack, i32 [M]. */
  readonly positions: Tensor;
  /** i32 [M] */
  readonly labels: Tensor;
}

/** hidden [T, d] → logits [M, V] at `positions` (indices into the pack), or at all T. Large: M · V values. */
export function maskedLmLogits(model: Encoder, hidden: Tensor, positions?: Int32Array | Tensor): Tensor {
  const { runtime, precision, names } = model;
  return runtime.scope(() => {
    const rows = positions ? gather(hidden, positionsTensor(hidden, positions)) : hidden;
    const features = cast(model.headFeatures(rows), precision.compute);
    const bias = model.optional(names.decoderBias);
    return cast(linear(features, model.matrix(decoderOf(model)), bias), precision.reduce);
  });
}

/**
 * Cross-entropy over the scored positions of the pack; logits are never held as a whole.
 * @param labels the original ids [T], below 0 where nothing is to be predicted; or what `uploadScored` made of them.
 * @throws BatchError on labels that do not fit.
 */
export function maskedLmLoss(
  model: Encoder,
  hidden: Tensor,
  labels: Int32Array | ScoredTokens,
  options: LossOptions = {},
): MaskedLmLoss {
  const { runtime, precision, names } = model;
  return runtime.scope(() => {
    const scored = labels instanceof Int32Array ? scoreLabels(model, hidden, labels) : labels;
    const features = cast(model.headFeatures(gather(hidden, scored.positions)), precision.compute);
    const weight = cast(model.matrix(decoderOf(model)), precision.compute);
    const bias = model.optional(names.decoderBias);
    const { lossSum, correct } = linearCrossEntropy(features, weight, bias, scored.labels);
    return { ...reduceLoss(lossSum, scored.positions.size, options), correct };
  });
}

/** @param positions indices into the pack of T tokens [M]; `labels` the ids that belong there [M]. @throws BatchError */
export function uploadScored(
  { runtime, info }: Encoder,
  tokens: number,
  positions: Int32Array,
  labels: Int32Array,
): ScoredTokens {
  checkPositions(positions, tokens);
  checkLabels("maskedLm", labels, positions.length, info.vocabSize);
  return { positions: uploadIds(runtime, positions), labels: uploadIds(runtime, labels) };
}

/** Puts as many positions and labels in the place of others, in order with queued work. @throws BatchError */
export function overwriteScored(
  { runtime, info }: Encoder,
  scored: ScoredTokens,
  tokens: number,
  positions: Int32Array,
  labels: Int32Array,
): void {
  const { size } = scored.positions;
  if (positions.length !== size) {
    throw new BatchError("overwriteScored", `expected ${size} scored tokens, got ${positions.length}`);
  }
  checkPositions(positions, tokens);
  checkLabels("maskedLm", labels, size, info.vocabSize);
  runtime.write(scored.positions, positions);
  runtime.write(scored.labels, labels);
}

/** Where a label counts: not below 0 and, with `sparsePrediction`, not the ignore index. Increasing. */
export function scoredPositions(config: MaskedLmConfig, labels: Int32Array): Int32Array {
  const ignored = config.sparsePrediction ? config.sparsePredictionIgnoreIndex : -1;
  const positions: number[] = [];
  labels.forEach((label, at) => {
    if (label >= 0 && label !== ignored) positions.push(at);
  });
  return Int32Array.from(positions);
}

function scoreLabels(model: Encoder, hidden: Tensor, labels: Int32Array): ScoredTokens {
  checkLabels("maskedLmLoss", labels, hidden.shape[0]!, model.info.vocabSize);
  const positions = scoredPositions(model.config, labels);
  return uploadScored(
    model,
    labels.length,
    positions,
    positions.map((at) => labels[at]!),
  );
}

/** The name of the decoder's weight. */
function decoderOf({ config, names }: Encoder): string {
  return config.tieWordEmbeddings ? names.embedding : names.decoder;
}

/** Positions are checked here because devices report bad ones late. */
function positionsTensor(hidden: Tensor, positions: Int32Array | Tensor): Tensor {
  if (!(positions instanceof Int32Array)) return positions;
  checkPositions(positions, hidden.shape[0]!);
  return uploadIds(hidden.runtime, positions);
}

function checkPositions(positions: Int32Array, tokens: number): void {
  const bad = positions.find((at) => !(at >= 0 && at < tokens));
  if (bad !== undefined) throw new BatchError("maskedLm", `expected positions from 0 to below ${tokens}, got ${bad}`);
}

function uploadIds(runtime: Runtime, ids: Int32Array): Tensor {
  return runtime.tensor(ids, [ids.length], "i32");
}

export function parseMaskedLm(fields: JsonFields): MaskedLmConfig {
  return {
    tieWordEmbeddings: fields.boolean("tie_word_embeddings", true),
    decoderBias: fields.boolean("decoder_bias", true),
    sparsePrediction: fields.boolean("sparse_prediction", false),
    sparsePredictionIgnoreIndex: fields.integer("sparse_pred_ignore_index", -100, -(2 ** 31)),
  };
}

export function maskedLmToJSON(config: MaskedLmConfig): JsonObject {
  return {
    tie_word_embeddings: config.tieWordEmbeddings,
    decoder_bias: config.decoderBias,
    sparse_prediction: config.sparsePrediction,
    sparse_pred_ignore_index: config.sparsePredictionIgnoreIndex,
  };
}

/** Logits that the device holds at a time: 64 MiB of f32. */
const logitsAtOnce = 2 ** 24;

/** All logits [B, S, V]. */
export async function paddedLogits(model: Encoder, hidden: Tensor, { unpadded }: ForwardInputs): Promise<Float32Array> {
  const { vocabSize } = model.info;
  const [rows, columns] = unpadded.shape;
  const padded = new Float32Array(rows * columns * vocabSize);
  const step = Math.max(1, Math.floor(logitsAtOnce / vocabSize));
  for (let from = 0; from < unpadded.indices.length; from += step) {
    const indices = unpadded.indices.subarray(from, from + step);
    const positions = indices.map((_, at) => from + at);
    const values = await readOnce(model.runtime, () => maskedLmLogits(model, hidden, positions));
    indices.forEach((index, at) =>
      padded.set(values.subarray(at * vocabSize, (at + 1) * vocabSize), index * vocabSize),
    );
  }
  return padded;
}

export const maskedLmHead: HeadDefinition = {
  classSuffix: "ForMaskedLM",
  labelNames: ["labels"],
  parameters({ vocabSize, hiddenSize, tieWordEmbeddings, decoderBias }: HeadConfig, names) {
    return [
      ...(tieWordEmbeddings
        ? []
        : [[names.decoder, { shape: [vocabSize, hiddenSize], role: "decoder", head: true }] as const]),
      ...(decoderBias ? [[names.decoderBias, { shape: [vocabSize], role: "decoder-bias", head: true }] as const] : []),
    ];
  },
  plan(model, inputs) {
    const labels = tokenLabels(inputs, model.head);
    const shape = [...inputs.unpadded.shape, model.info.vocabSize];
    return {
      outputs: [{ name: "logits", shape, read: (hidden) => paddedLogits(model, hidden, inputs) }],
      loss: labels && ((hidden) => maskedLmLoss(model, hidden, labels).loss),
    };
  },
};
