/** Layer norm, alone and after a residual addition: a workgroup per row. Gradients of weight and bias are sums over blocks of rows. */
import type { FusedKernel, TensorSpec, View } from "@modernbert-ts/tensor-core";
import { groupIndex, mainArguments } from "../device/stream.ts";
import { bindAll, reshaped, supportsDense, withTensor } from "./support.ts";
import type { Tools } from "./support.ts";

const threads = 64;
/** Rows whose part of the weight's gradient one thread adds up. */
const blockRows = 32;

type MaybeView = View | null | undefined;

/** Mean and 1 / standard deviation of each row. */
function statistics(x: TensorSpec | null | undefined): TensorSpec[] {
  return [{ shape: [x!.shape[0]!, 2], dtype: "f32" }];
}

interface Forward {
  readonly x: View;
  readonly delta?: View;
  readonly weight: View;
  readonly bias: MaybeView;
  readonly y: View;
  readonly sum?: View;
  readonly stats: MaybeView;
  readonly eps: number;
}

interface Backward {
  /** What was normalised. */
  readonly x: View;
  readonly stats: View;
  readonly weight: View;
  readonly gradY: MaybeView;
  /** Gradient that reaches x beside the norm. */
  readonly gradSum?: MaybeView;
  readonly gradX: MaybeView;
  readonly gradWeight: MaybeView;
  readonly gradBias: MaybeView;
}

function createNorm({ device, primitives, clear }: Tools): {
  forward(call: Forward): void;
  backward(call: Backward): void;
} {
  function dispatchRows(
    key: string,
    rows: number,
    width: number,
    { bound, bases }: ReturnType<typeof bindAll>,
    eps: number,
    body: () => string,
  ): void {
    device.stream.dispatch({
      key,
      parameters: [
        ["rows", "u32", rows],
        ["width", "u32", width],
        ["eps", "f32", eps],
        ["half_group", "u32", threads / 2],
        ...bases,
      ],
      bindings: bound.map(({ binding }) => binding),
      groups: rows,
      body,
    });
  }

  /** Σ over rows of gradY · x̂ and of gradY, first in blocks of rows. */
  function sumRows({ x, stats, gradWeight, gradBias }: Backward, gradY: View): void {
    const [rows, width] = x.shape as [number, number];
    const blocks = Math.ceil(rows / blockRows);
    withTensor(device, [blocks, 2 * width], (partial) => {
      const { bound, bases } = bindAll(device, "layerNorm", { partial }, { x, stats, grad: gradY });
      device.stream.dispatch({
        key: "layerNorm weight gradient",
        parameters: [["rows", "u32", rows], ["width", "u32", width], ["blocks", "u32", blocks], ...bases],
        bindings: bound.map(({ binding }) => binding),
        groups: Math.ceil((blocks * width) / threads),
        body: printSumRows,
      });
      const columns = (which: 0 | 1): View => {
        return { ...partial, shape: [blocks, width], strides: [2 * width, 1], offset: which * width };
      };
      const attrs = { kind: "sum", axes: [0] } as const;
      if (gradWeight) primitives.reduce([reshaped(gradWeight, [1, width])], [columns(0)], attrs);
      if (gradBias) primitives.reduce([reshaped(gradBias, [1, width])], [columns(1)], attrs);
    });
  }

  return {
    forward({ x, delta, weight, bias, y, sum, stats, eps }) {
      const [rows, width] = x.shape as [number, number];
      if (rows * width === 0) return;
      const operands = bindAll(device, "layerNorm", { y, sum, stats }, { x, delta, weight, bias });
      const variant = { delta: Boolean(delta), bias: Boolean(bias), stats: Boolean(stats) };
      dispatchRows(`layerNorm forward ${JSON.stringify(variant)}`, rows, width, operands, eps, () =>
        printForward(variant),
      );
    },
    backward(call) {
      const { x, stats, weight, gradY, gradSum, gradX, gradWeight, gradBias } = call;
      const [rows, width] = x.shape as [number, number];
      if (!gradY || rows * width === 0) {
        if (gradX && gradSum) primitives.copy([gradX], [gradSum], {});
        else if (gradX) clear(gradX);
        for (const gradient of [gradWeight, gradBias]) if (gradient) clear(gradient);
        return;
      }
      if (gradX) {
        const operands = bindAll(
          device,
          "layerNorm",
          { y: gradX },
          { x, stats, weight, grad: gradY, residual: gradSum },
        );
        const residual = Boolean(gradSum);
        dispatchRows(`layerNorm backward ${residual}`, rows, width, operands, 0, () => printBackward(residual));
      }
      if (gradWeight || gradBias) sumRows(call, gradY);
    },
  };
}

export function layerNorm(tools: Tools): FusedKernel<"layerNorm"> {
  const norm = createNorm(tools);
  return {
    supports: ({ inputs }) => supportsDense(tools.device, inputs),
    saved: ({ inputs }) => statistics(inputs[0]),
    backwardReads: { inputs: [0, 1], outputs: [] },
    forward: ({ attrs, inputs: [x, weight, bias], outputs: [y], saved: [stats] }) =>
      norm.forward({ x: x!, weight: weight!, bias, y: y!, stats, eps: attrs.eps }),
    backward: ({
      inputs: [x, weight],
      saved: [stats],
      gradOutputs: [gradY],
      gradInputs: [gradX, gradWeight, gradBias],
    }) => norm.backward({ x: x!, weight: weight!, stats: stats!, gradY, gradX, gradWeight, gradBias }),
  };
}

