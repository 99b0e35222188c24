/**
 * Output projection and cross-entropy without all logits: classes come in chunks, whose logits one matmul writes and one kernel folds
 * into running values of each row (largest logit, Σ exp, the label's logit, the first best class). Backward computes the logits of a
 * chunk again, turns them into their gradient in place and multiplies it out.
 */
import type { BackwardCall, FusedKernel, View } from "@modernbert-ts/tensor-core";
import type { Parameter } from "../device/dispatch.ts";
import { errorBinding } from "../kernels/bind.ts";
import { throughFloat32 } from "../kernels/through-float32.ts";
import { printChunk, printGradient, printScores } from "./cross-entropy-shaders.ts";
import { halfGroup, groupThreads as threads } from "../wgsl/reduction.ts";
import { bindAll, reshaped, rowsOf, supportsDense, transposed, withTensor } from "./support.ts";
import type { Tools } from "./support.ts";

/** Logits of a chunk take at most this much memory. */
const chunkBytes = 32 * 2 ** 20;
const maxChunkClasses = 8192;

type MaybeView = View | null | undefined;

export function linearCrossEntropy({ device, primitives, clear }: Tools): FusedKernel<"linearCrossEntropy"> {
  const product = { alpha: 1, accumulate: false };

  /** Visits chunks of classes with their weights, bias and logits [M, C]. */
  function eachChunk(
    hidden: View,
    weight: View,
    bias: MaybeView,
    visit: (chunk: { first: number; classes: number; weight: View; bias: View | null; logits: View }) => void,
  ): void {
    const [rows] = hidden.shape as [number, number];
    const [total] = weight.shape as [number, number];
    const bytes = Math.min(chunkBytes, device.maxBindingBytes / 2);
    const most = Math.min(maxChunkClasses, Math.floor(bytes / 4 / Math.max(1, rows)));
    // Chunks of whole tiles keep the logits in groups of four.
    const step = Math.min(total, most < 64 ? Math.max(1, most) : most - (most % 64));
    withTensor(device, [rows, step], (buffer) => {
      for (let first = 0; first < total; first += step) {
        const classes = Math.min(step, total - first);
        const logits = reshaped(buffer, [rows, classes]);
        const part = rowsOf(weight, first, classes);
        primitives.matmul([logits], [hidden, transposed(part)], product);
        visit({ first, classes, weight: part, bias: bias ? rowsOf(bias, first, classes) : null, logits });
      }
    });
  }

  function dispatch(
    key: string,
    groups: number,
    outputs: Record<string, MaybeView>,
    inputs: Record<string, MaybeView>,
    parameters: readonly Parameter[],
    body: () => string,
    reports = false,
  ): void {
    const { bindings, bases, dtypes, accessors } = bindAll(device, "linearCrossEntropy", outputs, inputs);
    device.stream.dispatch({
      key: `linearCrossEntropy ${key} ${dtypes}`,
      parameters: [halfGroup, ...parameters, ...bases],
      bindings: [...bindings, ...(reports ? [errorBinding(device)] : [])],
      groups,
      body: () => `${accessors}\n${body()}`,
    });
  }

  function backward(call: BackwardCall<"linearCrossEntropy">): void {
    const { inputs, saved, gradOutputs, gradInputs } = call;
    const [hidden, weight, bias, labels] = inputs;
    const [lse] = saved;
    const [grad] = gradOutputs;
    const [gradHidden, gradWeight, gradBias] = gradInputs;
    const [rows] = hidden!.shape as [number, number];
    // Summed over chunks, which 16 bits would round in between.
    if (grad && gradHidden && gradHidden.dtype !== "f32") {
      const copy = (out: View, x: View): void => primitives.copy([out], [x], {});
      return throughFloat32(device, copy, gradHidden, false, (wide) =>
        backward({ ...call, gradInputs: [wide, gradWeight ?? null, gradBias ?? null, null] }),
      );
    }
    if (!grad || rows === 0) {
      for (const gradient of [gradHidden, gradWeight, gradBias]) if (gradient) clear(gradient);
      return;
    }
    eachChunk(hidden!, weight!, bias, ({ first, classes, weight: part, bias: shift, logits }) => {
      const sizes: Parameter[] = [
        ["size", "u32", rows * classes],
        ["classes", "u32", classes],
        ["first", "u32", first],
      ];
      const groups = Math.ceil((rows * classes) / threads);
      const key = `gradient ${shift ? "bias" : ""}`;
      dispatch(key, groups, { logits }, { labels, lse, grad, bias: shift }, sizes, () => printGradient(shift !== null));
      if (gradHidden) primitives.matmul([gradHidden], [logits, part], { alpha: 1, accumulate: first > 0 });
      if (gradWeight) primitives.matmul([rowsOf(gradWeight, first, classes)], [transposed(logits), hidden!], product);
      if (gradBias) {
        const row = reshaped(rowsOf(gradBias, first, classes), [1, classes]);
        primitives.reduce([row], [logits], { kind: "sum", axes: [0] });
      }
    });
  }

  return {
    supports(query) {
      const [hidden, weight] = query.inputs;
      const answer = supportsDense(device, "linearCrossEntropy", query, { windows: true });
      const widest = Math.max(hidden!.shape[0]!, hidden!.shape[1]!, weight!.shape[0]!) * 64;
      if (answer === true && widest > device.maxBindingBytes / 2)
        return {
          reason: `the WebGPU kernel wants 64 columns of each operand in half a binding of ${device.maxBindingBytes} bytes, got ${widest}`,
        };
      return answer;
    },
    saved: ({ inputs }) => [{ shape: [inputs[0]!.shape[0]!], dtype: "f32" }],
    backwardReads: { inputs: [0, 1, 2, 3], outputs: [] },
    forward({ inputs: [hidden, weight, bias, labels], outputs: [lossSum, correct], saved: [lse] }) {
      const [rows] = hidden!.shape as [number, number];
      const [total] = weight!.shape as [number, number];
      if (rows === 0 || total === 0) {
        for (const output of [lossSum!, correct!]) clear(output);
        return;
      }
      withTensor(device, [rows, 4], (state) => {
        eachChunk(hidden!, weight!, bias, ({ first, classes, bias: part, logits }) => {
          const sizes: Parameter[] = [
            ["rows", "u32", rows],
            ["classes", "u32", classes],
            ["first", "u32", first],
          ];
          const key = `chunk ${part ? "bias" : ""}`;
          dispatch(key, rows, { state }, { logits, labels, bias: part }, sizes, () =>
            printChunk(device.features.subgroups, part !== null),
          );
        });
        withTensor(device, [2, rows], (scores) => {
          const sizes: Parameter[] = [
            ["rows", "u32", rows],
            ["total", "u32", total],
          ];
          const groups = Math.ceil(rows / threads);
          const key = `scores ${lse ? "saving" : ""}`;
          dispatch(key, groups, { scores, lse }, { state, labels }, sizes, () => printScores(Boolean(lse)), true);
          [lossSum!, correct!].forEach((output, at) => {
            const row = { ...scores, shape: [rows], strides: [1], offset: at * rows };
            primitives.reduce([output], [row], { kind: "sum", axes: [0] });
          });
        });
      });
    },
    backward,
  };
}
