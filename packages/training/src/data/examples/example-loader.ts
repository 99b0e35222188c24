/**
 * Labelled examples as batches: each step takes the next so many of a shuffled epoch, fewer at its end, and packs them into rows. The order
 * depends on (seed, epoch) alone; ranks share the rows of a step. All the state there is is how many examples were taken.
 */
import { checkInteger, DataError, SettingMismatchError } from "../../errors.ts";
import type { Batch, BatchLoader } from "../packing/batch.ts";
import { DocumentOrder } from "../packing/document-order.ts";
import { rowOfExamples } from "./example-row.ts";
import type { ExampleRow } from "./example-row.ts";
import type { ExampleStore } from "./example-store.ts";

export interface ExampleLoaderOptions {
  readonly store: ExampleStore;
  /** Of the order. */
  readonly seed: number;
  /** Of a step, on all ranks together. */
  readonly examples: number;
  /** Most tokens in a row. */
  readonly rowLength: number;
  /** Of a state that may be gone on from too: the same examples, in other rows. */
  readonly formerRowLength?: number;
  /** What a row adds to `Batch.weight`. */
  readonly weightOf: (row: ExampleRow) => number;
  readonly rank?: number;
  readonly world?: number;
  /** Gives every rank the rows of all. Tokens and weight are those of its own, every `world`-th (default false). */
  readonly allRows?: boolean;
  /** Stop after so many epochs; endless when absent. */
  readonly epochs?: number;
}

export interface ExampleLoaderState {
  readonly version: 1;
  readonly settings: Readonly<Record<string, number | string | null>>;
  /** Examples taken by all ranks. */
  readonly position: number;
}

export class ExampleLoader implements BatchLoader<ExampleRow> {
  readonly #options: ExampleLoaderOptions;
  readonly #settings: ExampleLoaderState["settings"];
  readonly #order: DocumentOrder;
  readonly #end: number;

  /** @throws DataError `invalid` (options, an example that no row holds), `mismatch` (a state of other data or settings). */
  constructor(options: ExampleLoaderOptions, state?: ExampleLoaderState) {
    const { store, seed, examples, rowLength, rank = 0, world = 1, epochs } = options;
    checkInteger("ExampleLoader", "examples", examples, 1, 2 ** 24);
    checkInteger("ExampleLoader", "rank", rank, 0, world - 1);
    if (store.longest > rowLength)
      throw new DataError(
        "invalid",
        "ExampleLoader",
        `expected rows that hold the longest example (${store.longest} tokens), got rows of ${rowLength}: raise batch.micro_batch_tokens or lower data.max_length`,
      );
    const { fingerprint: data, documents: count } = store;
    this.#options = options;
    this.#settings = { data, seed, examples, rowLength, epochs: epochs ?? null };
    if (state) checkState(this.#settings, state, options.formerRowLength);
    this.#order = new DocumentOrder({ count, seed, ...(epochs === undefined ? {} : { epochs }) }, state?.position);
    this.#end = epochs === undefined ? Number.POSITIVE_INFINITY : epochs * count;
  }

  next(): Batch<ExampleRow> | undefined {
    const { store, examples: wanted, rowLength, weightOf, rank = 0, world = 1, allRows } = this.#options;
    const position = this.#order.state();
    if (position >= this.#end) return undefined;
    const inEpoch = store.documents - (position % store.documents);
    const taken = Array.from({ length: Math.min(wanted, inEpoch) }, () => this.#order.next()!.document);
    const packed = packExamples(taken, (example) => store.length(example), rowLength);
    const isOwn = (at: number): boolean => at % world === rank;
    const rows = packed.filter((_, at) => allRows || isOwn(at)).map((examples) => rowOfExamples(store, examples));
    const own = allRows ? rows.filter((_, at) => isOwn(at)) : rows;
    const sum = (of: (row: ExampleRow) => number): number => own.reduce((total, row) => total + of(row), 0);
    const tokens = taken.reduce((total, example) => total + store.length(example), 0);
    return {
      rows,
      sequences: sum((row) => row.cuSeqlens.length - 1),
      tokens: sum((row) => row.ids.length),
      weight: sum(weightOf),
      packingEfficiency: tokens / (packed.length * rowLength),
    };
  }

  state(): ExampleLoaderState {
    return { version: 1, settings: this.#settings, position: this.#order.state() };
  }
}

/** First fit by decreasing length: few rows, and the same ones for the same examples. */
export function packExamples(
  examples: readonly number[],
  length: (example: number) => number,
  rowLength: number,
): number[][] {
  const rows: { readonly examples: number[]; space: number }[] = [];
  for (const example of examples.toSorted((a, b) => length(b) - length(a))) {
    let row = rows.find(({ space }) => space >= length(example));
    if (!row) rows.push((row = { examples: [], space: rowLength }));
    row.examples.push(example);
    row.space -= length(example);
  }
  return rows.map((row) => row.examples);
}

function checkState(
  expected: ExampleLoaderState["settings"],
  state: ExampleLoaderState,
  formerRowLength: number | undefined,
): void {
  if (state.version !== 1 || typeof state.position !== "number")
    throw new DataError(
      "mismatch",
      "ExampleLoader",
      `expected a loader's state of version 1, got ${JSON.stringify(state.version)}`,
    );
  for (const [name, value] of Object.entries(expected)) {
    if (name === "rowLength" && state.settings[name] === formerRowLength) continue;
    if (state.settings[name] !== value)
      throw new SettingMismatchError("ExampleLoader", name, state.settings[name], value);
  }
}
