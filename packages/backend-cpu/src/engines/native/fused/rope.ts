/** Rotary position embedding (c/kernels/rope.c). */
import { expectDtypes } from "@modernbert-ts/device-kit";
import type { FusedKernel } from "@modernbert-ts/tensor-core";
import type { NativeCommands } from "../operations.ts";
import { floats } from "./floats.ts";

export function rope(commands: NativeCommands): FusedKernel<"rope"> {
  return {
    supports: ({ inputs }) => expectDtypes("rope", inputs, ["f32"], { qkv: floats }),
    saved: () => [],
    backwardReads: { inputs: [1, 2, 3], outputs: [] },
    forward: ({ inputs: [qkv, cos, sin, positions], outputs: [out] }) =>
      commands.encode("rope", [out!, qkv!, cos!, sin!, positions!], [1]),
    backward: ({ inputs: [, cos, sin, positions], gradOutputs: [gradOut], gradInputs: [gradQkv] }) =>
      commands.encode("rope", [gradQkv!, gradOut!, cos!, sin!, positions!], [-1]),
  };
}
