/** The tensors that a folder has in the place of a quantised matrix, named as compressed-tensors names them. */
import type { Shape } from "@modernbert-ts/tensor-core";
import type { SafetensorsReader } from "@modernbert-ts/safetensors";
import { CheckpointError } from "../errors.ts";
import type { QuantizedFormat } from "../weights/formats.ts";
import type { StoredTensors } from "./match-names.ts";

export interface MatrixTensors {
  /** int8: I8 [n, k]. int4: I32 [n, ⌈k / 8⌉], as folder/packed-words.ts describes. */
  readonly units: string;
  /** What 1 is worth: [n, 1], or [n, ⌈k / 128⌉]. */
  readonly scales: string;
  /** int4: I64 [2], n and k. */
  readonly shape?: string;
}

const packed = "_packed";

/** Of the matrix `name`. */
export function matrixTensors(format: QuantizedFormat, name: string): MatrixTensors {
  const scales = `${name}_scale`;
  return format === "int8" ? { units: name, scales } : { units: `${name}${packed}`, scales, shape: `${name}_shape` };
}

/** A checkpoint in which each quantised matrix is one tensor of its own name and shape. @throws CheckpointError where parts are missing. */
export async function wholeMatrices(checkpoint: SafetensorsReader, format: QuantizedFormat): Promise<StoredTensors> {
  const names = checkpoint.names();
  if (format === "int8") {
    const scales = new Set(names.map((name) => matrixTensors(format, name).scales));
    return { names: () => names.filter((name) => !scales.has(name)), has: checkpoint.has, info: checkpoint.info };
  }
  const parts = new Set<string>();
  const shapes = new Map<string, Shape>();
  for (const name of names) {
    if (!name.endsWith(packed)) continue;
    const matrix = name.slice(0, -packed.length);
    const { scales, shape } = matrixTensors(format, matrix);
    for (const part of [scales, shape!])
      if (!checkpoint.has(part)) throw new CheckpointError("loadModel", `expected ${part} beside ${name}, got none`);
    shapes.set(matrix, await readShape(checkpoint, shape!));
    for (const part of [name, scales, shape!]) parts.add(part);
  }
  return {
    names: () => [...names.filter((name) => !parts.has(name)), ...shapes.keys()],
    has: (name) => shapes.has(name) || checkpoint.has(name),
    info: (name) => (shapes.has(name) ? { shape: shapes.get(name)! } : checkpoint.info(name)),
  };
}

async function readShape(checkpoint: SafetensorsReader, name: string): Promise<Shape> {
  const { dtype, shape } = checkpoint.info(name);
  if (dtype !== "I64" || shape.length !== 1 || shape[0] !== 2)
    throw new CheckpointError("loadModel", `expected ${name} of two I64, got ${dtype} [${shape.join(", ")}]`);
  const values = new BigInt64Array(2);
  await checkpoint.readInto(name, new Uint8Array(values.buffer));
  return Array.from(values, Number);
}
