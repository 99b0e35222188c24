/**
 * Layer norm, alone and after a residual addition: a workgroup or a thread per row. Gradients of weight and bias are sums over blocks of
 * rows.
 */
import { expectNoDropout, firstRefusal } from "@modernbert-ts/device-kit";
import type { FusedKernel, TensorSpec, View } from "@modernbert-ts/tensor-core";
import { deviceDType, isPacked, storePair } from "../wgsl/access.ts";
import { halfGroup, groupThreads as threads } from "../wgsl/reduction.ts";
import { blockRows, printBackward, printForward, printSumRows } from "./layer-norm-shaders.ts";
import type { RowWorker } from "./layer-norm-shaders.ts";
import { bindAll, reshaped, supportsDense, withTensor } from "./support.ts";
import type { Operands, Tools } from "./support.ts";

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
  const worker: RowWorker = device.avoidsBarriers ? "thread" : "group";
  const { subgroups } = device.features;

  function dispatchRows(
    key: string,
    rows: number,
    width: number,
    { bindings, bases, dtypes, accessors }: Operands,
    eps: number,
    body: () => string,
  ): void {
    device.stream.dispatch({
      key: `${key} by ${worker} ${dtypes}`,
      parameters: [["rows", "u32", rows], ["width", "u32", width], ["eps", "f32", eps], halfGroup, ...bases],
      bindings,
      groups: worker === "group" ? rows : Math.ceil(rows / threads),
      body: () => `${accessors}\n${body()}`,
    });
  }

  /** Σ over rows of gradY · x̂ and of gradY, first in blocks of rows. */
  function sumRows({ x, stats, gradWeight, gradBias }: Backward, gradY: View): void {
    const [rows, width] = x.shape as [number, number];
    const blocks = Math.ceil(rows / blockRows);
    withTensor(device, [blocks, 2 * width], (partial) => {
      const { bindings, bases, dtypes, accessors } = bindAll(
        device,
        "layerNorm",
        { partial },
        { x, stats, grad: gradY },
      );
      device.stream.dispatch({
        key: `layerNorm weight gradient ${dtypes}`,
        parameters: [["rows", "u32", rows], ["width", "u32", width], ["blocks", "u32", blocks], ...bases],
        bindings,
        groups: Math.ceil((blocks * width) / threads),
        body: () => `${accessors}\n${printSumRows()}`,
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
      const dtype = deviceDType("layerNorm", y.dtype);
      const pairs = isPacked(dtype) && width % 2 === 0 && y.offset % 2 === 0;
      const variant = { delta: Boolean(delta), bias: Boolean(bias), stats: Boolean(stats), pairs };
      dispatchRows(
        `layerNorm forward ${JSON.stringify(variant)}`,
        rows,
        width,
        operands,
        eps,
        () => `${pairs ? storePair("y", dtype) : ""}\n${printForward(worker, subgroups, variant)}`,
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
        dispatchRows(`layerNorm backward ${residual}`, rows, width, operands, 0, () =>
          printBackward(worker, subgroups, residual),
        );
      }
      if (gradWeight || gradBias) sumRows(call, gradY);
    },
  };
}

export function layerNorm(tools: Tools): FusedKernel<"layerNorm"> {
  const norm = createNorm(tools);
  return {
    supports: (query) => supportsDense(tools.device, "layerNorm", query),
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
    supports: (query) =>
      firstRefusal([supportsDense(tools.device, "residualLayerNorm", query), expectNoDropout(query.attrs)]),
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
