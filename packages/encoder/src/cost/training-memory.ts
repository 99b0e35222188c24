/** What a training step holds in memory, from the model's shape, with fused kernels as on a GPU. What a device's pool adds is not in it. */
import { sizeOf } from "@modernbert-ts/tensor-core";
import type { HeadConfig } from "../config/head-config.ts";
import type { Head } from "../info.ts";
import type { EncoderKind } from "../kind.ts";

/** In bytes. */
export interface TrainingMemory {
  /** In f32, and the matrices' copies under 16 bits. */
  readonly parameters: number;
  /** Of what is trained, in f32; twice where the gradients of several micro-batches are summed. */
  readonly gradients: number;
  /** What backward reads, for each token of a micro-batch. */
  readonly perToken: number;
}

/**
 * @param trained how many values are trained.
 * @param scoredShare how many of the tokens the head scores.
 */
export function trainingMemory<C extends HeadConfig>(
  kind: Pick<EncoderKind<C>, "parameters" | "layers">,
  config: C,
  head: Head,
  {
    bytes,
    microBatches,
    scoredShare,
    trained,
  }: { readonly bytes: 2 | 4; readonly microBatches: number; readonly scoredShare: number; readonly trained: number },
): TrainingMemory {
  const { hiddenSize: d } = config;
  let [all, matrices] = [0, 0];
  for (const { shape } of kind.parameters(config, head).values()) {
    all += sizeOf(shape);
    if (shape.length > 1) matrices += sizeOf(shape);
  }
  const layers = kind.layers(config).reduce((sum, { held }) => sum + bytes * held.compute + 4 * held.f32, 0);
  const embedded = d * (4 + bytes);
  return {
    parameters: 4 * all + (bytes === 2 ? 2 * matrices : 0),
    gradients: 4 * trained * (microBatches > 1 ? 2 : 1),
    perToken: layers + embedded + scoredShare * 4 * bytes * d,
  };
}
