/** Weights for `int4Linear`: symmetric per group of columns, rounded to nearest, eight to a word. On the host, once per model. */
import { ShapeError, TensorError } from "../errors.ts";
import { roundToEven } from "../scalar/round.ts";

/** Columns that share a scale; rows are filled up with zeros to whole groups. */
export const int4Group = 128;

export interface Int4Weights {
  /** [rows, 16 · ⌈columns / 128⌉] words: byte j of a group holds w + 8 of its columns j (lower half) and j + 64. */
  readonly words: Int32Array;
  /** [rows, ⌈columns / 128⌉], what 1 is worth, max|w| / 7.5; 0 for a group of zeros. */
  readonly scales: Float32Array;
}

/**
 * Whole numbers from -8 to 7: the largest weight of a group lies half a unit beyond 7 or -8, so that all sixteen are used.
 * @param values [rows, columns], row by row.
 * @throws TensorError for a NaN or an infinity.
 */
export function quantizeInt4(values: Float32Array, rows: number, columns: number): Int4Weights {
  if (values.length !== rows * columns)
    throw new ShapeError("quantizeInt4", `expected ${rows} × ${columns} values, got ${values.length}`);
  const groups = Math.ceil(columns / int4Group);
  const scales = new Float32Array(rows * groups);
  // Zeros, beyond the columns too.
  const bytes = new Uint8Array((rows * groups * int4Group) / 2).fill(0x88);
  for (let row = 0; row < rows; row++)
    for (let group = 0; group < groups; group++) {
      const from = row * columns + group * int4Group;
      const part = values.subarray(from, Math.min(from + int4Group, (row + 1) * columns));
      const largest = part.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      if (!Number.isFinite(largest))
        throw new TensorError("quantizeInt4", `expected finite weights, got a NaN or an infinity in row ${row}`);
      const scale = Math.fround(largest / 7.5);
      scales[row * groups + group] = scale;
      if (scale === 0) continue;
      const to = ((row * groups + group) * int4Group) / 2;
      part.forEach((value, at) => {
        const unit = Math.max(-8, Math.min(7, roundToEven(value / scale))) + 8;
        const high = at >= int4Group / 2;
        const byte = to + (at % (int4Group / 2));
        bytes[byte] = high ? (bytes[byte]! & 0x0f) | (unit << 4) : (bytes[byte]! & 0xf0) | unit;
      });
    }
  return { words: new Int32Array(bytes.buffer), scales };
}
