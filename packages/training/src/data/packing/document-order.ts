/**
 * In which order documents are read: every epoch is an exactly uniform Fisher-Yates permutation drawn from Philox, so that
 * the document at global index g depends on (seed, epoch = g div count, g mod count) and on nothing else.
 * Memory is 4 bytes a document for the current epoch; nothing but a position has to be saved.
 * (The original recipe met divergence with a biased shuffle at 0.5-1 B samples; hence the rejection step below.)
 */
import { philox4x32 } from "@modernbert-ts/tensor-core";
import { checkInteger } from "../../errors.ts";
import { streamKey } from "./random-streams.ts";

/** Names a permutation among those of a seed and an epoch. */
interface Draw {
  readonly stream?: "shuffle" | "mixture";
  /** Of a mixture. */
  readonly part?: number;
}

/** The permutation of 0..count-1 for one epoch, as a Uint32Array [count]. O(count) time. */
export function epochPermutation(
  count: number,
  seed: number,
  epoch: number,
  { stream = "shuffle", part = 0 }: Draw = {},
): Uint32Array {
  const key = streamKey(seed, stream);
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  let block = philox4x32([0, 0, epoch, part], key);
  let loaded = 0;
  for (let i = count - 1; i > 0; i--) {
    if (i >>> 2 !== loaded) block = philox4x32([(loaded = i >>> 2), 0, epoch, part], key);
    // A draw in 0..i by Lemire's multiply-shift, exact: low halves below 2^32 mod bound are drawn again.
    const bound = i + 1;
    let word = block[i & 3]!;
    let low = Math.imul(word, bound) >>> 0;
    const reject = low < bound ? (2 ** 32 - bound) % bound : 0;
    for (let attempt = 1; low < reject; attempt++) {
      word = philox4x32([i, attempt, epoch, part], key)[0];
      low = Math.imul(word, bound) >>> 0;
    }
    const j = Math.round((word * bound - low) / 2 ** 32);
    const swap = order[i]!;
    order[i] = order[j]!;
    order[j] = swap;
  }
  return order;
}

export interface DocumentOrderOptions {
  /** Number of documents. */
  readonly count: number;
  readonly seed: number;
  /** Stop after so many epochs; endless when absent. */
  readonly epochs?: number;
}

/** A document and the epoch in which it is read. */
export interface OrderedDocument {
  readonly document: number;
  readonly epoch: number;
}

/** The order of documents, epoch after epoch without a gap. */
export class DocumentOrder {
  readonly #options: Required<Omit<DocumentOrderOptions, "epochs">>;
  readonly #end: number;
  #position: number;
  #epoch = -1;
  #permutation: Uint32Array = new Uint32Array(0);

  /** `position`: how many documents were taken already (from {@link state}). */
  constructor({ count, seed, epochs }: DocumentOrderOptions, position = 0) {
    checkInteger("DocumentOrder", "count", count, 1, 2 ** 32 - 1);
    checkInteger("DocumentOrder", "position", position, 0, Number.MAX_SAFE_INTEGER);
    if (epochs !== undefined) checkInteger("DocumentOrder", "epochs", epochs, 1, 2 ** 32 - 1);
    this.#options = { count, seed };
    this.#end = epochs === undefined ? Number.POSITIVE_INFINITY : epochs * count;
    this.#position = position;
  }

  /** The next document; undefined after the last epoch. */
  next(): OrderedDocument | undefined {
    return this.#position < this.#end ? this.at(this.#position++) : undefined;
  }

  /** The document at a global index. O(count) when the epoch changes, else O(1). */
  at(globalIndex: number): OrderedDocument {
    const { count, seed } = this.#options;
    const epoch = Math.floor(globalIndex / count);
    if (epoch !== this.#epoch) {
      this.#permutation = epochPermutation(count, seed, epoch);
      this.#epoch = epoch;
    }
    return { document: this.#permutation[globalIndex % count]!, epoch };
  }

  /** Documents taken so far; pass it to the constructor to continue. */
  state(): number {
    return this.#position;
  }
}
