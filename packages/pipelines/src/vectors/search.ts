/** Exact search: the nearest texts of a corpus of any size, block by block; only the best of each query are held. */
import { TensorError } from "@modernbert-ts/tensor-core";
import { embed } from "../tasks/embed.ts";
import type { EmbedOptions } from "../tasks/embed.ts";
import type { EncodeOptions } from "../sequences.ts";
import type { TextModel } from "../text-model.ts";
import { similarityOf, similarityOfPair } from "./similarity.ts";
import type { SimilarityName } from "./similarity.ts";

export interface SearchHit {
  /** Of the text in the corpus, from 0. */
  readonly index: number;
  readonly score: number;
}

/** The best `topK` vectors of all that are added, per query: best first, the earlier one on ties. */
export class NearestVectors {
  readonly #name: SimilarityName;
  readonly #queries: readonly Float32Array[];
  readonly #topK: number;
  #hits: SearchHit[][];
  #count = 0;

  constructor(queries: readonly Float32Array[], name: SimilarityName, topK: number) {
    if (!Number.isInteger(topK) || topK < 1) {
      throw new TensorError("search", `expected topK to be a positive whole number, got ${topK}`);
    }
    this.#name = name;
    this.#queries = queries;
    this.#topK = topK;
    this.#hits = queries.map(() => []);
  }

  /** The next vectors of the corpus. */
  add(vectors: readonly Float32Array[]): void {
    const first = this.#count;
    this.#count += vectors.length;
    this.#hits = this.#queries.map((query, row) => {
      const found = vectors.map((vector, at) => ({
        index: first + at,
        score: similarityOfPair(this.#name, query, vector),
      }));
      return [...this.#hits[row]!, ...found].toSorted((a, b) => b.score - a.score).slice(0, this.#topK);
    });
  }

  /** Per query. */
  get hits(): readonly (readonly SearchHit[])[] {
    return this.#hits;
  }
}

export interface SearchOptions extends Omit<EmbedOptions, "role" | "prompt" | "promptName">, EncodeOptions {
  /** Texts per query, 10. */
  readonly topK?: number;
  /** Texts of the corpus that are embedded and compared at a time, 256. */
  readonly blockSize?: number;
  /** Default: the model's own. */
  readonly similarity?: SimilarityName;
}

/** The texts of a corpus that are nearest to each query, by the model's query and document prompts. @throws TensorError like `embed`. */
export async function semanticSearch(
  model: TextModel,
  queries: readonly string[],
  corpus: Iterable<string> | AsyncIterable<string>,
  options: SearchOptions = {},
): Promise<readonly (readonly SearchHit[])[]> {
  const { topK = 10, blockSize = 256, similarity = similarityOf(model), nameOf, ...rest } = options;
  if (!Number.isInteger(blockSize) || blockSize < 1) {
    throw new TensorError("search", `expected blockSize to be a positive whole number, got ${blockSize}`);
  }
  const asked = await embed(model, queries, { ...rest, role: "query", nameOf: (index) => `query ${index}` });
  const nearest = new NearestVectors(asked, similarity, topK);
  let [block, first]: [string[], number] = [[], 0];
  const flush = async (): Promise<void> => {
    const named = (index: number): string => nameOf?.(first + index) ?? `text ${first + index}`;
    nearest.add(await embed(model, block, { ...rest, role: "document", nameOf: named }));
    [block, first] = [[], first + block.length];
  };
  for await (const text of corpus) {
    block.push(text);
    if (block.length === blockSize) await flush();
  }
  if (block.length > 0) await flush();
  return nearest.hits;
}
