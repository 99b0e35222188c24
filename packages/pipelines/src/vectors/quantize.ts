/** Vectors in fewer bytes, number for number as `quantize_embeddings` of sentence-transformers gives them. */
import { TensorError } from "@modernbert-ts/tensor-core";

export type VectorPrecision = "float32" | "int8" | "uint8" | "binary" | "ubinary";

/** Smallest and largest value of each number of a vector [d]. */
export interface VectorRanges {
  readonly minimum: Float32Array;
  readonly maximum: Float32Array;
}

export interface QuantizeOptions {
  /** For int8 and uint8. Default: those of `calibration`. */
  readonly ranges?: VectorRanges;
  /** Vectors whose ranges count. Default: the vectors themselves, which makes numbers that compare within one call only. */
  readonly calibration?: readonly Float32Array[];
}

export interface QuantizedVectors {
  /** One per vector; of binary and ubinary eight numbers a byte, the first in its highest bit. */
  readonly vectors: readonly (Float32Array | Int8Array | Uint8Array)[];
  /** What int8 and uint8 stand for, and where that comes from. */
  readonly ranges?: VectorRanges & { readonly from: "ranges" | "calibration" | "vectors" };
}

/** @throws TensorError on vectors or ranges of different lengths. */
export function quantizeVectors(
  vectors: readonly Float32Array[],
  precision: VectorPrecision,
  options: QuantizeOptions = {},
): QuantizedVectors {
  if (vectors.length === 0) return { vectors: [] };
  switch (precision) {
    case "float32":
      return { vectors };
    case "binary":
      return { vectors: vectors.map((vector) => Int8Array.from(bits(vector), (byte) => byte - 128)) };
    case "ubinary":
      return { vectors: vectors.map(bits) };
    case "int8":
    case "uint8":
      return inRanges(vectors, precision, options);
    default:
      throw new TensorError(
        "quantizeVectors",
        `expected float32, int8, uint8, binary or ubinary, got ${String(precision)}`,
      );
  }
}

/** 256 equal steps between the ends of the ranges, in f32 as numpy computes them. */
function inRanges(
  vectors: readonly Float32Array[],
  precision: "int8" | "uint8",
  { ranges, calibration }: QuantizeOptions,
): QuantizedVectors {
  const { minimum, maximum } = ranges ?? rangesOf(calibration ?? vectors);
  const width = minimum.length;
  for (const { length } of [maximum, ...vectors]) {
    if (length === width) continue;
    throw new TensorError("quantizeVectors", `expected vectors and ranges of ${width} numbers, got ${length}`);
  }
  const steps = minimum.map((low, at) => Math.fround(Math.fround(maximum[at]! - low) / 255) || 1);
  const offset = precision === "int8" ? 128 : 0;
  const quantized = vectors.map((vector) => {
    const made = precision === "int8" ? new Int8Array(width) : new Uint8Array(width);
    for (const [at, value] of vector.entries()) {
      const step = Math.floor(Math.fround(Math.fround(value - minimum[at]!) / steps[at]!));
      made[at] = Math.min(255, Math.max(0, step)) - offset;
    }
    return made;
  });
  const from = ranges ? "ranges" : calibration ? "calibration" : "vectors";
  return { vectors: quantized, ranges: { minimum, maximum, from } };
}

function rangesOf(vectors: readonly Float32Array[]): VectorRanges {
  const [first] = vectors;
  if (!first) throw new TensorError("quantizeVectors", "expected at least one vector to calibrate with, got none");
  const [minimum, maximum] = [first.slice(), first.slice()];
  for (const vector of vectors) {
    for (const [at, value] of vector.entries()) {
      minimum[at] = Math.min(minimum[at]!, value);
      maximum[at] = Math.max(maximum[at]!, value);
    }
  }
  return { minimum, maximum };
}

function bits(vector: Float32Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(vector.length / 8));
  for (const [at, value] of vector.entries()) if (value > 0) bytes[at >> 3]! |= 128 >> (at & 7);
  return bytes;
}
