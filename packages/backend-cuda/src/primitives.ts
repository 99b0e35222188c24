/** The primitives as commands, with the memory that some of them need. */
import { primitiveCommands } from "@modernbert-ts/device-kit";
import { isFloating, sizeOf, UnsupportedError } from "@modernbert-ts/tensor-core";
import type { Expression, PrimitiveKernels, View } from "@modernbert-ts/tensor-core";
import type { CudaCommands } from "./operations.ts";
import { reduce } from "./reduction.ts";
import { withScratch } from "./scratch.ts";
import { canBeSorted, sortMemory } from "./sorted-ids.ts";

/** Rows that are summed by one block of `segmentSum` (native/kernels/primitives/segment_sum.cu). */
const tileRows = 64;

/** As many values of a row are compared with one another by `putAlong`; more are sorted. */
const fewPicks = 64;

/** @param encodeMap gives the attributes of a program. */
export function cudaPrimitives(
  commands: CudaCommands,
  encodeMap: (expression: Expression) => readonly number[],
): PrimitiveKernels<View> {
  return {
    ...primitiveCommands(commands, encodeMap),
    reduce: ([out], [input], attrs) => reduce(commands, out!, input!, attrs),
    segmentSum: ([out], [values, ids]) => segmentSum(commands, out!, values!, ids!),
    putAlong: ([out], [values, ids]) => putAlong(commands, out!, values!, ids!),
  };
}

function segmentSum(commands: CudaCommands, out: View, values: View, ids: View): void {
  const [rows, columns] = values.shape as [number, number];
  if (!canBeSorted(ids, 1, out.shape[0]!))
    throw new UnsupportedError("segmentSum", `expected fewer than 2^32 - 1 segments, got ${out.shape[0]}`);
  const dtype = isFloating(values.dtype) ? "f32" : values.dtype;
  const memory = [...sortMemory(ids), { shape: [Math.ceil(rows / tileRows), 2, columns], dtype }];
  withScratch(commands, memory, (views) => commands.encode("segment_sum", [out, values, ids, ...views]));
}

function putAlong(commands: CudaCommands, out: View, values: View, ids: View): void {
  if (values.shape[1]! <= fewPicks || !canBeSorted(ids, 1, sizeOf(out.shape)))
    return commands.encode("put_along", [out, values, ids]);
  withScratch(commands, sortMemory(ids), (views) => commands.encode("put_along_sorted", [out, values, ids, ...views]));
}
