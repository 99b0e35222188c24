/**
 * The gated feed-forward block on sm_90 (native/kernels/sm90): the unit and its gradient are in the ends of the products beside it. Only the
 * first product is kept for the backward, which makes the unit's output again.
 */
import { expectDtypes, firstRefusal } from "@modernbert-ts/device-kit";
import type { Answer } from "@modernbert-ts/device-kit";
import type { CompositeQuery, FusedKernel, View } from "@modernbert-ts/tensor-core";
import type { CudaCommands } from "../operations.ts";
import { activationNumbers } from "./activations.ts";
import { withAligned } from "./aligned.ts";

/** TMA takes rows of a multiple of 16 bytes. */
const multiple = 8;

function expectKind({ attrs: { gated }, inputs: [, , bi, , bo] }: CompositeQuery<"mlp">, architecture: number): Answer {
  if (architecture !== 90) return { reason: `the CUDA kernel of mlp is for sm_90, got sm_${architecture}` };
  if (!gated) return { reason: "the CUDA kernel of mlp has a gate" };
  return bi || bo ? { reason: "the CUDA kernel of mlp has no biases" } : true;
}

function expectSizes({ inputs: [x, , , wo] }: CompositeQuery<"mlp">): Answer {
  const sizes = [x!.shape[1]!, ...wo!.shape];
  if (x!.shape[0]! > 0 && sizes.every((size) => size > 0 && size % multiple === 0)) return true;
  return {
    reason: `the CUDA kernel of mlp takes widths of multiples of ${multiple}, and one token or more, got ${x!.shape[0]} and widths ${sizes.join(", ")}`,
  };
}

export function mlp(commands: CudaCommands, architecture: number): FusedKernel<"mlp"> {
  const multiply = (out: View, a: View, b: View): void => commands.encode("matmul", [out, a, b], [1, 0]);

  return {
    supports: (query) =>
      firstRefusal([expectKind(query, architecture), expectDtypes("mlp", query.inputs, ["bf16"]), expectSizes(query)]),
    /** The first product. */
    saved: ({ inputs: [x, wi] }) => [{ shape: [x!.shape[0]!, wi!.shape[0]!], dtype: "bf16" }],
    backwardReads: { inputs: [0, 1, 3], outputs: [] },
    wideGradients: true,
    forward({ attrs, inputs: [x, wi, , wo], outputs: [y], saved: [h] }) {
      withMatrices(commands, [[x!.shape[0]!, wo!.shape[1]!]], ([active]) => {
        withAligned(commands, [x!, wi!], (aligned) =>
          commands.encode("glu_product", [active!, h ?? null, ...aligned], [activationNumbers[attrs.activation]]),
        );
        multiply(y!, active!, turned(wo!));
      });
    },
    backward({
      attrs,
      inputs: [x, wi, , wo],
      saved: [h],
      gradOutputs: [gradY],
      gradInputs: [gradX, gradWi, , gradWo],
    }) {
      const [rows, columns] = [x!.shape[0]!, wo!.shape[1]!];
      if (!gradY) {
        for (const gradient of [gradX, gradWi, gradWo]) if (gradient) commands.encode("fill", [gradient], [0]);
        return;
      }
      withMatrices(
        commands,
        [
          [rows, 2 * columns],
          [rows, columns],
        ],
        ([gradH, active]) => {
          withAligned(commands, [gradY, wo!], (aligned) =>
            commands.encode(
              "glu_product_backward",
              [gradH!, active!, ...aligned, h!],
              [activationNumbers[attrs.activation]],
            ),
          );
          if (gradWo) multiply(gradWo, turned(gradY), active!);
          if (gradWi) multiply(gradWi, turned(gradH!), x!);
          if (gradX) multiply(gradX, gradH!, wi!);
        },
      );
    },
  };
}

/** Calls `body` with matrices of bf16 that live as long as its commands. */
function withMatrices(
  commands: CudaCommands,
  shapes: readonly (readonly [number, number])[],
  body: (matrices: readonly View[]) => void,
  made: readonly View[] = [],
): void {
  const [shape, ...rest] = shapes;
  if (!shape) return body(made);
  const [rows, columns] = shape;
  commands.scratch(2 * rows * columns, (memory) =>
    withMatrices(commands, rest, body, [
      ...made,
      { ...memory, dtype: "bf16", shape: [rows, columns], strides: [columns, 1] },
    ]),
  );
}

/** The transpose. */
function turned(view: View): View {
  const { shape, strides } = view;
  return { ...view, shape: [shape[1]!, shape[0]!], strides: [strides[1]!, strides[0]!] };
}
