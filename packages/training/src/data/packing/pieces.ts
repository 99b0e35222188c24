/** The pieces that documents are cut into, numbered one document after another: shuffled like documents, those of a long one stand apart. */
import type { MixturePart } from "./mixture-order.ts";

export class Pieces {
  readonly count: number;
  /** Pieces of all documents before, and of all at the end: [documents + 1]. */
  readonly #before: Float64Array;

  /** @param chunks how many pieces a document gives. */
  constructor(documents: number, chunks: (document: number) => number) {
    this.#before = new Float64Array(documents + 1);
    for (let at = 0; at < documents; at++) this.#before[at + 1] = this.#before[at]! + chunks(at);
    this.count = this.#before[documents]!;
  }

  /** Of a piece, its document and which of that document's pieces it is. */
  at(piece: number): readonly [document: number, chunk: number] {
    let [low, high] = [0, this.#before.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#before[middle]! <= piece) low = middle;
      else high = middle;
    }
    return [low, piece - this.#before[low]!];
  }

  /** Parts of a mixture of documents as parts of one of pieces; each keeps its share of the tokens. */
  mixture(parts: readonly MixturePart[]): MixturePart[] {
    let end = 0;
    const cut = parts.map(({ name, documents, share }) => {
      const first = end;
      end += documents;
      const pieces = this.#before[end]! - this.#before[first]!;
      return { name, documents: pieces, share: (share * pieces) / documents };
    });
    const total = cut.reduce((sum, { share }) => sum + share, 0);
    return cut.map((part) => ({ ...part, share: part.share / total }));
  }
}
