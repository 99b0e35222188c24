/** The shaders of `layer-norm.ts`. */
import { groupIndex, mainArguments } from "../device/dispatch.ts";
import { printReductions, sumOf, groupThreads as threads } from "../wgsl/reduction.ts";

/** Rows whose part of the weight's gradient one thread adds up. */
export const blockRows = 32;

/** Who works on a row: a workgroup, or, where barriers cost more than they save, one thread. */
export type RowWorker = "group" | "thread";

/** Adds up a value of each thread of a row; all of them get the total. */
function printTotal(worker: RowWorker, subgroups: boolean): string {
  if (worker === "group") return printReductions(subgroups, sumOf("vec2f", "total_of"));
  return "fn total_of(v: vec2f, local: u32) -> vec2f { return v; }";
}

function openRow(worker: RowWorker, subgroups: boolean): string {
  const [row, first] = worker === "group" ? [groupIndex, "local"] : [`${groupIndex} * ${threads}u + local`, "0u"];
  return `${printTotal(worker, subgroups)}
@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let row = ${row};
  if (row >= p.rows) { return; }
  let first = ${first};
  let start = row * p.width;
  let width = f32(p.width);`;
}

function eachColumn(worker: RowWorker, body: string): string {
  return `for (var c = first; c < p.width; c += ${worker === "group" ? threads : 1}u) { ${body} }`;
}

/** The same, but a thread has two neighbours at a time, the first of them `pair`. */
function eachPair(worker: RowWorker, body: string): string {
  return `for (var pair = 2u * first; pair < p.width; pair += ${worker === "group" ? 2 * threads : 2}u) { ${body} }`;
}

export interface ForwardVariant {
  readonly delta: boolean;
  readonly bias: boolean;
  readonly stats: boolean;
  /** y is written two columns at a time, by `store2_y`. */
  readonly pairs: boolean;
}

export function printForward(
  worker: RowWorker,
  subgroups: boolean,
  { delta, bias, stats, pairs }: ForwardVariant,
): string {
  // With a residual the sum is written first, and read back by the thread that wrote it.
  const value = (c: string): string =>
    delta ? `load_sum(p.sum_base + start + ${c})` : `load_x(p.x_base + start + ${c})`;
  const result = (c: string): string => {
    return `(${value(c)} - mean) * inverse * load_weight(p.weight_base + ${c})${bias ? ` + load_bias(p.bias_base + ${c})` : ""}`;
  };
  const first = delta
    ? `let v = load_x(p.x_base + start + c) + load_delta(p.delta_base + start + c); store_sum(p.sum_base + start + c, v); added += ${value("c")};`
    : `added += ${value("c")};`;
  const each = (body: string): string => {
    if (!pairs) return eachColumn(worker, body);
    return eachPair(worker, `for (var c = pair; c < pair + 2u; c++) { ${body} }`);
  };
  return `${openRow(worker, subgroups)}
  var added = 0.0;
  ${each(first)}
  let mean = total_of(vec2f(added, 0.0), local).x / width;
  var squares = 0.0;
  ${each(`let v = ${value("c")} - mean; squares += v * v;`)}
  let inverse = 1.0 / sqrt(total_of(vec2f(squares, 0.0), local).x / width + p.eps);
  ${
    pairs
      ? eachPair(worker, `store2_y(p.y_base + start + pair, ${result("pair")}, ${result("pair + 1u")});`)
      : eachColumn(worker, `store_y(p.y_base + start + c, ${result("c")});`)
  }
  ${stats ? "if (first == 0u) { stats[p.stats_base + 2u * row] = mean; stats[p.stats_base + 2u * row + 1u] = inverse; }" : ""}
}`;
}

/** With g = gradY · weight: gradX = inverse · (g - mean(g) - x̂ · mean(g · x̂)), plus the residual's gradient. */
export function printBackward(worker: RowWorker, subgroups: boolean, residual: boolean): string {
  const terms = `let g = load_grad(p.grad_base + start + c) * load_weight(p.weight_base + c);
    let normed = (load_x(p.x_base + start + c) - mean) * inverse;`;
  return `${openRow(worker, subgroups)}
  let mean = stats[p.stats_base + 2u * row];
  let inverse = stats[p.stats_base + 2u * row + 1u];
  var sums = vec2f();
  ${eachColumn(worker, `${terms} sums += vec2f(g, g * normed);`)}
  let means = total_of(sums, local) / width;
  ${eachColumn(
    worker,
    `${terms} store_y(p.y_base + start + c, inverse * (g - means.x - normed * means.y)${residual ? " + load_residual(p.residual_base + start + c)" : ""});`,
  )}
}`;
}

/** A thread per column and block of rows: Σ gradY · x̂ and Σ gradY. */
export function printSumRows(): string {
  return `@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let index = ${groupIndex} * ${threads}u + local;
  if (index >= p.blocks * p.width) { return; }
  let c = index % p.width;
  let block = index / p.width;
  var weight = 0.0;
  var bias = 0.0;
  for (var row = block * ${blockRows}u; row < min(p.rows, (block + 1u) * ${blockRows}u); row++) {
    let g = load_grad(p.grad_base + row * p.width + c);
    let mean = stats[p.stats_base + 2u * row];
    weight += g * (load_x(p.x_base + row * p.width + c) - mean) * stats[p.stats_base + 2u * row + 1u];
    bias += g;
  }
  partial[p.partial_base + block * 2u * p.width + c] = weight;
  partial[p.partial_base + block * 2u * p.width + p.width + c] = bias;
}`;
}
