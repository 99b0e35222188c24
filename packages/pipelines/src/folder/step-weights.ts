/** The modules behind the pooling with their weights, as functions of one vector. */
import { CheckpointError } from "@modernbert-ts/encoder";
import { openSources } from "@modernbert-ts/safetensors";
import type { Folder, SafetensorsReader } from "@modernbert-ts/safetensors";
import { activationOf } from "./activations.ts";
import type { EmbeddingSettings } from "./embedding.ts";
import type { DenseStep, LayerNormStep, Step } from "./steps.ts";

/** Makes a vector of another, which it may overwrite; the same for the vector of a token. */
export type VectorStep = (vector: Float32Array) => Float32Array;

/** None where the folder asks for what is not computed: its vectors are refused. @throws CheckpointError, SafetensorsError */
export async function openSteps(
  folder: Folder,
  { steps, refusedModules }: Pick<EmbeddingSettings, "steps" | "refusedModules">,
): Promise<readonly VectorStep[]> {
  if (refusedModules.length > 0) return [];
  return Promise.all(steps.map((step) => openStep(folder, step)));
}

async function openStep(folder: Folder, step: Step): Promise<VectorStep> {
  switch (step.kind) {
    case "Dense":
      return denseOf(step, await readWeights(folder, step.path, denseShapes(step)));
    case "LayerNorm":
      return layerNormOf(step, await readWeights(folder, step.path, layerNormShapes(step)));
    case "Normalize":
      return normalize;
    default:
      throw new Error(`internal: unknown step ${String(step satisfies never)}`);
  }
}

type Shapes = Readonly<Record<string, readonly number[]>>;
type Weights = ReadonlyMap<string, Float32Array>;

function denseShapes({ inputs, outputs, bias, residual }: DenseStep): Shapes {
  return {
    "linear.weight": [outputs, inputs],
    ...(bias && { "linear.bias": [outputs] }),
    ...(residual && inputs !== outputs && { "residual.weight": [outputs, inputs] }),
  };
}

function layerNormShapes({ width }: LayerNormStep): Shapes {
  return { "norm.weight": [width], "norm.bias": [width] };
}

async function readWeights(folder: Folder, path: string, shapes: Shapes): Promise<Weights> {
  const file = [...(path ? [path] : []), "model.safetensors"].join("/");
  const source = await folder.open(file);
  if (!source) {
    throw new CheckpointError(
      "loadModel",
      `expected ${file} in ${folder.name}, got no such file: save the model in the safetensors format`,
    );
  }
  try {
    const reader = await openSources([source]);
    checkTensors(reader, shapes, `${folder.name}/${file}`);
    const weights = new Map<string, Float32Array>();
    for (const name of Object.keys(shapes)) weights.set(name, await reader.readFloat32(name));
    return weights;
  } finally {
    await source.close?.();
  }
}

/** All that is asked for, in its shape, and nothing else. */
function checkTensors(reader: SafetensorsReader, shapes: Shapes, file: string): void {
  const expected = showShapes(Object.entries(shapes));
  const got = showShapes(reader.names().map((name) => [name, reader.info(name).shape]));
  if (got === expected) return;
  throw new CheckpointError("loadModel", `expected ${expected} in ${file}, got ${got}: correct its config.json`);
}

function showShapes(entries: readonly (readonly [string, readonly number[]])[]): string {
  return entries
    .map(([name, shape]) => `${name} [${shape.join(", ")}]`)
    .toSorted()
    .join(", ");
}

function denseOf({ inputs, outputs, activation: name, residual }: DenseStep, weights: Weights): VectorStep {
  const activation = activationOf(name)!;
  const product = matrix(weights.get("linear.weight")!, inputs);
  const projection = weights.get("residual.weight");
  const project = projection && matrix(projection, inputs);
  const bias = weights.get("linear.bias");
  return (vector) => {
    const result = new Float32Array(outputs);
    for (let row = 0; row < outputs; row++) {
      const value = activation(product(vector, row) + (bias?.[row] ?? 0));
      result[row] = residual ? value + (project ? project(vector, row) : vector[row]!) : value;
    }
    return result;
  };
}

/** A row of a matrix times a vector, summed in f64. */
function matrix(weight: Float32Array, inputs: number): (vector: Float32Array, row: number) => number {
  return (vector, row) => {
    let sum = 0;
    for (let at = 0, from = row * inputs; at < inputs; at++) sum += weight[from + at]! * vector[at]!;
    return sum;
  };
}

/** torch's: biased variance, epsilon 1e-5. */
function layerNormOf({ width }: LayerNormStep, weights: Weights): VectorStep {
  const scale = weights.get("norm.weight")!;
  const shift = weights.get("norm.bias")!;
  return (vector) => {
    let mean = 0;
    for (const value of vector) mean += value / width;
    let variance = 0;
    for (const value of vector) variance += (value - mean) ** 2 / width;
    const factor = 1 / Math.sqrt(variance + 1e-5);
    return vector.map((value, at) => (value - mean) * factor * scale[at]! + shift[at]!);
  };
}

/** Divides by the L2 norm in place; a zero vector stays zero. Summed in f64. */
export function normalize(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const factor = squares > 0 ? 1 / Math.sqrt(squares) : 0;
  for (let at = 0; at < vector.length; at++) vector[at] = vector[at]! * factor;
  return vector;
}
