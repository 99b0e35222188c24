/** Inputs to vectors: what all routes and services that embed share. */
import { expectNumbers } from "./batching/answer-numbers.ts";
import type { Costs } from "./costs.ts";
import { ServeError } from "./errors.ts";
import { encodeSettings } from "./encode-settings.ts";
import type { PromptFields } from "./encode-settings.ts";
import { embedSparseInputs } from "./embed-sparse-inputs.ts";
import { infer } from "./infer.ts";
import type { Input } from "./inputs/read-inputs.ts";
import { requirePooled } from "./model/vector-kind.ts";
import type { Service } from "./service.ts";
import { checkDimensions, finishVector } from "./vectors.ts";

/** As requests write them. */
export interface EmbedFields extends PromptFields {
  readonly normalize?: boolean;
  readonly dimensions?: number | null | undefined;
}

export interface Vectors {
  /** One for each input. */
  readonly vectors: readonly Float32Array[];
  readonly costs: Costs;
}

/** One vector of each input. @throws ServeError 424 for a model that makes none, 422 for fields that it cannot do. */
export async function embedInputs(
  service: Service,
  inputs: readonly Input[],
  fields: EmbedFields,
  signal: AbortSignal,
): Promise<Vectors> {
  if (service.files.vectors.name === "sparse") return spreadSparse(service, inputs, fields, signal);
  const { pooling, width, dimensions: kept } = requirePooled(service.files);
  const settings = { normalize: fields.normalize ?? true, dimensions: fields.dimensions ?? kept };
  checkDimensions(settings.dimensions, width);
  const task = { name: "embed", options: { pooling, normalize: false, dimensions: width } } as const;
  const { results, costs } = await infer(service, task, inputs, encodeSettings(service, inputs, fields), signal);
  return { vectors: results.map((pooled) => finishVector(pooled, settings)), costs };
}

/** As TEI: of a SPLADE model a number for each token of the vocabulary, and never of length 1. */
async function spreadSparse(
  service: Service,
  inputs: readonly Input[],
  fields: EmbedFields,
  signal: AbortSignal,
): Promise<Vectors> {
  const { normalize = true, dimensions } = fields;
  if (normalize) throw new ServeError("Backend", "`normalize` is not available for SPLADE models");
  const { vocabSize } = service.files.info;
  checkDimensions(dimensions ?? undefined, vocabSize);
  expectNumbers(inputs.length * vocabSize, "send fewer texts, or ask /embed_sparse for what is not 0");
  const { results, costs } = await embedSparseInputs(service, inputs, fields, signal);
  const vectors = results.map(({ indices, values }) => {
    const vector = new Float32Array(vocabSize);
    for (const [at, index] of indices.entries()) vector[index] = values[at]!;
    return finishVector(vector, { normalize, dimensions: dimensions ?? undefined });
  });
  return { vectors, costs };
}
