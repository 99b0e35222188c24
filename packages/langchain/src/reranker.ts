/** Documents that a retriever found, ordered and cut by a cross-encoder that reads each with the query. */
import { Document } from "@langchain/core/documents";
import type { DocumentInterface } from "@langchain/core/documents";
import { BaseDocumentCompressor } from "@langchain/core/retrievers/document_compressors";
import { LazyPipeline, rerank } from "@modernbert-ts/pipelines";
import type { EncodeOptions, PipelineOptions, RerankOptions } from "@modernbert-ts/pipelines";

export interface ModernBertRerankerFields
  extends
    Omit<PipelineOptions, "head" | "check">,
    Pick<RerankOptions, "rawScores" | "topN">,
    Pick<EncodeOptions, "truncate"> {
  /** A folder or hub id of a cross-encoder with one label. */
  readonly model: string;
}

/** Scores are those of `rerank` of pipelines. The model is opened at the first call; dispose it when done. */
export class ModernBertReranker extends BaseDocumentCompressor implements AsyncDisposable {
  readonly #pipeline: LazyPipeline;
  readonly #options: RerankOptions & EncodeOptions;

  constructor(fields: ModernBertRerankerFields) {
    super();
    const { model, rawScores, topN, truncate, ...open } = fields;
    this.#pipeline = new LazyPipeline(model, open);
    this.#options = {
      ...(rawScores !== undefined && { rawScores }),
      ...(topN !== undefined && { topN }),
      ...(truncate !== undefined && { truncate }),
    };
  }

  /**
   * The `topN` best (all by default), best first, with `relevanceScore` in their metadata; the documents that are given stay as they are.
   * @throws TensorError on an empty query or document, one that is too long without `truncate`, and a model of another kind.
   */
  override async compressDocuments(documents: DocumentInterface[], query: string): Promise<DocumentInterface[]> {
    const texts = documents.map(({ pageContent }) => pageContent);
    const options = { ...this.#options, nameOf: () => "the documents" };
    const ranked = await this.#pipeline.use((model) => rerank(model, query, texts, options));
    return ranked.map(({ index, score }) => {
      const { id, pageContent, metadata } = documents[index]!;
      return new Document({
        pageContent,
        metadata: { ...metadata, relevanceScore: score },
        ...(id !== undefined && { id }),
      });
    });
  }

  /** Frees the model when the calls so far are done; a later call opens it again. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pipeline[Symbol.asyncDispose]();
  }
}
