/** Layer norm, alone and after a residual addition (assembly/layer-norm.ts). */
import { expectDtype, expectDtypes, expectNoDropout, firstRefusal } from "@modernbert-ts/device-kit";
import type { FusedKernel, TensorSpec, View } from "@modernbert-ts/tensor-core";
import type { Operand } from "../../typescript/operand.ts";
import { addressOf } from "../context.ts";
import type { WasmContext } from "../context.ts";

/** As in the kernel. */
const forwardRows = 16;
/** Most blocks of rows in backward, each with its own partial gradients of weight and bias: fixed, so that threads change no bit. */
const maxPartials = 64;

type Optional = View | null | undefined;

interface Backward {
  readonly gradX: Optional;
  readonly gradDelta?: Optional;
  readonly gradWeight: Optional;
  readonly gradBias: Optional;
  readonly gradY: Optional;
  readonly gradSum?: Optional;
  readonly x: View;
  readonly stats: View;
  readonly weight: View;
}

/** Mean and 1 / standard deviation of each row. */
function statistics(x: TensorSpec | null | undefined): TensorSpec[] {
  return [{ shape: [x!.shape[0]!, 2], dtype: "f32" }];
}

export function layerNorms(context: WasmContext): {
  layerNorm: FusedKernel<"layerNorm">;
  residualLayerNorm: FusedKernel<"residualLayerNorm">;
} {
  const { resolve, threads, borrow } = context;
  const address = (view: Optional): number => addressOf(view ? resolve(view) : undefined);

  /** views: y, sum, stats, x, delta, weight, bias. */
  function forward(views: readonly Optional[], eps: number): void {
    const [rows, dim] = views[0]!.shape as [number, number];
    threads.run("layerNormForward", Math.ceil(rows / forwardRows), ...views.map(address), rows, dim, eps);
  }

  function backward({ gradX, gradDelta, gradWeight, gradBias, gradY, gradSum, x, stats, weight }: Backward): void {
    const [rows, dim] = x.shape as [number, number];
    const perTask = Math.max(16, Math.ceil(rows / maxPartials));
    const tasks = Math.ceil(rows / perTask);
    borrow("f32", [tasks, 2, dim], (partials) => {
      const addresses = [address(gradX), address(gradDelta), addressOf(partials)];
      addresses.push(...[gradY, gradSum, x, stats, weight].map(address));
      threads.run("layerNormBackward", tasks, ...addresses, rows, dim, perTask);
      if (gradWeight) sumPartials(resolve(gradWeight), partials, 0, tasks, dim);
      if (gradBias) sumPartials(resolve(gradBias), partials, dim, tasks, dim);
    });
  }

  function sumPartials(out: Operand, partials: Operand, offset: number, tasks: number, dim: number): void {
    threads.run("sumParts", 1, addressOf(out), addressOf({ ...partials, offset }), tasks, 2 * dim, dim);
  }

  return {
    layerNorm: {
      supports: ({ inputs, outputs: [y] }) =>
        firstRefusal([expectDtypes("layerNorm", inputs), expectDtype("y", y, ["f32"])]),
      saved: ({ inputs }) => statistics(inputs[0]),
      backwardReads: { inputs: [0, 1], outputs: [] },
      forward: ({ attrs, inputs: [x, weight, bias], outputs: [y], saved: [stats] }) =>
        forward([y, null, stats, x, null, weight, bias], attrs.eps),
      backward: ({
        inputs: [x, weight],
        saved: [stats],
        gradOutputs: [gradY],
        gradInputs: [gradX, gradWeight, gradBias],
      }) => backward({ gradX, gradWeight, gradBias, gradY, x: x!, stats: stats!, weight: weight! }),
    },
    residualLayerNorm: {
      supports: ({ attrs, inputs, outputs: [, y] }) =>
        firstRefusal([expectDtypes("residualLayerNorm", inputs), expectDtype("y", y, ["f32"]), expectNoDropout(attrs)]),
      saved: ({ inputs }) => statistics(inputs[0]),
      backwardReads: { inputs: [2], outputs: [0] },
      forward: ({ attrs, inputs: [x, delta, weight, bias], outputs: [sum, y], saved: [stats] }) =>
        forward([y, sum, stats, x, delta, weight, bias], attrs.eps),
      backward: ({
        inputs: [, , weight],
        outputs: [sum],
        saved: [stats],
        gradOutputs: [gradSum, gradY],
        gradInputs: [gradX, gradDelta, gradWeight, gradBias],
      }) =>
        backward({
          gradX,
          gradDelta,
          gradWeight,
          gradBias,
          gradY,
          gradSum,
          x: sum!,
          stats: stats!,
          weight: weight!,
        }),
    },
  };
}
