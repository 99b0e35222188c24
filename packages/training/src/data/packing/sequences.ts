/**
 * From documents to training sequences. A document of at most `maxLength` tokens is one sequence, untouched. A longer one is
 * cut: where it begins with [CLS] and/or ends with [SEP] these are set aside, the rest is cut into consecutive pieces (all
 * full but the last), and every piece gets the same [CLS] and/or [SEP] again. `truncate` keeps the first piece only.
 */
import { checkInteger } from "../../errors.ts";
import type { OrderedDocument } from "./document-order.ts";
import type { Pieces } from "./pieces.ts";
import type { MixturePart } from "./mixture-order.ts";

/** Random access to tokenized documents; `TokenShardReader` is the one on disk. */
export interface DocumentStore {
  readonly documents: number;
  readonly vocabSize: number;
  /** Identifies the content; saved states refuse to continue on another one. */
  readonly fingerprint: string;
  /** Of several sources: how often each is read, in the order of their documents. */
  readonly mixture?: readonly MixturePart[];
  documentLength(document: number): number;
  /** Copies tokens start..end-1 of a document to target[at…]. */
  copyDocument(document: number, start: number, end: number, target: Int32Array, at: number): void;
}

export interface CutOptions {
  /** Longest sequence, in tokens, [CLS] and [SEP] included. */
  readonly maxLength: number;
  /** What happens to longer documents (default "split"). */
  readonly longDocuments?: "split" | "truncate";
  readonly clsId?: number;
  readonly sepId?: number;
}

/** Piece `chunk` of a document, `length` tokens, read in `epoch`. */
export interface SequenceRef {
  readonly document: number;
  readonly chunk: number;
  readonly epoch: number;
  readonly length: number;
}

interface Layout {
  readonly document: number;
  readonly chunks: number;
  /** [CLS] and [SEP] set aside, 0 or 1 each. */
  readonly prefix: number;
  readonly suffix: number;
  /** Tokens between them, and how many of these a piece holds. */
  readonly body: number;
  readonly capacity: number;
}

export class SequenceCutter {
  readonly #store: DocumentStore;
  readonly #options: CutOptions;
  readonly #token: Int32Array = new Int32Array(1);
  #layout: Layout | undefined;

  constructor(store: DocumentStore, options: CutOptions) {
    checkInteger("SequenceCutter", "maxLength", options.maxLength, 3, 2 ** 31 - 1);
    this.#store = store;
    this.#options = options;
  }

  /** Number of sequences that a document gives. */
  chunks(document: number): number {
    return this.#layoutOf(document).chunks;
  }

  /** Of all sequences that a document gives. */
  tokens(document: number): number {
    const { chunks, prefix, suffix, body, capacity } = this.#layoutOf(document);
    return chunks * (prefix + suffix) + Math.min(body, chunks * capacity);
  }

  ref(document: number, chunk: number, epoch: number): SequenceRef {
    const { prefix, suffix, body, capacity } = this.#layoutOf(document);
    return { document, chunk, epoch, length: prefix + suffix + Math.min(capacity, body - chunk * capacity) };
  }

  /** Copies the tokens of a sequence to target[at … at + length - 1]. */
  copy({ document, chunk, length }: SequenceRef, target: Int32Array, at: number): void {
    const { prefix, suffix, capacity } = this.#layoutOf(document);
    const start = prefix + chunk * capacity;
    if (prefix === 1) target[at] = this.#options.clsId!;
    this.#store.copyDocument(document, start, start + length - prefix - suffix, target, at + prefix);
    if (suffix === 1) target[at + length - 1] = this.#options.sepId!;
  }

  #layoutOf(document: number): Layout {
    if (this.#layout?.document === document) return this.#layout;
    const { maxLength, longDocuments, clsId, sepId } = this.#options;
    const length = this.#store.documentLength(document);
    const long = length > maxLength;
    const prefix = long && clsId !== undefined && this.#tokenAt(document, 0) === clsId ? 1 : 0;
    const suffix = long && sepId !== undefined && this.#tokenAt(document, length - 1) === sepId ? 1 : 0;
    const body = length - prefix - suffix;
    const capacity = maxLength - prefix - suffix;
    const chunks = longDocuments === "truncate" ? 1 : Math.ceil(body / capacity);
    return (this.#layout = { document, chunks, prefix, suffix, body, capacity });
  }

  #tokenAt(document: number, index: number): number {
    this.#store.copyDocument(document, index, index + 1, this.#token, 0);
    return this.#token[0]!;
  }
}

/** Tokens of all sequences that one pass over the documents gives. */
export function epochTokens(store: DocumentStore, options: CutOptions): number {
  const cutter = new SequenceCutter(store, options);
  let tokens = 0;
  for (let document = 0; document < store.documents; document++) tokens += cutter.tokens(document);
  return tokens;
}

/**
 * Where a `SequenceStream` stands: documents begun, and the next piece of the last of them; of an order of pieces, how many were taken,
 * and null.
 */
export interface SequenceStreamState {
  readonly position: number;
  readonly current: readonly [document: number, epoch: number, nextChunk: number] | null;
}

/** Documents one after another; undefined after the last. */
export interface Order {
  next(): OrderedDocument | undefined;
  /** How many were taken. */
  state(): number;
}

/** All sequences of an order, one after another: of documents, or of `pieces` of them. The order itself must stand at `state.position`. */
export class SequenceStream {
  readonly #order: Order;
  readonly #cutter: SequenceCutter;
  readonly #pieces: Pieces | undefined;
  #current: SequenceStreamState["current"];

  constructor(
    order: Order,
    cutter: SequenceCutter,
    pieces: Pieces | undefined,
    current: SequenceStreamState["current"] = null,
  ) {
    this.#order = order;
    this.#cutter = cutter;
    this.#pieces = pieces;
    this.#current = current;
  }

  next(): SequenceRef | undefined {
    if (this.#current === null) {
      const ordered = this.#order.next();
      if (ordered === undefined) return undefined;
      if (this.#pieces) return this.#cutter.ref(...this.#pieces.at(ordered.document), ordered.epoch);
      this.#current = [ordered.document, ordered.epoch, 0];
    }
    const [document, epoch, chunk] = this.#current;
    this.#current = chunk + 1 < this.#cutter.chunks(document) ? [document, epoch, chunk + 1] : null;
    return this.#cutter.ref(document, chunk, epoch);
  }

  state(): SequenceStreamState {
    return { position: this.#order.state(), current: this.#current };
  }
}
