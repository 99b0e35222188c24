/**
 * Greedy best-fit packing of sequences into rows of at most `rowLength` tokens (ModernBERT's GreedyBestFitSequencePacker).
 * It looks only at lengths. A sequence goes into the fullest row that still holds it; one that fits nowhere waits, in order,
 * for the next batch. A batch closes when every row is full, when `bufferSize` sequences wait, or when the source ends.
 * Unlike the original, sequences that wait keep their order, nothing is dropped at the end of the data, and no row is padded.
 */
import { checkInteger, DataError } from "../../errors.ts";

export interface PackerOptions<Item> {
  /** Tokens a row can hold. */
  readonly rowLength: number;
  /** How many sequences may wait: more gives fuller rows and moves sequences further from their place in the order. */
  readonly bufferSize: number;
  /** The next sequence, or undefined at the end of the data. */
  readonly next: () => Item | undefined;
}

interface Row<Item> {
  readonly items: Item[];
  space: number;
}

export class GreedyBestFitPacker<Item extends { readonly length: number }> {
  readonly #options: PackerOptions<Item>;
  #waiting: readonly Item[];

  /** `waiting`: the sequences that waited when the state was taken, in order. */
  constructor(options: PackerOptions<Item>, waiting: readonly Item[] = []) {
    checkInteger("GreedyBestFitPacker", "rowLength", options.rowLength, 1, 2 ** 31 - 1);
    checkInteger("GreedyBestFitPacker", "bufferSize", options.bufferSize, 1, 2 ** 24);
    this.#options = options;
    this.#waiting = waiting;
  }

  /** Fills at most `rows` rows; empty rows are left out, so `[]` means that the data are at an end. */
  pack(rows: number): Item[][] {
    checkInteger("GreedyBestFitPacker", "rows", rows, 1, 2 ** 16);
    const { rowLength, bufferSize, next } = this.#options;
    const open: Row<Item>[] = Array.from({ length: rows }, () => ({ items: [], space: rowLength }));
    const waiting: Item[] = [];
    const place = (item: Item): void => {
      const row = bestFit(open, item.length);
      if (row === undefined) waiting.push(item);
      else {
        row.items.push(item);
        row.space -= item.length;
      }
    };
    for (const item of this.#waiting) place(item);
    while (waiting.length < bufferSize && open.some((row) => row.space > 0)) {
      const item = next();
      if (item === undefined) break;
      if (!(item.length >= 1 && item.length <= rowLength))
        throw new DataError(
          "invalid",
          "GreedyBestFitPacker",
          `expected a length in 1..${rowLength}, got ${item.length}`,
        );
      place(item);
    }
    this.#waiting = waiting;
    return open.filter((row) => row.items.length > 0).map((row) => row.items);
  }

  /** The sequences that wait for the next batch, in order: all the state there is. */
  state(): readonly Item[] {
    return this.#waiting;
  }
}

/** The first of the rows with the least space among those that hold `length`. */
function bestFit<Item>(rows: readonly Row<Item>[], length: number): Row<Item> | undefined {
  let best: Row<Item> | undefined;
  for (const row of rows) if (row.space >= length && (best === undefined || row.space < best.space)) best = row;
  return best;
}
