/** Linear layers over narrow weights: bf16 and f16 (c/narrow/linear.c), bytes (c/narrow/int8_linear.c). */
import { expectDtypes } from "@modernbert-ts/device-kit";
import type { FusedKernel, View } from "@modernbert-ts/tensor-core";
import type { NativeCommands } from "../operations.ts";
import { floats } from "./floats.ts";

export function linear(commands: NativeCommands): FusedKernel<"linear"> {
  const multiply = (out: View, a: View, b: View): void => commands.encode("matmul", [out, a, b], [1, 0]);
  return {
    supports: ({ inputs }) => expectDtypes("linear", inputs, floats, { weight: ["bf16", "f16"] }),
    saved: () => [],
    backwardReads: { inputs: [0, 1], outputs: [] },
    wideGradients: true,
    forward: ({ inputs: [x, weight, bias], outputs: [y] }) =>
      commands.encode("linear", [y!, x!, weight!, bias ?? null]),
    backward({ inputs: [x, weight], gradOutputs: [dy], gradInputs: [dx, dWeight, dBias] }) {
      if (dx) multiply(dx, dy!, weight!);
      if (dWeight) multiply(dWeight, turned(dy!), x!);
      if (dBias) commands.encode("reduce", [asRow(dBias), dy!], [0, 1]);
    },
  };
}

function turned({ shape: [rows, columns], strides: [row, column], ...view }: View): View {
  return { ...view, shape: [columns!, rows!], strides: [column!, row!] };
}

/** [n] as [1, n]. */
function asRow(view: View): View {
  const [size] = view.shape as [number];
  return { ...view, shape: [1, size], strides: [size, 1] };
}

export function int8Linear(commands: NativeCommands): FusedKernel<"int8Linear"> {
  return {
    supports: ({ inputs }) => expectDtypes("int8Linear", inputs),
    saved: () => [],
    backwardReads: { inputs: [], outputs: [] },
    forward: ({ inputs: [x, weight, scales, bias], outputs: [y] }) =>
      commands.encode("int8_linear", [y!, x!, weight!, scales!, bias ?? null]),
    backward: "none",
  };
}
