/**
 * A linear layer with a bias, which the product adds as it stores, or with a 16-bit weight to f32 rows, of which a stripe at a time is widened.
 * With neither, the primitive matmul is as good.
 */
import { expectDtypes, firstRefusal } from "@modernbert-ts/device-kit";
import { bytesOf, isNarrow } from "@modernbert-ts/tensor-core";
import type { FusedKernel, View } from "@modernbert-ts/tensor-core";
import type { CudaCommands } from "../operations.ts";

/** Bytes of a stripe: it stays in the cache until it is multiplied. */
const stripeBytes = 8 << 20;

/** Rows whose columns are summed at once (native/kernels/linear/column_sums.cu). */
const stretch = 256;

export function linear(commands: CudaCommands): FusedKernel<"linear"> {
  /** y = x · weightᵀ + bias. */
  const apply = (y: View, x: View, weight: View, bias: View | null): void =>
    bias ? commands.encode("linear", [y, x, weight, bias]) : multiply(y, x, turned(weight));
  const multiply = (out: View, a: View, b: View): void => commands.encode("matmul", [out, a, b], [1, 0]);

  const inStripes = (y: View, x: View, weight: View, bias: View | null): void => {
    const [channels, depth] = weight.shape as [number, number];
    // Each begins at a multiple of 16 bytes.
    const most = Math.max(4, 4 * Math.floor(stripeBytes / (16 * depth)));
    commands.scratch(4 * depth * Math.min(channels, most), (memory) => {
      for (let first = 0; first < channels; first += most) {
        const count = Math.min(most, channels - first);
        const wide: View = { ...memory, dtype: "f32", shape: [count, depth], strides: [depth, 1] };
        commands.encode("copy", [wide, part(weight, 0, first, count)]);
        apply(part(y, 1, first, count), x, wide, bias && part(bias, 0, first, count));
      }
    });
  };

  return {
    supports({ inputs }) {
      const { dtype } = inputs[0]!;
      const narrow = isNarrow(inputs[1]!.dtype) && bytesOf(dtype) === 4;
      return firstRefusal([
        expectDtypes("linear", inputs, [dtype], narrow ? { weight: ["bf16", "f16"] } : {}),
        narrow || inputs[2] ? true : { reason: "linear without a bias is the primitive matmul" },
      ]);
    },
    saved: () => [],
    backwardReads: { inputs: [0, 1], outputs: [] },
    wideGradients: true,
    forward({ inputs: [x, weight, bias], outputs: [y] }) {
      const run = x!.dtype === weight!.dtype ? apply : inStripes;
      run(y!, x!, weight!, bias ?? null);
    },
    backward({ inputs: [x, weight], gradOutputs: [dy], gradInputs: [dx, dWeight, dBias] }) {
      if (dx) multiply(dx, dy!, weight!);
      if (dWeight) multiply(dWeight, turned(dy!), x!);
      if (dBias) {
        const [rows, columns] = dy!.shape as [number, number];
        commands.scratch(4 * columns * Math.ceil(rows / stretch), (memory) =>
          commands.encode("column_sums", [dBias, dy!, memory]),
        );
      }
    },
  };
}

/** The transpose. */
function turned(view: View): View {
  const { shape, strides } = view;
  return { ...view, shape: [shape[1]!, shape[0]!], strides: [strides[1]!, strides[0]!] };
}

/** `count` indices of an axis, from `first`. */
function part(view: View, axis: number, first: number, count: number): View {
  const shape = view.shape.map((extent, at) => (at === axis ? count : extent));
  return { ...view, shape, offset: view.offset + first * view.strides[axis]! };
}
