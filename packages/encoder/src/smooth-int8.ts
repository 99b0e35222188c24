/**
 * Weights in bytes for models with a few channels of much larger numbers than the others (SmoothQuant, arXiv:2211.10438): a token's bytes are
 * shared out by its largest number, so such channels leave nothing for the rest. Between what makes a channel and what reads it, it is divided
 * and multiplied by the same number, so that in f32 the model stays what it is: half of the range of activations moves into the weights.
 */
import { full, map, max, scalar, x } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { PackedBatch } from "./batch/packed-batch.ts";
import type { HeadConfig } from "./config/head-config.ts";
import type { Encoder } from "./encoder.ts";
import { CheckpointError } from "./errors.ts";
import type { ParameterSpecs, Seam } from "./kind.ts";
import { WeightStore } from "./weights/store.ts";

/**
 * The model with weights in bytes, smoothed by what its channels hold on `batches`. `model` (f32) is only read, but of no other use afterwards.
 * @throws CheckpointError where the architecture has no such channels, or parameters are not f32.
 */
export async function smoothedInt8<C extends HeadConfig>(
  model: Encoder<C>,
  batches: readonly PackedBatch[],
): Promise<Encoder<C>> {
  const { kind, config, head, runtime, precision } = model;
  const seams = kind.seams?.(config);
  if (!seams)
    throw new CheckpointError(
      "smooth",
      `expected a model whose norms feed linear layers alone, got ${kind.modelType}: quantize it without`,
    );
  const ranges = await measureInputs(
    model,
    seams.map(({ reader }) => reader),
    batches,
  );
  const values = new Map<string, Float32Array>();
  for (const [name, tensor] of model.parameters) values.set(name, await hostValues(name, tensor));
  const specs = kind.parameters(config, head);
  for (const seam of seams) smooth(values, specs, seam, ranges.get(seam.reader)!);
  const store = new WeightStore(runtime, "int8", "f32");
  try {
    for (const [name, spec] of specs) store.put(name, spec, values.get(name)!);
    const { parameters, quantized } = store;
    return model.another({ runtime, config, head, parameters, quantized, precision }) as Encoder<C>;
  } catch (error) {
    store.dispose();
    throw error;
  }
}

async function hostValues(name: string, tensor: Tensor): Promise<Float32Array> {
  const values = await tensor.read();
  if (values instanceof Float32Array) return values;
  throw new CheckpointError("smooth", `expected ${name} in f32, got ${tensor.dtype}`);
}

/** Of each linear layer: the largest magnitude that each channel of its input has. */
async function measureInputs<C extends HeadConfig>(
  model: Encoder<C>,
  layers: readonly string[],
  batches: readonly PackedBatch[],
): Promise<ReadonlyMap<string, Float32Array>> {
  const { runtime } = model;
  const found = new Map<string, Tensor>();
  for (const layer of layers) {
    const outputs = model.parameter(`${layer}.weight`).shape[0]!;
    model.addToLayer(layer, (input) => {
      found.set(layer, runtime.keep(max(map(scalar.abs(x(0)), [input]), [0])));
      return full(runtime, [input.shape[0]!, outputs], 0, input.dtype);
    });
  }
  const ranges = new Map<string, Float32Array>();
  for (const batch of batches) {
    model.encode(batch).dispose();
    for (const [layer, tensor] of found) {
      const largest = (await tensor.read()) as Float32Array;
      ranges.set(
        layer,
        largest.map((value, at) => Math.max(value, ranges.get(layer)?.[at] ?? 0)),
      );
      tensor.dispose();
    }
  }
  return ranges;
}

/** In place. Channels that nothing is in, or that nothing reads, stay. */
function smooth(
  values: ReadonlyMap<string, Float32Array>,
  specs: ParameterSpecs,
  { makers, reader }: Seam,
  range: Float32Array,
): void {
  const matrix = values.get(`${reader}.weight`)!;
  const channels = range.length;
  const largest = new Float32Array(channels);
  matrix.forEach((value, at) => (largest[at % channels] = Math.max(largest[at % channels]!, Math.abs(value))));
  const factors = range.map((size, at) => (size > 0 && largest[at]! > 0 ? Math.sqrt(size / largest[at]!) : 1));
  matrix.forEach((value, at) => (matrix[at] = value * factors[at % channels]!));
  for (const { name, from } of makers) {
    const made = values.get(name);
    if (!made) continue;
    const [, width = 1] = specs.get(name)!.shape;
    for (let channel = 0; channel < channels; channel++)
      for (let at = (from + channel) * width; at < (from + channel + 1) * width; at++) made[at]! /= factors[channel]!;
  }
}
