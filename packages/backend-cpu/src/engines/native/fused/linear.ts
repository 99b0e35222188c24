/** Linear layers over narrow weights: bf16 and f16 (c/narrow/linear.c), bytes (c/narrow/int8_linear.c). */
import { expectDtypes } from "@modernbert-ts/device-kit";
import type { FusedKernel } from "@modernbert-ts/tensor-core";
import type { NativeCommands } from "../operations.ts";
import { floats } from "./floats.ts";

export function linear(commands: NativeCommands): FusedKernel<"linear"> {
  return {
    supports: ({ inputs }) => expectDtypes("linear", inputs, floats, { weight: ["bf16", "f16"] }),
    saved: () => [],
    backwardReads: { inputs: [], outputs: [] },
    forward: ({ inputs: [x, weight, bias], outputs: [y] }) =>
      commands.encode("linear", [y!, x!, weight!, bias ?? null]),
    backward: "recompute",
  };
}

export function int8Linear(commands: NativeCommands): FusedKernel<"int8Linear"> {
  return {
    supports: ({ inputs }) => expectDtypes("int8Linear", inputs),
    saved: () => [],
    backwardReads: { inputs: [], outputs: [] },
    forward: ({ inputs: [x, weight, scales, bias], outputs: [y] }) =>
      commands.encode("int8_linear", [y!, x!, weight!, scales!, bias ?? null]),
    backward: "none",
  };
}
