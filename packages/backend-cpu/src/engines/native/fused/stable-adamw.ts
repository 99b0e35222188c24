/** StableAdamW (native/c/kernels/stable_adamw.c). */
import type { FusedKernel } from "@modernbert-ts/tensor-core";
import type { CommandEncoder } from "../commands.ts";
import { expectDtypes } from "../../expect-dtypes.ts";

export function stableAdamW(commands: CommandEncoder): FusedKernel<"stableAdamW"> {
  return {
    supports: ({ inputs }) => expectDtypes(["p", "g", "m", "v", "control", "gradScale"], inputs),
    saved: () => [],
    backwardReads: { inputs: [], outputs: [] },
    forward: ({ inputs }) => commands.encode("stable_adamw", inputs),
    backward: "none",
  };
}
