/** Linear layers over narrow weights: bf16 and f16 (c/narrow/linear.c), bytes and half bytes (c/narrow/int8_linear.c, int4_linear.c). */
import { expectDtypes } from "@modernbert-ts/device-kit";
import type { FusedKernel, View } from "@modernbert-ts/tensor-core";
import type { NativeCommands, NativeOperation } from "../operations.ts";
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

export const int8Linear = (commands: NativeCommands): FusedKernel<"int8Linear"> =>
  wholeNumberLinear("int8Linear", "int8_linear", commands);

export const int4Linear = (commands: NativeCommands): FusedKernel<"int4Linear"> =>
  wholeNumberLinear("int4Linear", "int4_linear", commands);

function wholeNumberLinear<K extends "int8Linear" | "int4Linear">(
  composite: K,
  operation: NativeOperation,
  commands: NativeCommands,
): FusedKernel<K> {
  return {
    supports: ({ inputs }) => expectDtypes(composite, inputs, ["f32"], { x: ["f32", "bf16"] }),
    saved: () => [],
    backwardReads: { inputs: [], outputs: [] },
    forward: ({ inputs: [x, weight, scales, bias], outputs: [y] }) =>
      commands.encode(operation, [y!, x!, weight!, scales!, bias ?? null]),
    backward: "none",
  };
}
