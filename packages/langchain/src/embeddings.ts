/** Sentence vectors as LangChain asks for them: of queries, and of the documents that they find. */
import { Embeddings } from "@langchain/core/embeddings";
import { embed, LazyPipeline } from "@modernbert-ts/pipelines";
import type { EmbedOptions, EncodeOptions, PipelineOptions, TextRole } from "@modernbert-ts/pipelines";

export interface ModernBertEmbeddingsFields
  extends
    Omit<PipelineOptions, "head" | "check">,
    Pick<EmbedOptions, "pooling" | "normalize" | "dimensions">,
    Pick<EncodeOptions, "truncate"> {
  /** A folder or hub id. */
  readonly model: string;
  /** Put before each query; "" for none. Default: the model's prompt named "query", none where it has none. */
  readonly queryPrompt?: string;
  /** Put before each document; "" for none. Default: the model's prompt named "document", none where it has none. */
  readonly documentPrompt?: string;
}

/**
 * Vectors are those of `embed` of pipelines. The model is opened at the first call; dispose it when done. Calls are neither spread nor tried
 * again by LangChain: there is one model, and what fails would fail again.
 */
export class ModernBertEmbeddings extends Embeddings implements AsyncDisposable {
  readonly #pipeline: LazyPipeline;
  readonly #options: EmbedOptions & EncodeOptions;
  readonly #prompts: Readonly<Record<TextRole, string | undefined>>;

  constructor(fields: ModernBertEmbeddingsFields) {
    super({});
    const { model, queryPrompt, documentPrompt, pooling, normalize, dimensions, truncate, ...open } = fields;
    this.#pipeline = new LazyPipeline(model, open);
    this.#options = {
      ...(pooling && { pooling }),
      ...(normalize !== undefined && { normalize }),
      ...(dimensions !== undefined && { dimensions }),
      ...(truncate !== undefined && { truncate }),
    };
    this.#prompts = { query: queryPrompt, document: documentPrompt };
  }

  /** @throws TensorError on an empty text, one that is too long without `truncate`, and what opening the model throws. */
  override async embedQuery(text: string): Promise<number[]> {
    const [vector] = await this.#embed([text], "query");
    return vector!;
  }

  /** @throws TensorError, as above. */
  override embedDocuments(texts: string[]): Promise<number[][]> {
    return this.#embed(texts, "document");
  }

  async #embed(texts: readonly string[], role: TextRole): Promise<number[][]> {
    if (texts.length === 0) return [];
    const prompt = this.#prompts[role];
    const options = {
      ...this.#options,
      ...(prompt === undefined ? { role } : { prompt }),
      nameOf: (index: number) => (role === "query" ? "the query" : `document ${index}`),
    };
    const vectors = await this.#pipeline.use((model) => embed(model, texts, options));
    return vectors.map((vector) => Array.from(vector));
  }

  /** Frees the model when the calls so far are done; a later call opens it again. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pipeline[Symbol.asyncDispose]();
  }
}
