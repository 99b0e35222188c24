/** `reduce` on CUDA: where few blocks would do all the work, each sum is cut into parts (native/kernels/primitives/reduce.cu). */
import { isFloating } from "@modernbert-ts/tensor-core";
import type { PrimitiveAttrs, View } from "@modernbert-ts/tensor-core";
import type { CudaCommands } from "./operations.ts";
import { withScratch } from "./scratch.ts";

/** Enough for a large GPU. */
const wantedBlocks = 1024;

/** Columns of a block where neighbouring elements of the output lie together in the input, and the least rows of a part; else elements. */
const columnsOfBlock = 128;
const leastRows = 64;
const leastElements = 4096;

/** `out` may be f32 where `input` is f16 or bf16. */
export function reduce(commands: CudaCommands, out: View, input: View, { kind, axes }: PrimitiveAttrs["reduce"]): void {
  const attributes = [kind === "max" ? 1 : 0, axes.reduce((mask, axis) => mask | (1 << axis), 0)];
  const { parts, outputs } = partsOf(input, axes);
  if (parts === 1) return commands.encode("reduce", [out, input], attributes);
  const dtype = isFloating(input.dtype) ? "f32" : input.dtype;
  withScratch(commands, [{ shape: [parts, outputs], dtype }], ([memory]) =>
    commands.encode("reduce_in_parts", [out, input, memory!], attributes),
  );
}

/** @internal How many parts, by shape and strides alone. */
export function partsOf(
  { shape, strides }: Pick<View, "shape" | "strides">,
  axes: readonly number[],
): { readonly parts: number; readonly outputs: number } {
  let [outputs, extent, inColumns] = [1, 1, false];
  for (const [axis, size] of shape.entries()) {
    if (axes.includes(axis)) extent *= size;
    else outputs *= size;
    if (size > 1 && strides[axis] === 1) inColumns = !axes.includes(axis);
  }
  if (outputs * extent === 0) return { parts: 1, outputs };
  const blocks = inColumns ? Math.ceil(outputs / columnsOfBlock) : outputs;
  const most = Math.ceil(extent / (inColumns ? leastRows : leastElements));
  return { parts: Math.max(1, Math.min(Math.floor(wantedBlocks / blocks), most)), outputs };
}
