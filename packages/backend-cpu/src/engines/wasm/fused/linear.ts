/** Linear layers over narrow weights: bf16 and f16 (assembly/narrow-linear.ts), bytes (assembly/int8-linear.ts). */
import { expectDtypes } from "@modernbert-ts/device-kit";
import type { FusedKernel, View } from "@modernbert-ts/tensor-core";
import type { Operand } from "../../typescript/operand.ts";
import { addressOf } from "../context.ts";
import type { WasmContext } from "../context.ts";
import { splitIntoBlocks } from "../matmul.ts";

/** As in the kernel. */
const quantizedRowsPerTask = 16;

export function linear({ resolve, threads }: WasmContext): FusedKernel<"linear"> {
  return {
    supports: ({ inputs }) => expectDtypes("linear", inputs, ["f32"], { weight: ["bf16", "f16"] }),
    saved: () => [],
    backwardReads: { inputs: [], outputs: [] },
    forward({ inputs: [x, weight, bias], outputs: [y] }) {
      const [rows, columns] = y!.shape as [number, number];
      if (rows === 0 || columns === 0) return;
      const { tasks, blockRows, blockColumns } = splitIntoBlocks(rows, columns, threads);
      const addresses = [y, x, weight, bias].map((view) => addressOf(optional(view, resolve)));
      const sizes = [rows, columns, x!.shape[1]!, weight!.dtype === "f16" ? 1 : 0];
      threads.run("narrowLinear", tasks, ...addresses, ...sizes, blockRows, blockColumns);
    },
    backward: "recompute",
  };
}

export function int8Linear({ resolve, threads, borrow }: WasmContext): FusedKernel<"int8Linear"> {
  return {
    supports: ({ inputs }) => expectDtypes("int8Linear", inputs),
    saved: () => [],
    backwardReads: { inputs: [], outputs: [] },
    forward({ inputs: [x, weight, scales, bias], outputs: [y] }) {
      const [rows, columns] = y!.shape as [number, number];
      if (rows === 0 || columns === 0) return;
      const depth = x!.shape[1]!;
      const bytes = 4 * weight!.shape[1]!;
      const stride = 8 * Math.ceil(depth / 8);
      // Whole numbers of 16 bits, two to an element.
      borrow("i32", [rows, stride / 2], (numbers) => {
        borrow("f32", [rows], (rowScales) => {
          const quantized = [numbers, rowScales].map(addressOf);
          const quantizeTasks = Math.ceil(rows / quantizedRowsPerTask);
          threads.run("quantizeRows", quantizeTasks, ...quantized, addressOf(resolve(x!)), rows, depth, stride);
          const { tasks, blockRows, blockColumns } = splitIntoBlocks(rows, columns, threads);
          const weights = [weight, scales, bias].map((view) => addressOf(optional(view, resolve)));
          const sizes = [rows, columns, stride, bytes, blockRows, blockColumns];
          threads.run("int8Linear", tasks, addressOf(resolve(y!)), ...quantized, ...weights, ...sizes);
        });
      });
    },
    backward: "none",
  };
}

function optional(view: View | null | undefined, resolve: (view: View) => Operand): Operand | undefined {
  return view ? resolve(view) : undefined;
}
