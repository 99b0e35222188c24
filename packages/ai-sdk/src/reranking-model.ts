/** A cross-encoder, as the AI SDK calls it. */
import type { RerankingModelV4, RerankingModelV4CallOptions, SharedV4Warning } from "@ai-sdk/provider";
import { rerank } from "@modernbert-ts/pipelines";
import { onModel, warningsOf } from "./calls.ts";
import { providerName, rerankingOptions } from "./options.ts";
import type { RerankingOptions } from "./options.ts";
import type { SharedModel } from "./shared-models.ts";

/** Rankings are those of `rerank` of pipelines. @throws InvalidArgumentError */
export function rerankingModel(model: SharedModel, modelId: string, usual: RerankingOptions): RerankingModelV4 {
  rerankingOptions(usual);
  return {
    specificationVersion: "v4",
    provider: providerName,
    modelId,
    async doRerank({ query, documents, topN, abortSignal, headers, providerOptions }) {
      const options = {
        ...rerankingOptions(usual, providerOptions),
        ...(topN !== undefined && { topN }),
        nameOf: () => "documents",
        signal: abortSignal,
      };
      const call = { modelId, modelType: "rerankingModel", texts: "documents", abortSignal } as const;
      const { texts, warnings } = textsOf(documents);
      return onModel(model, call, async (open) => {
        const ranked = await rerank(open, query, texts, options);
        return {
          ranking: ranked.map(({ index, score }) => ({ index, relevanceScore: score })),
          warnings: [...warnings, ...warningsOf(model, headers)],
        };
      });
    },
  };
}

function textsOf(documents: RerankingModelV4CallOptions["documents"]): {
  readonly texts: readonly string[];
  readonly warnings: readonly SharedV4Warning[];
} {
  if (documents.type === "text") return { texts: documents.values, warnings: [] };
  const details = "each is read as its JSON";
  const warning: SharedV4Warning = { type: "compatibility", feature: "object documents", details };
  return { texts: documents.values.map((value) => JSON.stringify(value)), warnings: [warning] };
}
