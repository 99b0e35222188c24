/** Embeddings and a reranking document compressor for LangChain.js that run in the process itself. Node only. */
export { ModernBertEmbeddings } from "./embeddings.ts";
export type { ModernBertEmbeddingsFields } from "./embeddings.ts";
export { ModernBertReranker } from "./reranker.ts";
export type { ModernBertRerankerFields } from "./reranker.ts";
