/**
 * What a model must compute, from its shape: products of matrices and attention, a multiply-add as two operations. What is small beside
 * them (norms, activations, softmax, rope) is left out, as is custom where the use of a device's peak is told (MFU).
 */
import { sizeOf } from "@modernbert-ts/tensor-core";
import { tiesDecoder } from "../config/head-config.ts";
import type { HeadConfig } from "../config/head-config.ts";
import type { Head } from "../info.ts";
import type { EncoderKind, ParameterRole } from "../kind.ts";

/** Floating-point operations of a forward pass; a training step takes three times as many: backward does each product twice. */
export interface Flops {
  /** For each token that the encoder sees. */
  readonly perToken: number;
  /** For each token, or text, that the head scores. */
  readonly perScored: number;
}

/** @param lengths of the sequences in tokens, in any order; the mean over their tokens counts. */
export function forwardFlops<C extends HeadConfig>(
  kind: Pick<EncoderKind<C>, "parameters" | "layers">,
  config: C,
  head: Head,
  lengths: Iterable<number>,
): Flops {
  const { vocabSize, hiddenSize } = config;
  let [ofLayers, ofHead] = [0, 0];
  for (const { shape, role, head: inHead } of kind.parameters(config, head).values()) {
    if (inHead && shape.length > 1) ofHead += sizeOf(shape);
    if (!inHead && multiplied.includes(role)) ofLayers += sizeOf(shape);
  }
  if (tiesDecoder(config, head)) ofHead += vocabSize * hiddenSize;
  const all = [...lengths];
  const attention = kind.layers(config).reduce((sum, { window }) => sum + 4 * hiddenSize * meanKeys(all, window), 0);
  return { perToken: 2 * ofLayers + attention, perScored: 2 * ofHead };
}

const multiplied: readonly ParameterRole[] = ["input-projection", "output-projection"];

/** How many keys the query of a token meets on average. */
function meanKeys(lengths: readonly number[], window: number | null): number {
  let [tokens, pairs] = [0, 0];
  for (const length of lengths) {
    tokens += length;
    pairs += window === null ? length * length : localPairs(length, window);
  }
  return tokens === 0 ? 0 : pairs / tokens;
}

/** Pairs of positions at most `window` apart. */
function localPairs(length: number, window: number): number {
  if (length <= window + 1) return length * length;
  return length * (2 * window + 1) - window * (window + 1);
}
