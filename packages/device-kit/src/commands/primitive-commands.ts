/** The primitives as commands of a native library, and the names under which it has them. */
import type { Expression, PrimitiveKernels, View } from "@modernbert-ts/tensor-core";
import type { CommandEncoder } from "./encoder.ts";

export const primitiveOperations = [
  "fill",
  "iota",
  "random_bits",
  "copy",
  "map",
  "reduce",
  "matmul",
  "gather",
  "segment_sum",
  "take_along",
  "put_along",
] as const;

export type PrimitiveOperation = (typeof primitiveOperations)[number];

/** @param encodeMap gives the attributes of a program, see `mapEncoder`. */
export function primitiveCommands(
  commands: CommandEncoder<PrimitiveOperation>,
  encodeMap: (expression: Expression) => readonly number[],
): PrimitiveKernels<View> {
  return {
    fill: (outputs, _, { value }) => commands.encode("fill", outputs, [value]),
    iota: (outputs, _, { start, step }) => commands.encode("iota", outputs, [start, step]),
    randomBits: (outputs, [step], { key, counter }) =>
      commands.encode("random_bits", [...outputs, step ?? null], [...key, ...counter]),
    copy: (outputs, inputs) => commands.encode("copy", [...outputs, ...inputs]),
    map: (outputs, inputs, { expression }) =>
      commands.encode("map", [...outputs, ...inputs], [inputs.length, ...encodeMap(expression)]),
    reduce: (outputs, inputs, { kind, axes }) =>
      commands.encode(
        "reduce",
        [...outputs, ...inputs],
        [kind === "max" ? 1 : 0, axes.reduce((mask, axis) => mask | (1 << axis), 0)],
      ),
    matmul: (outputs, inputs, { alpha, accumulate }) =>
      commands.encode("matmul", [...outputs, ...inputs], [alpha, accumulate ? 1 : 0]),
    gather: (outputs, inputs) => commands.encode("gather", [...outputs, ...inputs]),
    segmentSum: (outputs, inputs) => commands.encode("segment_sum", [...outputs, ...inputs]),
    takeAlong: (outputs, inputs) => commands.encode("take_along", [...outputs, ...inputs]),
    putAlong: (outputs, inputs) => commands.encode("put_along", [...outputs, ...inputs]),
  };
}
