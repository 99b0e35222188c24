/** What the cases of `capture` record: a small layer, alone and with its gradients. */
import { Runtime, add, glu, layerNorm, linear, mean, mul, valueAndGradients } from "@modernbert-ts/tensor-core";
import type { Backend, Tensor } from "@modernbert-ts/tensor-core";
import type { RandomSource } from "../random-source.ts";

export const rows = 5;
export const width = 16;

/** A small layer with its parameters, to be captured. */
export interface Block {
  readonly runtime: Runtime;
  readonly input: Tensor;
  readonly weight: Tensor;
  readonly scale: Tensor;
  /** Fresh numbers for the input. */
  fresh(): Float32Array;
  dispose(): void;
}

export function createBlock(backend: Backend, random: RandomSource): Block {
  const runtime = new Runtime(backend);
  const numbers = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
  const [input, weight, scale] = [[rows, width], [2 * width, width], [width]].map((shape) =>
    runtime.tensor(numbers(shape.reduce((a, b) => a * b)), shape),
  ) as [Tensor, Tensor, Tensor];
  return {
    runtime,
    input,
    weight,
    scale,
    fresh: () => numbers(rows * width),
    dispose: () => [input, weight, scale].forEach((tensor) => tensor.dispose()),
  };
}

/** Composites with intermediates between them. */
export function forward({ runtime, input, weight, scale }: Block): Tensor {
  return runtime.scope(() => add(glu(linear(layerNorm(input, scale, null, 1e-5), weight), "gelu"), input));
}

/** A loss and the gradients of both parameters. */
export function lossAndGradients(block: Block): readonly Tensor[] {
  const { value, gradients } = valueAndGradients(block.runtime, [block.weight, block.scale], () =>
    block.runtime.scope(() => {
      const output = forward(block);
      return mean(mul(output, output));
    }),
  );
  return [value, ...gradients.map((gradient) => gradient!)];
}

/** The numbers of all tensors, one after another. */
export async function readAll(tensors: readonly Tensor[]): Promise<number[]> {
  const arrays = await Promise.all(tensors.map((tensor) => tensor.read()));
  return arrays.flatMap((values) => [...values]);
}
