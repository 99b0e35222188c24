/** What a training step holds in memory, from the model's shape, with fused kernels as on a GPU. What a device's pool adds is not in it. */
import type { Head } from "@modernbert-ts/encoder";
import { sizeOf } from "@modernbert-ts/tensor-core";
import type { ModernBertConfig } from "./config/config.ts";
import { parameterSpecs } from "./parameters.ts";

/** In bytes. */
export interface TrainingMemory {
  /** In f32, and the matrices' copies under 16 bits. */
  readonly parameters: number;
  /** Of what is trained, in f32; twice where the gradients of several micro-batches are summed. */
  readonly gradients: number;
  /** What backward reads, for each token of a micro-batch; with checkpointed gradients what goes into each layer, and all that one layer's backward reads. */
  readonly perToken: number;
}

/**
 * @param trained how many values are trained.
 * @param scoredShare how many of the tokens the head scores.
 * @param checkpointing whether gradients are checkpointed (`ModernBert.checkpointGradients`).
 */
export function trainingMemory(
  config: ModernBertConfig,
  head: Head,
  {
    bytes,
    microBatches,
    scoredShare,
    trained,
    checkpointing = false,
  }: {
    readonly bytes: 2 | 4;
    readonly microBatches: number;
    readonly scoredShare: number;
    readonly trained: number;
    readonly checkpointing?: boolean;
  },
): TrainingMemory {
  const { layers, hiddenSize: d, intermediateSize: i, numHeads } = config;
  let [all, matrices] = [0, 0];
  for (const { shape } of parameterSpecs(config, head).values()) {
    all += sizeOf(shape);
    if (shape.length > 1) matrices += sizeOf(shape);
  }
  // Normed input, q, k and v, attention, normed input again, both halves of the gated unit; two states of the residual stream in f32; statistics.
  const perLayer = bytes * (6 * d + 2 * i) + 2 * 4 * d + 4 * (numHeads + 4);
  // The residual stream and its norm.
  const input = d * (4 + bytes);
  const embedded = input;
  const scored = scoredShare * 4 * bytes * d;
  return {
    parameters: 4 * all + (bytes === 2 ? 2 * matrices : 0),
    gradients: 4 * trained * (microBatches > 1 ? 2 : 1),
    perToken: (checkpointing ? layers.length * input + perLayer : layers.length * perLayer) + embedded + scored,
  };
}
