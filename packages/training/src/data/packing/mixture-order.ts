/**
 * In which order the documents of several sources are read. Positions come in blocks of 2^16; in each block every source has the same
 * number of places, in a permutation drawn for the block, and reads its own documents in its own order, over and over. So what stands at
 * a position follows from (seed, position) alone: nothing is walked to get there, and only the position has to be saved.
 */
import { checkInteger } from "../../errors.ts";
import { epochPermutation } from "./document-order.ts";
import type { OrderedDocument } from "./document-order.ts";

/** A source of a mixture: its documents follow those of the source before. */
export interface MixturePart {
  readonly name: string;
  readonly documents: number;
  /** Of the documents that are read, all parts together 1. */
  readonly share: number;
}

const blockSize = 2 ** 16;

export class MixtureOrder {
  readonly #seed: number;
  readonly #sources: readonly Source[];
  /** The source at each place of the present block, and how many of its places come before. */
  readonly #sourceAt: Uint16Array = new Uint16Array(blockSize);
  readonly #placesBefore: Uint32Array = new Uint32Array(blockSize);
  #block = -1;
  #position: number;

  /** `position`: how many documents were taken already (from {@link state}). */
  constructor(parts: readonly MixturePart[], seed: number, position = 0) {
    checkInteger("MixtureOrder", "position", position, 0, Number.MAX_SAFE_INTEGER);
    checkInteger("MixtureOrder", "number of sources", parts.length, 1, 2 ** 16 - 1);
    this.#seed = seed;
    this.#position = position;
    const places = placesOf(parts.map(({ share }) => share));
    let first = 0;
    this.#sources = parts.map(({ documents }, at) => {
      const source = new Source({ first, documents, seed, at, places: places[at]! });
      first += documents;
      return source;
    });
  }

  /** Never ends: sources that are through begin again. */
  next(): OrderedDocument {
    return this.at(this.#position++);
  }

  at(position: number): OrderedDocument {
    const block = Math.floor(position / blockSize);
    if (block !== this.#block) this.#layOut(block);
    const place = position % blockSize;
    const source = this.#sources[this.#sourceAt[place]!]!;
    return source.at(block * source.places + this.#placesBefore[place]!);
  }

  state(): number {
    return this.#position;
  }

  #layOut(block: number): void {
    const ends: number[] = [];
    for (const { places } of this.#sources) ends.push((ends.at(-1) ?? 0) + places);
    const taken = this.#sources.map(() => 0);
    const order = epochPermutation(blockSize, this.#seed, block, { stream: "mixture" });
    for (const [place, value] of order.entries()) {
      const source = ends.findIndex((end) => value < end);
      this.#sourceAt[place] = source;
      this.#placesBefore[place] = taken[source]!++;
    }
    this.#block = block;
  }
}

interface SourceOptions {
  /** Of its documents among those of all. */
  readonly first: number;
  readonly documents: number;
  readonly seed: number;
  readonly at: number;
  readonly places: number;
}

class Source {
  readonly #options: SourceOptions;
  #epoch = -1;
  #permutation: Uint32Array = new Uint32Array(0);

  constructor(options: SourceOptions) {
    this.#options = options;
  }

  get places(): number {
    return this.#options.places;
  }

  /** The document that this source gives as its `index`-th. */
  at(index: number): OrderedDocument {
    const { first, documents, seed, at } = this.#options;
    const epoch = Math.floor(index / documents);
    if (epoch !== this.#epoch)
      this.#permutation = epochPermutation(documents, seed, (this.#epoch = epoch), { part: at });
    return { document: first + this.#permutation[index % documents]!, epoch };
  }
}

/** Places in a block by largest remainders, at least one each. */
function placesOf(shares: readonly number[]): number[] {
  const exact = shares.map((share) => share * blockSize);
  const places = exact.map((value) => Math.max(1, Math.floor(value)));
  const byRemainder = exact.map((value, at) => ({ at, rest: value - places[at]! })).sort((a, b) => b.rest - a.rest);
  let left = blockSize - places.reduce((sum, count) => sum + count, 0);
  for (let turn = 0; left > 0; turn++, left--) places[byRemainder[turn % places.length]!.at]!++;
  for (; left < 0; left++) places[places.indexOf(Math.max(...places))]!--;
  return places;
}
