/**
 * Linear layer and cross-entropy: the logits exist for a chunk of rows at a time, made by `matmul`. In training they become their own
 * gradient (native/kernels/loss/entropy_rows.cu), and two more products the gradients of hidden and weight for a loss gradient of 1; the
 * backward only scales them.
 */
import { expectDtypes } from "@modernbert-ts/device-kit";
import { bytesOf } from "@modernbert-ts/tensor-core";
import type { DType, FusedKernel, View } from "@modernbert-ts/tensor-core";
import type { CudaCommands } from "../operations.ts";
import { reduce } from "../reduction.ts";
import { withScratch } from "../scratch.ts";

/** For the logits of a chunk. */
const logitBytes = 800e6;

/** Chunks are a multiple of this many rows, and have at least as many. */
const rowStep = 128;

/** In f16, where the gradients of most logits would be subnormal, they are this much larger. */
const gradientScale = (dtype: DType): number => (dtype === "f16" ? 1024 : 1);

/** @param budget The most bytes of logits, where that leaves room for enough rows. */
export function linearCrossEntropy(
  commands: CudaCommands,
  budget: number = logitBytes,
): FusedKernel<"linearCrossEntropy"> {
  return {
    supports: ({ inputs }) =>
      expectDtypes("linearCrossEntropy", inputs, ["f32", "bf16", "f16"], { weight: [inputs[0]!.dtype] }),
    /** Gradients of hidden, weight and bias for a loss gradient of 1, that of bias larger by `gradientScale`; sums over chunks are f32. */
    saved: ({ inputs: [hidden, weight, bias] }) => [
      { shape: hidden!.shape, dtype: hidden!.dtype },
      ...[weight, bias].flatMap((input) => (input ? [{ shape: input.shape, dtype: "f32" as const }] : [])),
    ],
    backwardReads: { inputs: [], outputs: [] },
    wideGradients: true,
    forward({ inputs: [hidden, weight, bias, labels], outputs: [lossSum, correct], saved: [dHidden, dWeight, dBias] }) {
      const [rows, classes] = [hidden!.shape[0]!, weight!.shape[0]!];
      const { dtype } = hidden!;
      if (rows === 0) {
        for (const view of [lossSum, correct, dWeight, dBias]) if (view) commands.encode("fill", [view], [0]);
        return;
      }
      const pitch = Math.ceil(classes / 8) * 8;
      const most = chunkRows(rows, pitch * bytesOf(dtype), budget);
      const chunks = Math.ceil(rows / most);
      const memory = [
        { shape: [most, pitch], dtype },
        { shape: [2, rows], dtype: "f32" },
        { shape: [dBias ? chunks : 0, classes], dtype: "f32" },
      ] as const;
      withScratch(commands, memory, ([logitRows, results, biasParts]) => {
        const [losses, right] = [row(results!, 0), row(results!, 1)];
        for (let chunk = 0; chunk < chunks; chunk++) {
          const [from, to] = [chunk * most, Math.min(rows, (chunk + 1) * most)];
          const part = (view: View): View => slice(view, from, to);
          const logits = { ...logitRows!, shape: [to - from, classes] };
          product(logits, part(hidden!), turned(weight!));
          const scale = dHidden ? gradientScale(dtype) : 0;
          commands.encode("entropy_rows", [logits, part(losses), part(right), part(labels!), bias ?? null], [scale]);
          if (!dHidden || !dWeight) continue;
          product(part(dHidden), logits, weight!, 1 / scale);
          product(dWeight, turned(logits), part(hidden!), 1 / scale, chunk > 0);
          if (dBias) reduce(commands, slice(biasParts!, chunk, chunk + 1), logits, { kind: "sum", axes: [0] });
        }
        reduce(commands, lossSum!, losses, { kind: "sum", axes: [0] });
        reduce(commands, correct!, right, { kind: "sum", axes: [0] });
        if (dBias) {
          const sums = { ...dBias, shape: [1, classes], strides: [classes, 1] };
          reduce(commands, sums, biasParts!, { kind: "sum", axes: [0] });
        }
      });
    },
    backward({ saved, gradOutputs: [gradLoss], gradInputs }) {
      for (const [at, gradient] of gradInputs.entries()) {
        if (!gradient) continue;
        // Only `correct` was differentiated, which carries no gradient.
        const scale = at === 2 ? gradientScale(saved[0]!.dtype) : 1;
        if (!gradLoss) commands.encode("fill", [gradient], [0]);
        else commands.encode("scale_gradient", [gradient, saved[at]!, gradLoss], [1 / scale]);
      }
    },
  };

  function product(out: View, a: View, b: View, alpha = 1, accumulate = false): void {
    commands.encode("matmul", [out, a, b], [alpha, accumulate ? 1 : 0]);
  }
}

/** @internal Rows of a chunk: chunks of about equal size within the budget. */
export function chunkRows(rows: number, rowBytes: number, budget: number): number {
  const most = Math.max(1, Math.floor(budget / rowBytes / rowStep)) * rowStep;
  const chunks = Math.ceil(rows / most);
  return Math.min(rows, Math.ceil(rows / chunks / rowStep) * rowStep);
}

/** Rows from…to - 1. */
function slice(view: View, from: number, to: number): View {
  return { ...view, shape: [to - from, ...view.shape.slice(1)], offset: view.offset + from * view.strides[0]! };
}

function row(view: View, at: number): View {
  return { ...slice(view, at, at + 1), shape: view.shape.slice(1), strides: view.strides.slice(1) };
}

function turned(view: View): View {
  return { ...view, shape: view.shape.toReversed(), strides: view.strides.toReversed() };
}
