/** Layer norm, alone and after a residual addition (native/kernels/norms). */
import { expectDtype, expectDtypes, firstRefusal } from "@modernbert-ts/device-kit";
import type { Answer } from "@modernbert-ts/device-kit";
import type { CompositeQuery, DropoutAttrs, FusedKernel, TensorSpec, View } from "@modernbert-ts/tensor-core";
import type { CudaCommands } from "../operations.ts";
import { floats } from "./dtypes.ts";

/**
 * Rows per block in the backward, where each block adds up its part of the gradients of weight and bias. The same on every device: as many
 * blocks as an H100 holds at once, three (narrow rows) or two on each of its 132 multiprocessors, and few for few rows.
 */
function rowsPerBlock(rows: number, width: number): number {
  return Math.max(8, Math.ceil(rows / (132 * (width <= 768 ? 3 : 2))));
}

/** Mean and 1 / standard deviation of each row. */
function statistics({ inputs: [x] }: { readonly inputs: readonly (TensorSpec | null)[] }): TensorSpec[] {
  return [{ shape: [x!.shape[0]!, 2], dtype: "f32" }];
}

function expectFloats<K extends "layerNorm" | "residualLayerNorm">(
  composite: K,
  { inputs, outputs }: CompositeQuery<K>,
): Answer {
  return firstRefusal([
    expectDtypes(composite, inputs, floats, { step: ["u32"] }),
    expectDtype("y", outputs.at(-1), floats),
  ]);
}

function dropoutAttributes(dropout: DropoutAttrs | null): number[] {
  return dropout ? [dropout.rate, ...dropout.key, ...dropout.counter] : [0, 0, 0, 0, 0];
}

/** @param gradients of x, delta, weight, bias; null where nobody asks. @param reads grad y, grad sum, x or the sum, statistics, weight. */
function queueBackward(
  commands: CudaCommands,
  gradients: readonly (View | null)[],
  reads: readonly (View | null)[],
  dropout: DropoutAttrs | null,
  step: View | null,
): void {
  const [rows, width] = reads[2]!.shape as [number, number];
  const block = rowsPerBlock(rows, width);
  const queue = (partials: View | null): void =>
    commands.encode(
      "layer_norm_backward",
      [...gradients, ...reads, step, partials],
      [block, ...dropoutAttributes(dropout)],
    );
  if (!gradients[2] && !gradients[3]) queue(null);
  else commands.scratch(Math.ceil(rows / block) * 2 * width * 4, queue);
}

export function layerNorm(commands: CudaCommands): FusedKernel<"layerNorm"> {
  return {
    supports: (query) => expectFloats("layerNorm", query),
    saved: statistics,
    backwardReads: { inputs: [0, 1], outputs: [] },
    forward: ({ attrs, inputs: [x, weight, bias], outputs: [y], saved: [stats] }) =>
      commands.encode(
        "layer_norm_forward",
        [y!, null, stats ?? null, x!, null, weight!, bias ?? null, null],
        [attrs.eps, ...dropoutAttributes(null)],
      ),
    wideGradients: true,
    backward({ inputs: [x, weight], saved: [stats], gradOutputs: [gradY], gradInputs: [gradX, gradWeight, gradBias] }) {
      const gradients = [gradX ?? null, null, gradWeight ?? null, gradBias ?? null];
      queueBackward(commands, gradients, [gradY ?? null, null, x!, stats!, weight!], null, null);
    },
  };
}

export function residualLayerNorm(commands: CudaCommands): FusedKernel<"residualLayerNorm"> {
  return {
    supports: (query) => expectFloats("residualLayerNorm", query),
    saved: statistics,
    backwardReads: { inputs: [2, 4], outputs: [0] },
    forward: ({ attrs, inputs: [x, delta, weight, bias, step], outputs: [sum, y], saved: [stats] }) =>
      commands.encode(
        "layer_norm_forward",
        [y!, sum!, stats ?? null, x!, delta!, weight!, bias ?? null, step ?? null],
        [attrs.eps, ...dropoutAttributes(attrs.dropout)],
      ),
    wideGradients: true,
    backward({ attrs, inputs, outputs: [sum], saved: [stats], gradOutputs: [gradSum, gradY], gradInputs }) {
      const gradients = [0, 1, 2, 3].map((input) => gradInputs[input] ?? null);
      const reads = [gradY ?? null, gradSum ?? null, sum!, stats!, inputs[2]!];
      queueBackward(commands, gradients, reads, attrs.dropout, inputs[4] ?? null);
    },
  };
}
