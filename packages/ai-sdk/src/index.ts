/** A provider of the AI SDK: embedding, reranking and decision models that run in the process itself. Node only. */
export { createModernBert, modernbert } from "./provider.ts";
export type { ModernBertProvider, ModernBertProviderOptions } from "./provider.ts";
export type { DecisionOptions, EmbeddingOptions, RerankingOptions } from "./options.ts";
export type { ModelOptions } from "./shared-models.ts";
