/** Gated linear unit (native/c/kernels/glu.c). */
import type { Activation, FusedKernel } from "@modernbert-ts/tensor-core";
import type { CommandEncoder } from "../commands.ts";
import { expectDtypes } from "../../expect-dtypes.ts";

/** The C enum of activations. */
const activations: Readonly<Record<Activation, number>> = { gelu: 0, gelu_tanh: 1, silu: 2, relu: 3 };

export function glu(commands: CommandEncoder): FusedKernel<"glu"> {
  return {
    supports: ({ inputs }) => expectDtypes(["x"], inputs),
    saved: () => [],
    backwardReads: { inputs: [0], outputs: [] },
    forward: ({ attrs, inputs: [x], outputs: [y] }) =>
      commands.encode("glu_forward", [y!, x!], [activations[attrs.activation]]),
    backward: ({ attrs, inputs: [x], gradOutputs: [gradY], gradInputs: [gradX] }) =>
      commands.encode("glu_backward", [gradX!, x!, gradY!], [activations[attrs.activation]]),
  };
}
