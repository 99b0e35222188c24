/**
 * Output projection and cross-entropy without all logits: classes come in chunks, whose logits one matmul writes and one kernel folds
 * into running values of each row (largest logit, Σ exp, the label's logit, the first best class). Backward computes the logits of a
 * chunk again, turns them into their gradient in place and multiplies it out.
 */
import type { FusedKernel, View } from "@modernbert-ts/tensor-core";
import { groupIndex, mainArguments } from "../device/stream.ts";
import type { Parameter } from "../device/stream.ts";
import { errorCode } from "../kernels/bad-values.ts";
import { errorBinding } from "../kernels/space.ts";
import { bindAll, reshaped, rowsOf, supportsDense, transposed, withTensor } from "./support.ts";
import type { Tools } from "./support.ts";

const threads = 64;
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
    const step = Math.max(1, Math.min(maxChunkClasses, total, Math.floor(bytes / 4 / Math.max(1, rows))));
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
    const { bound, bases } = bindAll(device, "linearCrossEntropy", outputs, inputs);
    device.stream.dispatch({
      key: `linearCrossEntropy ${key}`,
      parameters: [["half_group", "u32", threads / 2], ...parameters, ...bases],
      bindings: [...bound.map(({ binding }) => binding), ...(reports ? [errorBinding(device)] : [])],
      groups,
      body,
    });
  }

  return {
    supports({ inputs }) {
      const [hidden, weight] = inputs;
      const answer = supportsDense(device, inputs, { indices: [3], windows: true });
      const widest = Math.max(hidden!.shape[0]!, hidden!.shape[1]!, weight!.shape[0]!) * 64;
      if (answer === true && widest > device.maxBindingBytes / 2)
        return { reason: "the rows are too many for the bindings" };
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
          dispatch(key, rows, { state }, { logits, labels, bias: part }, sizes, () => printChunk(part !== null));
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
    backward({ inputs: [hidden, weight, bias, labels], saved: [lse], gradOutputs: [grad], gradInputs }) {
      const [gradHidden, gradWeight, gradBias] = gradInputs;
      const [rows] = hidden!.shape as [number, number];
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
        dispatch(key, groups, { logits }, { labels, lse, grad, bias: shift }, sizes, () =>
          printGradient(shift !== null),
        );
        if (gradHidden) primitives.matmul([gradHidden], [logits, part], { alpha: 1, accumulate: first > 0 });
        if (gradWeight) primitives.matmul([rowsOf(gradWeight, first, classes)], [transposed(logits), hidden!], product);
        if (gradBias) {
          const row = reshaped(rowsOf(gradBias, first, classes), [1, classes]);
          primitives.reduce([row], [logits], { kind: "sum", axes: [0] });
        }
      });
    },
  };
}

/** A workgroup per row. state = largest, Σ exp(logit - largest), the label's logit, the first class with the largest logit. */
function printChunk(bias: boolean): string {
  const logit = `logits[p.logits_base + row * p.classes + c]${bias ? " + bias[p.bias_base + c]" : ""}`;
  const each = `for (var c = local; c < p.classes; c += ${threads}u)`;
  return `var<workgroup> values: array<f32, ${threads}>;
var<workgroup> places: array<u32, ${threads}>;
@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let row = ${groupIndex};
  if (row >= p.rows) { return; }
  var largest = float_(0xff800000u);
  var place = 0xffffffffu;
  ${each} {
    let logit = ${logit};
    if (place == 0xffffffffu || logit > largest) { largest = logit; place = p.first + c; }
  }
  values[local] = largest;
  places[local] = place;
  for (var width = p.half_group; width > 0u; width = width / 2u) {
    workgroupBarrier();
    if (local < width && places[local + width] != 0xffffffffu) {
      let other = values[local + width];
      let earlier = places[local + width] < places[local];
      if (other > values[local] || (other == values[local] && earlier)) {
        values[local] = other;
        places[local] = places[local + width];
      }
    }
  }
  workgroupBarrier();
  let chunk_largest = values[0];
  let chunk_place = places[0];
  workgroupBarrier();
  var sum = 0.0;
  ${each} { sum += exp_(${logit} - chunk_largest); }
  values[local] = sum;
  for (var width = p.half_group; width > 0u; width = width / 2u) {
    workgroupBarrier();
    if (local < width) { values[local] += values[local + width]; }
  }
  if (local != 0u) { return; }
  let to = p.state_base + row * 4u;
  let label = labels[p.labels_base + row];
  if (label >= i32(p.first) && label < i32(p.first + p.classes)) {
    let c = u32(label) - p.first;
    state[to + 2u] = ${logit};
  }
  if (p.first == 0u) {
    state[to] = chunk_largest;
    state[to + 1u] = values[0];
    state[to + 3u] = f32(chunk_place);
    return;
  }
  let before = state[to];
  let together = max(before, chunk_largest);
  state[to] = together;
  state[to + 1u] = state[to + 1u] * exp_(before - together) + values[0] * exp_(chunk_largest - together);
  if (chunk_largest > before) { state[to + 3u] = f32(chunk_place); }
}`;
}

/** A thread per row: its loss and whether it is right, zero for ignored rows. */
function printScores(saves: boolean): string {
  return `@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let row = ${groupIndex} * ${threads}u + local;
  if (row >= p.rows) { return; }
  let at = p.state_base + row * 4u;
  let label = labels[p.labels_base + row];
  let log_total = state[at] + log_(state[at + 1u]);
  let bad = label >= i32(p.total);
  if (bad) { report_(${errorCode("linearCrossEntropy")}u, label, p.total); }
  let counted = label >= 0 && !bad;
  scores[p.scores_base + row] = select(0.0, log_total - state[at + 2u], counted);
  scores[p.scores_base + p.rows + row] = select(0.0, 1.0, counted && state[at + 3u] == f32(label));
  ${saves ? "lse[p.lse_base + row] = log_total;" : ""}
}`;
}

/** A thread per logit, which becomes its own gradient: (softmax - 1 at the label) · the loss's gradient. */
function printGradient(bias: boolean): string {
  return `@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let index = ${groupIndex} * ${threads}u + local;
  if (index >= p.size) { return; }
  let row = index / p.classes;
  let c = index % p.classes;
  let label = labels[p.labels_base + row];
  let at = p.logits_base + index;
  let logit = logits[at]${bias ? " + bias[p.bias_base + c]" : ""};
  let probability = exp_(logit - lse[p.lse_base + row]);
  let slope = probability - select(0.0, 1.0, label == i32(p.first + c));
  logits[at] = select(0.0, slope * grad[p.grad_base], label >= 0);
}`;
}
