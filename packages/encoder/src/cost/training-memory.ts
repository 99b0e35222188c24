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
  /** What backward reads, for each token of a micro-batch; with checkpointed gradients what goes into each layer, and all that one layer's backward reads. */
  readonly perToken: number;
  /** What backward holds meanwhile, for each token of a micro-batch: gradients as large as all that one layer's backward reads. */
  readonly workingPerToken: number;
}

/** Of a model of this shape with a head, trained so. */
export function trainingMemory<C extends HeadConfig>(
  kind: Pick<EncoderKind<C>, "parameters" | "layers">,
  config: C,
  head: Head,
  {
    bytes,
    microBatches,
    scoredShare,
    trained,
    checkpointing = false,
  }: {
    /** Of an element of the compute dtype. */
    readonly bytes: 2 | 4;
    /** Of a step, on one device. */
    readonly microBatches: number;
    /** Of the tokens, how many the head scores, 0..1. */
    readonly scoredShare: number;
    /** How many values are trained. */
    readonly trained: number;
    /** Of gradients (`checkpointGradients` of an encoder). Default false. */
    readonly checkpointing?: boolean;
  },
): TrainingMemory {
  const { hiddenSize: d } = config;
  let [all, matrices] = [0, 0];
  for (const { shape } of kind.parameters(config, head).values()) {
    all += sizeOf(shape);
    if (shape.length > 1) matrices += sizeOf(shape);
  }
  const layers = kind.layers(config).map(({ held }) => bytes * held.compute + 4 * held.f32);
  // The residual stream and its norm: the embeddings' output, and what goes into each layer.
  const input = d * (4 + bytes);
  const largest = Math.max(...layers);
  const kept = checkpointing ? layers.length * input + largest : layers.reduce((sum, layer) => sum + layer, 0);
  return {
    parameters: 4 * all + (bytes === 2 ? 2 * matrices : 0),
    gradients: 4 * trained * (microBatches > 1 ? 2 : 1),
    perToken: kept + input + scoredShare * 4 * bytes * d,
    workingPerToken: largest,
  };
}
