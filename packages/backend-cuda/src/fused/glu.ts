/** Gated linear unit (native/kernels/elementwise/glu.cu). */
import { expectDtypes } from "@modernbert-ts/device-kit";
import type { FusedKernel } from "@modernbert-ts/tensor-core";
import type { CudaCommands } from "../operations.ts";
import { activationNumbers } from "./activations.ts";
import { floats } from "./dtypes.ts";

export function glu(commands: CudaCommands): FusedKernel<"glu"> {
  return {
    supports: ({ inputs }) => expectDtypes("glu", inputs, floats),
    saved: () => [],
    backwardReads: { inputs: [0], outputs: [] },
    forward: ({ attrs, inputs: [x], outputs: [y] }) =>
      commands.encode("glu_forward", [y!, x!], [activationNumbers[attrs.activation]]),
    wideGradients: true,
    backward: ({ attrs, inputs: [x], gradOutputs: [gradY], gradInputs: [gradX] }) =>
      commands.encode("glu_backward", [gradX!, x!, gradY!], [activationNumbers[attrs.activation]]),
  };
}
