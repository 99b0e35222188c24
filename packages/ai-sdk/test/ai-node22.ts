/** Calls the built provider through `ai`, which needs Node 22, on the two folders in argv; prints what came of it as JSON. */
import { InvalidArgumentError } from "@ai-sdk/provider";
import {
  cosineSimilarity,
  createProviderRegistry,
  embed,
  embedMany,
  NoSuchModelError,
  rerank,
  UnsupportedFunctionalityError,
  wrapEmbeddingModel,
} from "ai";
import type { EmbeddingModel, RerankingModel } from "ai";
import { createModernBert } from "@modernbert-ts/ai-sdk";

const [encoder, reranker] = process.argv.slice(2) as [string, string];
globalThis.AI_SDK_LOG_WARNINGS = false;
const modernbert = createModernBert({ backend: "cpu" });
const documents: EmbeddingModel = modernbert.embeddingModel(encoder, { promptName: "document" });
const scores: RerankingModel = modernbert.rerankingModel(reranker, { truncate: true });
const values = ["the cat sat", "on the mat", "the cat sat on the mat"];

const fault = async (call: PromiseLike<unknown>): Promise<unknown> =>
  call.then(
    () => "no error",
    (error: unknown) => ({
      noSuchModel: NoSuchModelError.isInstance(error),
      unsupported: UnsupportedFunctionalityError.isInstance(error),
      invalid: InvalidArgumentError.isInstance(error) && error.argument,
      message: (error as Error).message,
    }),
  );

const [many, one] = await Promise.all([
  embedMany({ model: documents, values }),
  embed({
    model: documents,
    value: values[0]!,
    providerOptions: { modernbert: { role: "query" } },
  }),
]);
const registry = createProviderRegistry({ modernbert });
const wrapped = wrapEmbeddingModel({
  model: registry.embeddingModel(`modernbert:${encoder}`),
  middleware: { specificationVersion: "v4" },
});
const headers = { authorization: "Bearer none" };
const short = await embed({ model: wrapped, value: values[0]!, dimensions: 8, headers });
const ranked = await rerank({ model: scores, query: "a cat", documents: values, topN: 2 });
const objects = await rerank({ model: scores, query: "a cat", documents: values.map((text) => ({ text })) });

console.log(
  JSON.stringify({
    node: process.versions.node,
    many: [many.embeddings, many.usage, many.warnings],
    one: [one.embedding, one.usage],
    short: [short.embedding, short.warnings],
    ranked: [ranked.ranking.map(({ originalIndex, score }) => [originalIndex, score]), ranked.rerankedDocuments],
    objects: objects.ranking.map(({ originalIndex, score }) => [originalIndex, score]),
    cosine: cosineSimilarity(many.embeddings[0]!, many.embeddings[2]!),
    faults: {
      missing: await fault(embed({ model: modernbert.embeddingModel("/no/such/folder"), value: "a" })),
      kind: await fault(rerank({ model: modernbert.rerankingModel(encoder), query: "a", documents: ["b"] })),
      empty: await fault(embedMany({ model: documents, values: ["a", ""] })),
      dimensions: await fault(embed({ model: documents, value: "a", dimensions: 33 })),
      option: await fault(embed({ model: documents, value: "a", providerOptions: { modernbert: { role: "page" } } })),
      aborted: await fault(embed({ model: documents, value: "a", abortSignal: AbortSignal.abort() })),
    },
  }),
);
await modernbert.close();
