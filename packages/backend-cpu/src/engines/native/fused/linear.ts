/** Linear layers over narrow weights: bf16 and f16 (native/c/narrow/linear.c), bytes (native/c/narrow/int8_linear.c). */
import type { FusedKernel } from "@modernbert-ts/tensor-core";
import type { CommandEncoder } from "../commands.ts";
import { expectDtypes } from "../../expect-dtypes.ts";

export function linear(commands: CommandEncoder): FusedKernel<"linear"> {
  return {
    supports: ({ inputs: [x, weight, bias] }) =>
      weight!.dtype === "bf16" || weight!.dtype === "f16"
        ? expectDtypes(["x", "bias"], [x!, bias ?? null])
        : { reason: `the native kernel takes weight in bf16 or f16, got ${weight!.dtype}` },
    saved: () => [],
    backwardReads: { inputs: [], outputs: [] },
    forward: ({ inputs: [x, weight, bias], outputs: [y] }) =>
      commands.encode("linear", [y!, x!, weight!, bias ?? null]),
    backward: "recompute",
  };
}

export function int8Linear(commands: CommandEncoder): FusedKernel<"int8Linear"> {
  return {
    supports: ({ inputs: [x, weight, scales, bias] }) =>
      expectDtypes(["x", "weight", "scales", "bias"], [x!, weight!, scales!, bias ?? null], [1]),
    saved: () => [],
    backwardReads: { inputs: [], outputs: [] },
    forward: ({ inputs: [x, weight, scales, bias], outputs: [y] }) =>
      commands.encode("int8_linear", [y!, x!, weight!, scales!, bias ?? null]),
    backward: "none",
  };
}
