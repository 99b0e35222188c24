/** Weights for `int8Linear`: symmetric per output channel, rounded to nearest, four signed bytes in a word. On the host, once per model. */
import { ShapeError, TensorError } from "../errors.ts";
import { roundToEven } from "../scalar/round.ts";

export interface Int8Weights {
  /** [rows, ⌈columns / 4⌉], the first byte lowest, zeros beyond the columns. */
  readonly words: Int32Array;
  /** [rows], what 1 is worth, max|w| / 127; 0 for a row of zeros. */
  readonly scales: Float32Array;
}

/**
 * @param values [rows, columns], row by row.
 * @throws TensorError for a NaN or an infinity.
 */
export function quantizeInt8(values: Float32Array, rows: number, columns: number): Int8Weights {
  if (values.length !== rows * columns) {
    throw new ShapeError("quantizeInt8", `expected ${rows} × ${columns} values, got ${values.length}`);
  }
  const width = Math.ceil(columns / 4);
  const words = new Int32Array(rows * width);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const from = row * columns;
    const largest = largestOf(values, from, columns);
    if (!Number.isFinite(largest)) {
      throw new TensorError("quantizeInt8", `expected finite weights, got a NaN or an infinity in row ${row}`);
    }
    scales[row] = largest / 127;
    const inverse = largest === 0 ? 0 : 127 / largest;
    for (let column = 0; column < columns; column++) {
      const byte = roundToEven(values[from + column]! * inverse) & 255;
      words[row * width + (column >> 2)]! |= byte << (8 * (column & 3));
    }
  }
  return { words, scales };
}

/** The largest magnitude; NaN or infinite where one of them is. */
function largestOf(values: Float32Array, from: number, count: number): number {
  let largest = 0;
  for (let at = from; at < from + count; at++) {
    const magnitude = Math.abs(values[at]!);
    if (!(magnitude <= largest)) largest = magnitude;
    if (Number.isNaN(magnitude)) return magnitude;
  }
  return largest;
}
