/** How near vectors are: the functions that sentence-transformers names, larger is nearer. Summed in f64. */
import { TensorError } from "@modernbert-ts/tensor-core";
import type { TextSide } from "../text-model.ts";

export type SimilarityName = "cosine" | "dot" | "euclidean" | "manhattan";

type Similarity = (a: Float32Array, b: Float32Array) => number;

const functions: Readonly<Record<SimilarityName, Similarity>> = {
  cosine(a, b) {
    const lengths = Math.sqrt(dot(a, a) * dot(b, b));
    return lengths === 0 ? 0 : dot(a, b) / lengths;
  },
  dot,
  /** The negative distances. */
  euclidean: (a, b) => -Math.sqrt(a.reduce((sum, value, at) => sum + (value - b[at]!) ** 2, 0)),
  manhattan: (a, b) => -a.reduce((sum, value, at) => sum + Math.abs(value - b[at]!), 0),
};

const isName = (name: string): name is SimilarityName => Object.hasOwn(functions, name);

/** What the model's folder names; cosine for vectors and dot for sparse ones where it names none. @throws TensorError on another. */
export function similarityOf({ settings: { similarity: named, sparse } }: Pick<TextSide, "settings">): SimilarityName {
  const name = named ?? (sparse ? "dot" : "cosine");
  if (isName(name)) return name;
  throw new TensorError(
    "similarity",
    `expected similarity_fn_name cosine, dot, euclidean or manhattan in config_sentence_transformers.json, got ${JSON.stringify(name)}`,
  );
}

/** One number. @throws TensorError on vectors of different lengths. */
export function similarityOfPair(name: SimilarityName, a: Float32Array, b: Float32Array): number {
  if (a.length === b.length) return functions[name](a, b);
  throw new TensorError("similarity", `expected vectors of one length, got ${a.length} and ${b.length} numbers`);
}

/** Rows [a.length] of columns [b.length]. */
export function similarity(
  name: SimilarityName,
  a: readonly Float32Array[],
  b: readonly Float32Array[],
): Float32Array[] {
  return a.map((one) => Float32Array.from(b, (other) => similarityOfPair(name, one, other)));
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += a[at]! * b[at]!;
  return sum;
}
