/** Gated linear unit (c/kernels/glu.c). */
import { expectDtypes } from "@modernbert-ts/device-kit";
import type { Activation, FusedKernel } from "@modernbert-ts/tensor-core";
import type { NativeCommands } from "../operations.ts";
import { floats } from "./floats.ts";

/** The C enum of activations. */
const activations: Readonly<Record<Activation, number>> = { gelu: 0, gelu_tanh: 1, silu: 2, relu: 3 };

export function glu(commands: NativeCommands): FusedKernel<"glu"> {
  return {
    supports: ({ inputs }) => expectDtypes("glu", inputs, floats),
    saved: () => [],
    backwardReads: { inputs: [0], outputs: [] },
    forward: ({ attrs, inputs: [x], outputs: [y] }) =>
      commands.encode("glu_forward", [y!, x!], [activations[attrs.activation]]),
    backward: ({ attrs, inputs: [x], gradOutputs: [gradY], gradInputs: [gradX] }) =>
      commands.encode("glu_backward", [gradX!, x!, gradY!], [activations[attrs.activation]]),
  };
}
