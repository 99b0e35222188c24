/** The shaders of `linear-cross-entropy.ts`. Logits, states and losses are f32. */
import { groupIndex, mainArguments } from "../device/dispatch.ts";
import { errorCode } from "../kernels/bad-values.ts";
import { printReductions, sumOf, groupThreads as threads } from "../wgsl/reduction.ts";

/** The largest logit and the first class that has it; threads without classes have none. */
function printBest(subgroups: boolean): string {
  const best = { name: "best_of", type: "Best", combine: "better(a, b)", inSubgroup: "best_in_subgroup(v)" };
  const inSubgroup = `fn best_in_subgroup(v: Best) -> Best {
  let logit = subgroupMax(v.logit);
  return Best(logit, subgroupMin(select(no_class, v.place, v.logit == logit)));
}`;
  return `const no_class = 0xffffffffu;
struct Best { logit: f32, place: u32 }
fn better(a: Best, b: Best) -> Best {
  let is_better = b.logit > a.logit || (b.logit == a.logit && b.place < a.place);
  return Best(select(a.logit, b.logit, is_better), select(a.place, b.place, is_better));
}
${subgroups ? inSubgroup : ""}
${printReductions(subgroups, best, sumOf("f32"))}`;
}

/** A workgroup per row. state = largest, Σ exp(logit - largest), the label's logit, the first class with the largest logit. */
export function printChunk(subgroups: boolean, bias: boolean): string {
  const logit = `logits[p.logits_base + row * p.classes + c]${bias ? " + load_bias(p.bias_base + c)" : ""}`;
  const each = `for (var c = local; c < p.classes; c += ${threads}u)`;
  return `${printBest(subgroups)}
@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let row = ${groupIndex};
  if (row >= p.rows) { return; }
  var largest = float_(0xff800000u);
  var place = no_class;
  ${each} {
    let logit = ${logit};
    if (place == no_class || logit > largest) { largest = logit; place = p.first + c; }
  }
  let best = best_of(Best(largest, place), local);
  var sum = 0.0;
  ${each} { sum += exp_(${logit} - best.logit); }
  let chunk_sum = sum_of(sum, local);
  if (local != 0u) { return; }
  let to = p.state_base + row * 4u;
  let label = labels[p.labels_base + row];
  if (label >= i32(p.first) && label < i32(p.first + p.classes)) {
    let c = u32(label) - p.first;
    state[to + 2u] = ${logit};
  }
  if (p.first == 0u) {
    state[to] = best.logit;
    state[to + 1u] = chunk_sum;
    state[to + 3u] = f32(best.place);
    return;
  }
  let before = state[to];
  let together = max(before, best.logit);
  state[to] = together;
  state[to + 1u] = state[to + 1u] * exp_(before - together) + chunk_sum * exp_(best.logit - together);
  if (best.logit > before) { state[to + 3u] = f32(best.place); }
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
