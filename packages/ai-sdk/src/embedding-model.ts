/** A model of sentence vectors, as the AI SDK calls it. */
import type { EmbeddingModelV4 } from "@ai-sdk/provider";
import { embedSequences, idsOf, taskOf } from "@modernbert-ts/pipelines";
import type { Pipeline, Sequence } from "@modernbert-ts/pipelines";
import { onModel, warningsOf } from "./calls.ts";
import { embeddingOptions, providerName } from "./options.ts";
import type { EmbeddingOptions } from "./options.ts";
import type { SharedModel } from "./shared-models.ts";

/** Vectors are those of `embed` of pipelines, whatever the number of values: they are packed there. @throws InvalidArgumentError */
export function embeddingModel(model: SharedModel, modelId: string, usual: EmbeddingOptions): EmbeddingModelV4 {
  embeddingOptions(usual);
  return {
    specificationVersion: "v4",
    provider: providerName,
    modelId,
    maxEmbeddingsPerCall: Number.POSITIVE_INFINITY,
    supportsParallelCalls: true,
    async doEmbed({ values, dimensions, abortSignal, headers, providerOptions }) {
      const options = {
        ...embeddingOptions(usual, providerOptions),
        ...(dimensions !== undefined && embeddingOptions({ dimensions })),
        signal: abortSignal,
      };
      const call = { modelId, modelType: "embeddingModel", texts: "values", abortSignal } as const;
      return onModel(model, call, async (open) => {
        const sequences = await tokensOf(open, values, options);
        const vectors = await embedSequences(open, sequences, options);
        return {
          embeddings: vectors.map((vector) => Array.from(vector)),
          usage: { tokens: sequences.reduce((sum, sequence) => sum + idsOf(sequence).length, 0) },
          warnings: warningsOf(model, headers),
        };
      });
    },
  };
}

async function tokensOf(model: Pipeline, values: readonly string[], options: EmbeddingOptions): Promise<Sequence[]> {
  const { prepare } = taskOf("embed");
  const sequences: Sequence[] = [];
  for (const [index, value] of values.entries()) {
    sequences.push(...(await prepare(model, value, { ...options, name: `values[${index}]` })).sequences);
  }
  return sequences;
}
