/** What vectors a model makes: one for a text, a weight for each token of the vocabulary, or one for each token of a text. */
import type { EncoderInfo } from "@modernbert-ts/encoder";
import { requirePooling } from "@modernbert-ts/pipelines";
import type { PoolingModes, TextSettings } from "@modernbert-ts/pipelines";
import { ServeError, StartError } from "../errors.ts";
import type { PoolingChoice } from "../options.ts";
import { kindOf } from "./kind.ts";

export type VectorKind =
  | { readonly name: "none" }
  | {
      readonly name: "pooled";
      readonly pooling: PoolingModes;
      /** Numbers of a whole vector. */
      readonly width: number;
      /** Numbers of a vector that the folder keeps; all where undefined. */
      readonly dimensions: number | undefined;
    }
  | { readonly name: "sparse" }
  | { readonly name: "multi"; readonly width: number };

export type Pooled = Extract<VectorKind, { name: "pooled" }>;

/**
 * By the model's folder, unless `asked` says otherwise.
 * @throws StartError, CheckpointError where the folder's vectors are not computed, or what is asked for cannot be
 */
export function vectorKindOf(info: EncoderInfo, settings: TextSettings, asked?: PoolingChoice): VectorKind {
  const { embedding, sparse, multiVector } = settings;
  if (kindOf(info) !== "embedding") {
    if (asked === undefined) return { name: "none" };
    throw new StartError(`expected no --pooling for a model of head ${info.head}, got ${asked}: leave it out`);
  }
  if (multiVector && asked === undefined) {
    refuse("a multi-vector model", multiVector.refused);
    return { name: "multi", width: multiVector.width };
  }
  if (asked === "splade" || (sparse && asked === undefined)) {
    if (info.head !== "masked-lm") {
      throw new StartError(`expected a masked language model for pooling splade, got one with head ${info.head}`);
    }
    const others = [...embedding.steps.map(({ kind }) => kind), ...embedding.refusedModules];
    refuse("a SPLADE model", sparse ? sparse.refused : others);
    return { name: "sparse" };
  }
  const pooling = requirePooling(embedding, asked === "last-token" ? "lasttoken" : asked);
  const { width, dimensions } = embedding;
  return { name: "pooled", pooling, width, dimensions: dimensions && Math.min(dimensions, width) };
}

function refuse(what: string, parts: readonly string[]): void {
  if (parts.length === 0) return;
  throw new StartError(`expected ${what} of parts that are computed, got ${parts.join(", ")}: use another model`);
}

interface Known {
  readonly vectors: VectorKind;
}

/** @throws ServeError 424 for a model that does not make one vector of a text. */
export function requirePooled({ vectors }: Known): Pooled {
  if (vectors.name === "pooled") return vectors;
  const remedy = vectors.name === "multi" ? ": /embed_multi answers a vector for each token" : "";
  throw new ServeError("Backend", `Model is not an embedding model${remedy}`);
}

/** @throws ServeError 424 for a model that makes no sparse vectors. */
export function requireSparse({ vectors }: Known): void {
  if (vectors.name !== "sparse") throw new ServeError("Backend", "Model is not an embedding model with SPLADE pooling");
}

/** Numbers of a vector. @throws ServeError 424 for a model that does not make a vector of each token. */
export function requireMulti({ vectors }: Known): number {
  if (vectors.name === "multi") return vectors.width;
  throw new ServeError("Backend", "Model is not a multi-vector model");
}

/** `pooling` of `/info`, by TEI's names where it has them. */
export function poolingName(vectors: VectorKind): PoolingModes | "splade" | "multi-vector" {
  if (vectors.name === "pooled") return vectors.pooling;
  return vectors.name === "sparse" ? "splade" : "multi-vector";
}
