/** Linear layers over weights of 8 bits (native/kernels/int8/linear.cu). */
import { expectDtypes } from "@modernbert-ts/device-kit";
import type { FusedKernel } from "@modernbert-ts/tensor-core";
import type { CudaCommands } from "../operations.ts";
import { withScratch } from "../scratch.ts";

export function int8Linear(commands: CudaCommands): FusedKernel<"int8Linear"> {
  return {
    supports: ({ inputs }) => expectDtypes("int8Linear", inputs),
    saved: () => [],
    backwardReads: { inputs: [], outputs: [] },
    forward({ inputs: [x, weight, scales, bias], outputs: [y] }) {
      const rows = x!.shape[0]!;
      const memory = [
        { shape: [rows, weight!.shape[1]!], dtype: "i32" },
        { shape: [rows], dtype: "f32" },
      ] as const;
      withScratch(commands, memory, (views) =>
        commands.encode("int8_linear", [y!, x!, weight!, scales!, bias ?? null, ...views]),
      );
    },
    backward: "none",
  };
}
