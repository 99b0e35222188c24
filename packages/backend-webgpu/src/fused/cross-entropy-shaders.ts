/** The shaders of `linear-cross-entropy.ts`. Logits, states and losses are f32. */
import { groupIndex, mainArguments } from "../device/dispatch.ts";
import { errorCode } from "../kernels/bad-values.ts";

export const threads = 64;

/** A workgroup per row. state = largest, Σ exp(logit - largest), the label's logit, the first class with the largest logit. */
export function printChunk(bias: boolean): string {
  const logit = `logits[p.logits_base + row * p.classes + c]${bias ? " + load_bias(p.bias_base + c)" : ""}`;
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
export function printScores(saves: boolean): string {
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
export function printGradient(bias: boolean): string {
  return `@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let index = ${groupIndex} * ${threads}u + local;
  if (index >= p.size) { return; }
  let row = index / p.classes;
  let c = index % p.classes;
  let label = labels[p.labels_base + row];
  let at = p.logits_base + index;
  let logit = logits[at]${bias ? " + load_bias(p.bias_base + c)" : ""};
  let probability = exp_(logit - lse[p.lse_base + row]);
  let slope = probability - select(0.0, 1.0, label == i32(p.first + c));
  logits[at] = select(0.0, slope * grad[p.grad_base], label >= 0);
}`;
}
