/** StableAdamW (c/kernels/stable_adamw.c). */
import { expectDtypes } from "@modernbert-ts/device-kit";
import type { FusedKernel } from "@modernbert-ts/tensor-core";
import type { NativeCommands } from "../operations.ts";

export function stableAdamW(commands: NativeCommands): FusedKernel<"stableAdamW"> {
  return {
    supports: ({ inputs }) => expectDtypes("stableAdamW", inputs),
    saved: () => [],
    backwardReads: { inputs: [], outputs: [] },
    forward: ({ inputs }) => commands.encode("stable_adamw", inputs),
    backward: "none",
  };
}