export function residualLayerNorm(tools: Tools): FusedKernel<"residualLayerNorm"> {
  const norm = createNorm(tools);
  return {
    supports: ({ inputs }) => supportsDense(tools.device, inputs),
    saved: ({ inputs }) => statistics(inputs[0]),
    backwardReads: { inputs: [2], outputs: [0] },
    forward: ({ attrs, inputs: [x, delta, weight, bias], outputs: [sum, y], saved: [stats] }) =>
      norm.forward({ x: x!, delta: delta!, weight: weight!, bias, sum: sum!, y: y!, stats, eps: attrs.eps }),
    backward({ inputs: [, , weight], outputs: [x], saved: [stats], gradOutputs: [gradSum, gradY], gradInputs }) {
      const [gradInput, gradDelta, gradWeight, gradBias] = gradInputs;
      const gradX = gradInput ?? gradDelta;
      norm.backward({ x: x!, weight: weight!, stats: stats!, gradY, gradSum, gradX, gradWeight, gradBias });
      if (gradInput && gradDelta) tools.primitives.copy([gradDelta], [gradInput], {});
    },
  };
}

/** Adds up a value of each thread; every thread gets the total. The tree is fixed. */
const totalFunction = `var<workgroup> totals: array<vec2f, ${threads}>;
fn total_of(value: vec2f, local: u32) -> vec2f {
  workgroupBarrier();
  totals[local] = value;
  for (var width = p.half_group; width > 0u; width = width / 2u) {
    workgroupBarrier();
    if (local < width) { totals[local] += totals[local + width]; }
  }
  workgroupBarrier();
  return totals[0];
}`;

const openRow = `@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let row = ${groupIndex};
  if (row >= p.rows) { return; }
  let start = row * p.width;
  let width = f32(p.width);`;

function eachColumn(body: string): string {
  return `for (var c = local; c < p.width; c += ${threads}u) { ${body} }`;
}

function printForward({ delta, bias, stats }: { delta: boolean; bias: boolean; stats: boolean }): string {
  // With a residual the sum is written first, and read back by the thread that wrote it.
  const value = delta ? "sum[p.sum_base + start + c]" : "x[p.x_base + start + c]";
  const first = delta
    ? "let v = x[p.x_base + start + c] + delta[p.delta_base + start + c]; sum[p.sum_base + start + c] = v; added += v;"
    : `added += ${value};`;
  return `${totalFunction}
${openRow}
  var added = 0.0;
  ${eachColumn(first)}
  let mean = total_of(vec2f(added, 0.0), local).x / width;
  var squares = 0.0;
  ${eachColumn(`let v = ${value} - mean; squares += v * v;`)}
  let inverse = 1.0 / sqrt(total_of(vec2f(squares, 0.0), local).x / width + p.eps);
  ${eachColumn(
    `y[p.y_base + start + c] = (${value} - mean) * inverse * weight[p.weight_base + c]${bias ? " + bias[p.bias_base + c]" : ""};`,
  )}
  ${stats ? "if (local == 0u) { stats[p.stats_base + 2u * row] = mean; stats[p.stats_base + 2u * row + 1u] = inverse; }" : ""}
}`;
}

/** With g = gradY · weight: gradX = inverse · (g - mean(g) - x̂ · mean(g · x̂)), plus the residual's gradient. */
function printBackward(residual: boolean): string {
  const terms = `let g = grad[p.grad_base + start + c] * weight[p.weight_base + c];
    let normed = (x[p.x_base + start + c] - mean) * inverse;`;
  return `${totalFunction}
${openRow}
  let mean = stats[p.stats_base + 2u * row];
  let inverse = stats[p.stats_base + 2u * row + 1u];
  var sums = vec2f();
  ${eachColumn(`${terms} sums += vec2f(g, g * normed);`)}
  let means = total_of(sums, local) / width;
  ${eachColumn(
    `${terms} y[p.y_base + start + c] = inverse * (g - means.x - normed * means.y)${residual ? " + residual[p.residual_base + start + c]" : ""};`,
  )}
}`;
}

function printSumRows(): string {
  return `@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let index = ${groupIndex} * ${threads}u + local;
  if (index >= p.blocks * p.width) { return; }
  let c = index % p.width;
  let block = index / p.width;
  var weight = 0.0;
  var bias = 0.0;
  for (var row = block * ${blockRows}u; row < min(p.rows, (block + 1u) * ${blockRows}u); row++) {
    let g = grad[p.grad_base + row * p.width + c];
    let mean = stats[p.stats_base + 2u * row];
    weight += g * (x[p.x_base + row * p.width + c] - mean) * stats[p.stats_base + 2u * row + 1u];
    bias += g;
  }
  partial[p.partial_base + block * 2u * p.width + c] = weight;
  partial[p.partial_base + block * 2u * p.width + p.width + c] = bias;
}`;
}
