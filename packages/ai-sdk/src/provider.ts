/** The provider: models by folder or hub id. */
import { NoSuchModelError } from "@ai-sdk/provider";
import type { EmbeddingModelV4, Experimental_DecisionModelV4, ProviderV4, RerankingModelV4 } from "@ai-sdk/provider";
import { decisionModel } from "./decision-model.ts";
import { embeddingModel } from "./embedding-model.ts";
import type { DecisionOptions, EmbeddingOptions, RerankingOptions } from "./options.ts";
import { rerankingModel } from "./reranking-model.ts";
import { SharedModels } from "./shared-models.ts";
import type { ModelOptions, OpenOptions } from "./shared-models.ts";

/** How models are opened: backend, precision, weights, threads. Without `onNotice`, notices are warnings of the calls in which they come. */
export type ModernBertProviderOptions = OpenOptions;

export interface ModernBertProvider extends ProviderV4, AsyncDisposable {
  /** Vectors of a model folder or hub id; nothing is read before the first call. @throws InvalidArgumentError */
  embeddingModel(source: string, options?: ModelOptions & EmbeddingOptions): EmbeddingModelV4;
  /** The same of a cross-encoder with one label. @throws InvalidArgumentError */
  rerankingModel(source: string, options?: ModelOptions & RerankingOptions): RerankingModelV4;
  /** Choices, scores and statements by a folder of Laya's models, for `experimental_decide`; the SDK's contract is experimental. @throws InvalidArgumentError */
  decisionModel(source: string, options?: ModelOptions & DecisionOptions): Experimental_DecisionModelV4;
  /** Frees the models that are open when their calls are done; a later call opens its model again. */
  close(): Promise<void>;
}

export function createModernBert(options: ModernBertProviderOptions = {}): ModernBertProvider {
  const models = new SharedModels(options);
  const close = (): Promise<void> => models[Symbol.asyncDispose]();
  return {
    specificationVersion: "v4",
    embeddingModel(source, { revision, ...usual } = {}) {
      return embeddingModel(models.get(source, revision), source, usual);
    },
    rerankingModel(source, { revision, ...usual } = {}) {
      return rerankingModel(models.get(source, revision), source, usual);
    },
    decisionModel(source, { revision, ...usual } = {}) {
      return decisionModel(models.get(source, revision), source, usual);
    },
    languageModel: (modelId) => refuse(modelId, "languageModel"),
    imageModel: (modelId) => refuse(modelId, "imageModel"),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function refuse(modelId: string, modelType: "languageModel" | "imageModel"): never {
  const message = `[modernbert] expected an embeddingModel, rerankingModel or decisionModel, got ${modelType} ${modelId}: encoders write nothing`;
  throw new NoSuchModelError({ modelId, modelType, message });
}

/** The provider with the best backend that there is. */
export const modernbert: ModernBertProvider = createModernBert();
