/** Layer norm, alone and after a residual addition (c/kernels/layer_norm.c). */
import { expectDtype, expectDtypes, expectNoDropout, firstRefusal } from "@modernbert-ts/device-kit";
import type { FusedKernel, TensorSpec } from "@modernbert-ts/tensor-core";
import type { NativeCommands } from "../operations.ts";
import { floats } from "./floats.ts";

/** Mean and 1 / standard deviation of each row. */
function statistics(x: TensorSpec | null | undefined): TensorSpec[] {
  return [{ shape: [x!.shape[0]!, 2], dtype: "f32" }];
}

export function layerNorm(commands: NativeCommands): FusedKernel<"layerNorm"> {
  return {
    supports: ({ inputs, outputs }) =>
      firstRefusal([expectDtypes("layerNorm", inputs), expectDtype("y", outputs.at(-1), floats)]),
    saved: ({ inputs }) => statistics(inputs[0]),
    backwardReads: { inputs: [0, 1], outputs: [] },
    forward: ({ attrs, inputs: [x, weight, bias], outputs: [y], saved: [stats] }) =>
      commands.encode("layer_norm_forward", [y!, null, stats ?? null, x!, null, weight!, bias ?? null], [attrs.eps]),
    backward: ({
      inputs: [x, weight],
      saved: [stats],
      gradOutputs: [gradY],
      gradInputs: [gradX, gradWeight, gradBias],
    }) =>
      commands.encode("layer_norm_backward", [
        gradX ?? null,
        null,
        gradWeight ?? null,
        gradBias ?? null,
        gradY ?? null,
        null,
        x!,
        stats!,
        weight!,
      ]),
  };
}

export function residualLayerNorm(commands: NativeCommands): FusedKernel<"residualLayerNorm"> {
  return {
    supports: ({ attrs, inputs, outputs }) =>
      firstRefusal([
        expectDtypes("residualLayerNorm", inputs, ["f32"], { delta: floats }),
        expectDtype("y", outputs.at(-1), floats),
        expectNoDropout(attrs),
      ]),
    saved: ({ inputs }) => statistics(inputs[0]),
    backwardReads: { inputs: [2], outputs: [0] },
    forward: ({ attrs, inputs: [x, delta, weight, bias], outputs: [sum, y], saved: [stats] }) =>
      commands.encode("layer_norm_forward", [y!, sum!, stats ?? null, x!, delta!, weight!, bias ?? null], [attrs.eps]),
    backward: ({ inputs, outputs: [sum], saved: [stats], gradOutputs: [gradSum, gradY], gradInputs }) =>
      commands.encode("layer_norm_backward", [
        ...[0, 1, 2, 3].map((input) => gradInputs[input] ?? null),
        gradY ?? null,
        gradSum ?? null,
        sum!,
        stats!,
        inputs[2]!,
      ]),
  };
}
