/** Rotary position embedding (native/c/kernels/rope.c). */
import type { FusedKernel } from "@modernbert-ts/tensor-core";
import type { CommandEncoder } from "../commands.ts";
import { expectDtypes } from "../../expect-dtypes.ts";

export function rope(commands: CommandEncoder): FusedKernel<"rope"> {
  return {
    supports: ({ inputs }) => expectDtypes(["qkv", "cos", "sin", "positions"], inputs, [3]),
    saved: () => [],
    backwardReads: { inputs: [1, 2, 3], outputs: [] },
    forward: ({ inputs: [qkv, cos, sin, positions], outputs: [out] }) =>
      commands.encode("rope", [out!, qkv!, cos!, sin!, positions!], [1]),
    backward: ({ inputs: [, cos, sin, positions], gradOutputs: [gradOut], gradInputs: [gradQkv] }) =>
      commands.encode("rope", [gradQkv!, gradOut!, cos!, sin!, positions!], [-1]),
  };
}
