/** Rotary position embedding (native/kernels/elementwise/rope.cu). */
import { expectDtypes } from "@modernbert-ts/device-kit";
import type { FusedKernel } from "@modernbert-ts/tensor-core";
import type { CudaCommands } from "../operations.ts";
import { floats } from "./dtypes.ts";

export function rope(commands: CudaCommands): FusedKernel<"rope"> {
  return {
    supports: ({ inputs }) => expectDtypes("rope", inputs, floats),
    saved: () => [],
    backwardReads: { inputs: [1, 2, 3], outputs: [] },
    forward: ({ inputs: [qkv, cos, sin, positions], outputs: [out] }) =>
      commands.encode("rope", [out!, qkv!, cos!, sin!, positions!], [1]),
    wideGradients: true,
    backward: ({ inputs: [, cos, sin, positions], gradOutputs: [gradOut], gradInputs: [gradQkv] }) =>
      commands.encode("rope", [gradQkv!, gradOut!, cos!, sin!, positions!], [-1]),
  };
}
