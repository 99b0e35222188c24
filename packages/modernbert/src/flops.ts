/**
 * What a model must compute, from its shape: products of matrices and attention, a multiply-add as two operations. What is small beside
 * them (norms, activations, softmax, rope) is left out, as is custom where the use of a device's peak is told (MFU).
 */
import { tiesDecoder } from "@modernbert-ts/encoder";
import type { Head } from "@modernbert-ts/encoder";
import { sizeOf } from "@modernbert-ts/tensor-core";
import type { ModernBertConfig } from "./config/config.ts";
import { parameterSpecs } from "./parameters.ts";

/** Floating-point operations of a forward pass; a training step takes three times as many: backward does each product twice. */
export interface Flops {
  /** For each token that the encoder sees. */
  readonly perToken: number;
  /** For each token, or text, that the head scores. */
  readonly perScored: number;
}

/** @param lengths of the sequences in tokens, in any order; the mean over their tokens counts. */
export function forwardFlops(config: ModernBertConfig, head: Head, lengths: Iterable<number>): Flops {
  const { layers, hiddenSize: d, intermediateSize: i } = config;
  const keys = meanKeys(lengths, config.window);
  const linear = 2 * layers.length * (4 * d * d + 3 * i * d);
  const attention = layers.reduce((sum, kind) => sum + 4 * d * keys[kind], 0);
  return { perToken: linear + attention, perScored: 2 * headWeights(config, head) };
}

/** The head's matrices, a tied decoder's among them. */
function headWeights(config: ModernBertConfig, head: Head): number {
  let weights = 0;
  for (const [, { shape, head: ofHead }] of parameterSpecs(config, head))
    if (ofHead && shape.length > 1) weights += sizeOf(shape);
  const tied = tiesDecoder(config, head);
  return weights + (tied ? config.vocabSize * config.hiddenSize : 0);
}

/** How many keys the query of a token meets on average. */
function meanKeys(lengths: Iterable<number>, window: number): { global: number; local: number } {
  let [tokens, global, local] = [0, 0, 0];
  for (const length of lengths) {
    tokens += length;
    global += length * length;
    local += localPairs(length, window);
  }
  return tokens === 0 ? { global: 0, local: 0 } : { global: global / tokens, local: local / tokens };
}

/** Pairs of positions at most `window` apart. */
function localPairs(length: number, window: number): number {
  if (length <= window + 1) return length * length;
  return length * (2 * window + 1) - window * (window + 1);
}
