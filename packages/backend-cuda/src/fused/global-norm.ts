/** The norm over many tensors (native/kernels/optimizer/global_norm.cu). */
import { expectDtype, firstRefusal } from "@modernbert-ts/device-kit";
import type { FusedKernel } from "@modernbert-ts/tensor-core";
import type { CudaCommands } from "../operations.ts";
import { withScratch } from "../scratch.ts";
import { chunkSums } from "./chunks.ts";

export function globalNorm(commands: CudaCommands): FusedKernel<"globalNorm"> {
  return {
    supports: ({ inputs }) =>
      firstRefusal(inputs.map((tensor) => expectDtype("tensors", tensor, ["f32", "bf16", "f16"]))),
    saved: () => [],
    backwardReads: { inputs: [], outputs: [] },
    forward({ inputs, outputs: [norm] }) {
      const tensors = inputs.map((tensor) => tensor!);
      withScratch(commands, [chunkSums(tensors)], ([sums]) =>
        commands.encode("global_norm", [norm!, sums!, ...tensors], [tensors.length]),
      );
    },
    backward: "none",
  };
}
