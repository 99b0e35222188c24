/** Several sources of documents as one store, joined one after another, or mixed in given shares. */
import { DataError } from "../../errors.ts";
import { fingerprint } from "../../files/fingerprint.ts";
import type { MixturePart } from "./mixture-order.ts";
import { epochTokens } from "./sequences.ts";
import type { CutOptions, DocumentStore } from "./sequences.ts";

export interface NamedStore {
  readonly name: string;
  readonly store: DocumentStore;
}

/** The documents of the first store, then of the second, and so on. */
class JoinedStore implements DocumentStore {
  readonly documents: number;
  readonly vocabSize: number;
  readonly fingerprint: string;
  readonly mixture?: readonly MixturePart[];
  readonly #stores: readonly DocumentStore[];
  readonly #firsts: readonly number[];

  constructor(sources: readonly NamedStore[], mixture?: readonly MixturePart[]) {
    const [{ store: first }] = sources as readonly [NamedStore];
    const stranger = sources.find(({ store }) => store.vocabSize !== first.vocabSize);
    if (stranger)
      throw new DataError(
        "mismatch",
        "joinStores",
        `expected a vocabulary of ${first.vocabSize} in every source, got ${stranger.store.vocabSize} in ${stranger.name}; tokenize all with one tokenizer`,
      );
    this.vocabSize = first.vocabSize;
    this.#stores = sources.map(({ store }) => store);
    let documents = 0;
    this.#firsts = this.#stores.map((store) => (documents += store.documents) - store.documents);
    this.documents = documents;
    this.fingerprint = fingerprint({
      sources: sources.map(({ name, store }) => [name, store.fingerprint]),
      shares: mixture?.map(({ share }) => share) ?? null,
    });
    if (mixture) this.mixture = mixture;
  }

  documentLength(document: number): number {
    const at = this.#storeOf(document);
    return this.#stores[at]!.documentLength(document - this.#firsts[at]!);
  }

  copyDocument(document: number, start: number, end: number, target: Int32Array, at: number): void {
    const of = this.#storeOf(document);
    this.#stores[of]!.copyDocument(document - this.#firsts[of]!, start, end, target, at);
  }

  #storeOf(document: number): number {
    return this.#firsts.findLastIndex((first) => document >= first);
  }
}

/** All documents of all stores, in order. @throws DataError `mismatch` for other vocabularies. */
export function joinStores(sources: readonly NamedStore[]): DocumentStore {
  return sources.length === 1 ? sources[0]!.store : new JoinedStore(sources);
}

export interface MixtureWeights {
  /** Share of the tokens, relative to the others; one for each source. */
  readonly weights?: readonly number[];
  /** Instead of weights: shares ∝ tokens^temperature. 1 (default) takes all documents as often, 0 all sources. */
  readonly temperature?: number;
}

/**
 * A store whose `mixture` says how often each source is read. Shares are of tokens after cutting; sources with short documents
 * give more of them. @throws DataError `invalid` for weights that are none, `mismatch` for other vocabularies.
 */
export function mixStores(
  sources: readonly NamedStore[],
  cut: CutOptions,
  { weights, temperature = 1 }: MixtureWeights = {},
): DocumentStore {
  if (weights?.length !== undefined && weights.length !== sources.length)
    throw new DataError("invalid", "mixStores", `expected ${sources.length} weights, got ${weights.length}`);
  const wrong = [...(weights ?? []), temperature + 1].find((value) => !(value > 0 && value < Number.POSITIVE_INFINITY));
  if (wrong !== undefined)
    throw new DataError("invalid", "mixStores", `expected weights above 0, got ${wrong}; leave the source out`);
  const tokens = sources.map(({ store }) => epochTokens(store, cut));
  const ofTokens = weights ?? tokens.map((count) => count ** temperature);
  const ofDocuments = sources.map(({ store }, at) => (ofTokens[at]! * store.documents) / tokens[at]!);
  const total = ofDocuments.reduce((sum, value) => sum + value, 0);
  const mixture = sources.map(({ name, store: { documents } }, at) => ({
    name,
    documents,
    share: ofDocuments[at]! / total,
  }));
  return new JoinedStore(sources, mixture);
}
