/** From the model's pooled hidden states to vectors on the wire: checked, cut, normalised, written. */
import { normalize } from "@modernbert-ts/pipelines";
import { ServeError } from "./errors.ts";
import { inTurns } from "./in-turns.ts";

export interface VectorSettings {
  readonly normalize: boolean;
  /** Keep the first so many numbers (matryoshka), before normalising. */
  readonly dimensions: number | undefined;
}

/** @throws ServeError 424 for a vector that is not made of finite numbers. */
export function finishVector(pooled: Float32Array, settings: VectorSettings): Float32Array {
  if (!pooled.every(Number.isFinite)) {
    throw new ServeError(
      "Backend",
      "the model computed a vector with NaN or infinity: its weights or this input overflow",
    );
  }
  const vector = pooled.subarray(0, settings.dimensions);
  if (settings.normalize) normalize(vector);
  return vector;
}

/** @throws ServeError 422 unless it is from 1 to the model's hidden size. */
export function checkDimensions(dimensions: number | undefined, hiddenSize: number): void {
  if (dimensions === undefined) return;
  if (dimensions < 1) throw new ServeError("Validation", "`dimensions` should be positive");
  if (dimensions > hiddenSize) {
    throw new ServeError("Validation", "`dimensions` should be smaller than the maximum embedding dimension.");
  }
}

/** A list as JSON. The event loop gets its turn meanwhile: a request may be answered with millions of numbers. Rejects when `signal` aborts. */
export async function jsonList<T>(
  items: readonly T[],
  write: (item: T, index: number) => string | Promise<string>,
  signal: AbortSignal,
): Promise<string> {
  return `[${(await inTurns(items, write, signal)).join(",")}]`;
}

export function toJson(vector: Float32Array): string {
  return JSON.stringify(Array.from(vector, shortest));
}

/** Powers of ten that are exact: `**` takes several times as long as all the rest of a number. */
const powers = Array.from({ length: 23 }, (_, places) => 10 ** places);

/** The number of fewest decimal digits that is this f32 again: half as long as all digits of its f64. */
function shortest(value: number): number {
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  for (let digits = 6; digits <= 9; digits++) {
    const places = digits - 1 - magnitude;
    const scale = powers[places];
    if (scale === undefined) break;
    const rounded = Math.round(value * scale) / scale;
    if (Math.fround(rounded) === value) return rounded;
  }
  return value;
}

/** Little-endian f32, straight from memory. */
export function toBase64({ buffer, byteOffset, byteLength }: Float32Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}
