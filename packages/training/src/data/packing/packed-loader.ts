/**
 * The training data pipeline in one object: document order → sequences → best-fit rows → what an objective makes of them. `next()`
 * makes one batch: some rows, each a micro-batch for the packed model. Synchronous and cheap (packing and masking cost well under 1 %
 * of a training step; documents are usually in memory), so there is no worker.
 * Every rank packs the rows of all, and makes its own of them: so the order does not depend on the number of ranks, nor does the state.
 * `state()` is small JSON; a loader restored from it continues bit for bit, in the middle of an epoch or of a document.
 */
import { DocumentOrder } from "./document-order.ts";
import { checkInteger, DataError, SettingMismatchError } from "../../errors.ts";
import type { Batch, BatchLoader, PackedRow } from "./batch.ts";
import { MixtureOrder } from "./mixture-order.ts";
import type { MixturePart } from "./mixture-order.ts";
import { GreedyBestFitPacker } from "./packer.ts";
import { Pieces } from "./pieces.ts";
import { SequenceCutter, SequenceStream } from "./sequences.ts";
import type { CutOptions, DocumentStore, Order, SequenceRef, SequenceStreamState } from "./sequences.ts";
import { scheduleValue } from "../../schedules/token-schedule.ts";
import type { TokenSchedule } from "../../schedules/token-schedule.ts";

export interface PackedLoaderOptions<Row> extends CutOptions {
  readonly store: DocumentStore;
  /** Of document order. */
  readonly seed: number;
  /** Most tokens in a row, at least `maxLength`. */
  readonly rowLength: number;
  /** Of a state that may be gone on from too: what waits is packed anew. */
  readonly formerRowLength?: number;
  /** Rows in a batch of all ranks together, an integer; see `batchSizeSchedule`. */
  readonly rows: TokenSchedule;
  /** What the objective makes of a row, once packed; `tokens` of all ranks were given out before its batch. */
  readonly prepare: (row: PackedRow, tokens: number) => Row;
  /** What a row adds to `Batch.weight`. */
  readonly weightOf: (row: Row) => number;
  /** Sequences that may wait for a better place, see `GreedyBestFitPacker` (default 512). */
  readonly bufferSize?: number;
  /** This process takes the rows rank, rank + world, rank + 2·world, … of every batch (default 0 of 1). */
  readonly rank?: number;
  readonly world?: number;
  /** Stop after so many epochs; endless when absent. */
  readonly epochs?: number;
  /** Those of long documents (default "shuffled" among all). */
  readonly pieces?: "shuffled" | "in order";
}

/** What must be the same for a continuation to be exact. */
type Settings = Readonly<Record<string, number | string | null>>;

export interface PackedLoaderState {
  readonly version: 1;
  readonly settings: Settings;
  readonly stream: SequenceStreamState;
  /** Sequences that wait in the packer, in order. */
  readonly waiting: readonly (readonly [document: number, chunk: number, epoch: number])[];
  /** Tokens and batches given out by all ranks. */
  readonly tokens: number;
  readonly batches: number;
}

export class PackedLoader<Row extends PackedRow> implements BatchLoader<Row> {
  readonly #options: PackedLoaderOptions<Row>;
  readonly #settings: Settings;
  readonly #cutter: SequenceCutter;
  readonly #stream: SequenceStream;
  readonly #packer: GreedyBestFitPacker<SequenceRef>;
  #tokens: number;
  #batches: number;

