/** Linear layer and cross-entropy (c/kernels/cross_entropy.c): in training the forward already makes the gradients. */
import { expectDtypes } from "@modernbert-ts/device-kit";
import type { FusedKernel, TensorSpec } from "@modernbert-ts/tensor-core";
import type { InstructionSet } from "../library.ts";
import type { NativeCommands } from "../operations.ts";

export function linearCrossEntropy(
  commands: NativeCommands,
  { multipliesBf16 }: InstructionSet,
): FusedKernel<"linearCrossEntropy"> {
  /** In bf16, pairs of numbers are multiplied. */
  const inPairs = ([hidden, weight]: readonly (TensorSpec | null)[]): boolean =>
    multipliesBf16 && [hidden!, weight!].every(({ dtype }) => dtype === "bf16") && hidden!.shape[1]! % 2 === 0;
  return {
    supports: ({ inputs }) =>
      expectDtypes(
        "linearCrossEntropy",
        inputs,
        ["f32"],
        inPairs(inputs) ? { hidden: ["bf16"], weight: ["bf16"], bias: ["f32", "bf16"] } : {},
      ),
    /** Gradients of hidden, weight and bias for a loss gradient of 1. */
    saved: ({ inputs: [hidden, weight, bias] }) =>
      [hidden, weight, bias].flatMap((input) => (input ? [{ shape: input.shape, dtype: "f32" as const }] : [])),
    backwardReads: { inputs: [], outputs: [] },
    wideGradients: true,
    forward({ inputs: [hidden, weight, bias, labels], outputs: [lossSum, correct], saved }) {
      const gradients = [0, 1, 2].map((at) => saved[at] ?? null);
      commands.encode("cross_entropy_forward", [
        lossSum!,
        correct!,
        ...gradients,
        hidden!,
        weight!,
        bias ?? null,
        labels!,
      ]);
    },
    backward({ saved, gradOutputs: [gradLoss], gradInputs }) {
      const gradients = [0, 1, 2].map((at) => gradInputs[at] ?? null);
      if (gradLoss) {
        commands.encode("cross_entropy_backward", [
          ...gradients,
          gradLoss,
          ...[0, 1, 2].map((at) => saved[at] ?? null),
        ]);
      } else {
        // Only `correct` was differentiated, which carries no gradient.
        for (const gradient of gradients) if (gradient) commands.encode("fill", [gradient], [0]);
      }
    },
  };
}
