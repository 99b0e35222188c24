/** Gated linear unit (assembly/glu.ts). */
import { expectDtypes } from "@modernbert-ts/device-kit";
import type { Activation, FusedKernel } from "@modernbert-ts/tensor-core";
import type { WasmContext } from "../context.ts";
import { addressOf } from "../context.ts";

/** The numbers of the activations in the kernel. */
const activations: Readonly<Record<Activation, number>> = { gelu: 0, gelu_tanh: 1, silu: 2, relu: 3 };
const elementsPerTask = 16384;

export function glu({ resolve, threads }: WasmContext): FusedKernel<"glu"> {
  return {
    supports: ({ inputs }) => expectDtypes("glu", inputs),
    saved: () => [],
    backwardReads: { inputs: [0], outputs: [] },
    forward({ attrs, inputs: [x], outputs: [y] }) {
      const [rows, width] = y!.shape as [number, number];
      const perTask = rowsPerTask(width);
      const addresses = [y!, x!].map((view) => addressOf(resolve(view)));
      const activation = activations[attrs.activation];
      threads.run("gluForward", Math.ceil(rows / perTask), ...addresses, rows, width, perTask, activation);
    },
    backward({ attrs, inputs: [x], gradOutputs: [gradY], gradInputs: [gradX] }) {
      const [rows, width] = gradY!.shape as [number, number];
      const perTask = rowsPerTask(width);
      const addresses = [gradX!, x!, gradY!].map((view) => addressOf(resolve(view)));
      const activation = activations[attrs.activation];
      threads.run("gluBackward", Math.ceil(rows / perTask), ...addresses, rows, width, perTask, activation);
    },
  };
}

function rowsPerTask(width: number): number {
  return Math.max(1, Math.floor(elementsPerTask / Math.max(1, width)));
}