  /**
   * `state`: continue from there; everything but `rows` and what `prepare` does must be as it was.
   * @throws DataError `invalid` (options), `mismatch` (a state of other data or settings).
   */
  constructor(options: PackedLoaderOptions<Row>, state?: PackedLoaderState) {
    const { store, seed, rank = 0, world = 1, epochs, rowLength, maxLength, bufferSize = 512 } = options;
    checkInteger("PackedLoader", "maxLength", maxLength, 3, rowLength);
    checkInteger("PackedLoader", "world", world, 1, 2 ** 20);
    checkInteger("PackedLoader", "rank", rank, 0, world - 1);
    this.#options = options;
    this.#cutter = new SequenceCutter(store, options);
    const pieces = options.pieces === "in order" ? undefined : piecesOf(store, this.#cutter, state);
    this.#settings = { ...settingsOf(options, bufferSize), ...(pieces ? { pieces: pieces.count } : {}) };
    if (state !== undefined) checkSettings(this.#settings, state, options.formerRowLength);
    const order = orderOf(store, pieces, seed, epochs, state?.stream.position);
    this.#stream = new SequenceStream(order, this.#cutter, pieces, state?.stream.current);
    this.#packer = new GreedyBestFitPacker(
      { rowLength, bufferSize, next: () => this.#stream.next() },
      state?.waiting.map(([document, chunk, epoch]) => this.#cutter.ref(document, chunk, epoch)),
    );
    this.#tokens = state?.tokens ?? 0;
    this.#batches = state?.batches ?? 0;
  }

  /**
   * The next batch, on this rank without rows where it has fewer than ranks; undefined after the last epoch. Every sequence is given out
   * exactly once per epoch, by one of the ranks.
   */
  next(seen: number): Batch<Row> | undefined {
    const { store, rowLength, rows: rowSchedule, prepare, weightOf, rank = 0, world = 1 } = this.#options;
    const wanted = scheduleValue(rowSchedule, seen);
    const packed = this.#packer.pack(wanted);
    if (packed.length === 0) return undefined;
    const rows = packed
      .filter((_, at) => at % world === rank)
      .map((sequences) => prepare(this.#gather(sequences), seen));
    const sum = (of: (row: Row) => number): number => rows.reduce((total, row) => total + of(row), 0);
    const all = packed.flat();
    const tokens = all.reduce((total, { length }) => total + length, 0);
    this.#tokens += tokens;
    this.#batches++;
    return {
      rows,
      sequences: sum((row) => row.sequences.length),
      tokens: sum((row) => row.ids.length),
      ...(world > 1 ? { allTokens: tokens } : {}),
      weight: sum(weightOf),
      packingEfficiency: tokens / (wanted * rowLength),
      ...(store.mixture ? { sourceTokens: tokensBySource(all, store.mixture) } : {}),
    };
  }

  /** Everything needed to continue after the last batch given out; plain JSON. */
  state(): PackedLoaderState {
    return {
      version: 1,
      settings: this.#settings,
      stream: this.#stream.state(),
      waiting: this.#packer.state().map(({ document, chunk, epoch }) => [document, chunk, epoch] as const),
      tokens: this.#tokens,
      batches: this.#batches,
    };
  }

  #gather(sequences: readonly SequenceRef[]): PackedRow {
    const cuSeqlens = new Int32Array(sequences.length + 1);
    let maxSeqlen = 0;
    for (const [n, { length }] of sequences.entries()) {
      cuSeqlens[n + 1] = cuSeqlens[n]! + length;
      maxSeqlen = Math.max(maxSeqlen, length);
    }
    const ids = new Int32Array(cuSeqlens.at(-1)!);
    for (const [n, sequence] of sequences.entries()) this.#cutter.copy(sequence, ids, cuSeqlens[n]!);
    return { ids, cuSeqlens, maxSeqlen, sequences };
  }
}

/** What is shuffled where documents are cut; undefined where none is, and for a state of earlier releases, which read a document's pieces in order. */
function piecesOf(
  { documents }: DocumentStore,
  cutter: SequenceCutter,
  state: PackedLoaderState | undefined,
): Pieces | undefined {
  if (state && state.settings["pieces"] === undefined) return undefined;
  const pieces = new Pieces(documents, (document) => cutter.chunks(document));
  return pieces.count === documents ? undefined : pieces;
}

/** @throws DataError `invalid` for epochs of a mixture, which has none. */
function orderOf(
  store: DocumentStore,
  pieces: Pieces | undefined,
  seed: number,
  epochs: number | undefined,
  position?: number,
): Order {
  const count = pieces?.count ?? store.documents;
  const mixture = store.mixture && (pieces?.mixture(store.mixture) ?? store.mixture);
  if (mixture === undefined)
    return new DocumentOrder({ count, seed, ...(epochs === undefined ? {} : { epochs }) }, position);
  if (epochs === undefined) return new MixtureOrder(mixture, seed, position);
  throw new DataError(
    "invalid",
    "PackedLoader",
    "expected no epochs of a mixture, whose sources end at different times",
  );
}

function tokensBySource(
  sequences: readonly SequenceRef[],
  parts: readonly MixturePart[],
): Readonly<Record<string, number>> {
  const tokens = parts.map(() => 0);
  const ends: number[] = [];
  for (const { documents } of parts) ends.push((ends.at(-1) ?? 0) + documents);
  for (const { document, length } of sequences) tokens[ends.findIndex((end) => document < end)]! += length;
  return Object.fromEntries(parts.map(({ name }, at) => [name, tokens[at]!]));
}

function settingsOf<Row>(options: PackedLoaderOptions<Row>, bufferSize: number): Settings {
  const { store, seed, epochs = null, rowLength, maxLength, longDocuments = "split" } = options;
  const { clsId = null, sepId = null } = options;
  const { fingerprint: data, documents } = store;
  return { data, documents, seed, epochs, rowLength, maxLength, longDocuments, clsId, sepId, bufferSize };
}

function checkSettings(expected: Settings, state: PackedLoaderState, formerRowLength: number | undefined): void {
  if (state.version !== 1)
    throw new DataError(
      "mismatch",
      "PackedLoader",
      `expected a state of version 1, got ${JSON.stringify(state.version)}`,
    );
  // Of several ranks, it once was their own part of the documents.
  if ((state.settings["world"] ?? 1) !== 1)
    throw new SettingMismatchError("PackedLoader", "world", state.settings["world"], 1);
  for (const [name, value] of Object.entries(expected)) {
    if (name === "rowLength" && state.settings[name] === formerRowLength) continue;
    if (state.settings[name] !== value)
      throw new SettingMismatchError("PackedLoader", name, state.settings[name], value);
  }
}
