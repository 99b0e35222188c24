/** Embeddings, a reranking document compressor and decisions for LangChain.js that run in the process itself. Node only. */
export { ModernBertDecisionModel } from "./decisions.ts";
export type { ModernBertDecisionModelFields } from "./decisions.ts";
export { ModernBertEmbeddings } from "./embeddings.ts";
export type { ModernBertEmbeddingsFields } from "./embeddings.ts";
export { ModernBertReranker } from "./reranker.ts";
export type { ModernBertRerankerFields } from "./reranker.ts";
