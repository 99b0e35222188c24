/** StableAdamW of one tensor and of all (native/kernels/optimizer/stable_adamw.cu). */
import { expectDtype, expectDtypes, firstRefusal } from "@modernbert-ts/device-kit";
import type { FusedKernel, View } from "@modernbert-ts/tensor-core";
import type { CudaCommands } from "../operations.ts";
import { withScratch } from "../scratch.ts";
import { chunkSums } from "./chunks.ts";

const gradientDtypes = ["f32", "bf16", "f16"] as const;

/** Inputs of each tensor: p, g, m, v, copy. */
const each = 5;

export function stableAdamW(commands: CudaCommands): FusedKernel<"stableAdamW"> {
  return {
    supports: ({ inputs }) => expectDtypes("stableAdamW", inputs, ["f32"], { g: gradientDtypes }),
    saved: () => [],
    backwardReads: { inputs: [], outputs: [] },
    forward({ inputs: [p, g, m, v, control, gradScale] }) {
      update(commands, gradScale!, control!, [p!, g!, m!, v!, null], [0]);
    },
    backward: "none",
  };
}

export function stableAdamWAll(commands: CudaCommands): FusedKernel<"stableAdamWAll"> {
  return {
    supports({ inputs: [gradScale, controls, ...tensors] }) {
      const expected = [["f32"], gradientDtypes, ["f32"], ["f32"], ["bf16", "f16"]] as const;
      const names = ["p", "g", "m", "v", "copy"];
      return firstRefusal([
        expectDtype("gradScale", gradScale, ["f32"]),
        expectDtype("controls", controls, ["f32"]),
        ...tensors.map((tensor, at) => expectDtype(names[at % each]!, tensor, expected[at % each]!)),
      ]);
    },
    saved: () => [],
    backwardReads: { inputs: [], outputs: [] },
    forward({ inputs: [gradScale, controls, ...tensors], attrs: { groups } }) {
      update(commands, gradScale!, controls!, tensors, groups);
    },
    backward: "none",
  };
}

function update(
  commands: CudaCommands,
  gradScale: View,
  controls: View,
  tensors: readonly (View | null)[],
  groups: readonly number[],
): void {
  const parameters = groups.map((_, at) => tensors[each * at]!);
  withScratch(commands, [chunkSums(parameters)], ([sums]) =>
    commands.encode("stable_adamw", [sums!, gradScale, controls, ...tensors], [groups.length, ...groups]),
  );
}
