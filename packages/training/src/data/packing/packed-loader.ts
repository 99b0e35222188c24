/**
 * The training data pipeline in one object: document order → sequences → best-fit rows → what an objective makes of them. `next()`
 * makes one batch: some rows, each a micro-batch for the packed model. Synchronous and cheap (packing and masking cost well under 1 %
 * of a training step; documents are usually in memory), so there is no worker.
 * `state()` is small JSON; a loader restored from it continues bit for bit, in the middle of an epoch or of a document.
 */
import { DocumentOrder } from "./document-order.ts";
import { checkInteger, DataError, SettingMismatchError } from "../../errors.ts";
import type { Batch, BatchLoader, PackedRow } from "./batch.ts";
import { GreedyBestFitPacker } from "./packer.ts";
import { SequenceCutter, SequenceStream } from "./sequences.ts";
import type { CutOptions, DocumentStore, SequenceRef, SequenceStreamState } from "./sequences.ts";
import { scheduleValue } from "../../schedules/token-schedule.ts";
import type { TokenSchedule } from "../../schedules/token-schedule.ts";

export interface PackedLoaderOptions<Row> extends CutOptions {
  readonly store: DocumentStore;
  /** Of document order. */
  readonly seed: number;
  /** Most tokens in a row, at least `maxLength`. */
  readonly rowLength: number;
  /** Rows in a batch on this rank, an integer; see `batchSizeSchedule`. */
  readonly rows: TokenSchedule;
  /** What the objective makes of a row, once packed; `tokens` of all ranks were given out before its batch. */
  readonly prepare: (row: PackedRow, tokens: number) => Row;
  /** What a row adds to `Batch.weight`. */
  readonly weightOf: (row: Row) => number;
  /** Sequences that may wait for a better place, see `GreedyBestFitPacker` (default 512). */
  readonly bufferSize?: number;
  readonly rank?: number;
  readonly world?: number;
  /** Stop after so many epochs; endless when absent. */
  readonly epochs?: number;
}

/** What must be the same for a continuation to be exact. */
type Settings = Readonly<Record<string, number | string | null>>;

export interface PackedLoaderState {
  readonly version: 1;
  readonly settings: Settings;
  readonly stream: SequenceStreamState;
  /** Sequences that wait in the packer, in order. */
  readonly waiting: readonly (readonly [document: number, chunk: number, epoch: number])[];
  /** Tokens and batches given out by this rank. */
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
    this.#options = options;
    this.#settings = settingsOf(options, bufferSize);
    if (state !== undefined) checkSettings(this.#settings, state);
    this.#cutter = new SequenceCutter(store, options);
    const orderOptions = { count: store.documents, seed, rank, world, ...(epochs === undefined ? {} : { epochs }) };
    const order = new DocumentOrder(orderOptions, state?.stream.position);
    this.#stream = new SequenceStream(order, this.#cutter, state?.stream.current);
    this.#packer = new GreedyBestFitPacker(
      { rowLength, bufferSize, next: () => this.#stream.next() },
      state?.waiting.map(([document, chunk, epoch]) => this.#cutter.ref(document, chunk, epoch)),
    );
    this.#tokens = state?.tokens ?? 0;
    this.#batches = state?.batches ?? 0;
  }

  /** The next batch; undefined after the last epoch. Every sequence is given out exactly once per epoch, by one of the ranks. */
  next(seen: number): Batch<Row> | undefined {
    const { rowLength, rows: rowSchedule, prepare, weightOf } = this.#options;
    const wanted = scheduleValue(rowSchedule, seen);
    const rows = this.#packer.pack(wanted).map((sequences) => prepare(this.#gather(sequences), seen));
    if (rows.length === 0) return undefined;
    const sum = (of: (row: Row) => number): number => rows.reduce((total, row) => total + of(row), 0);
    const tokens = sum((row) => row.ids.length);
    this.#tokens += tokens;
    this.#batches++;
    return {
      rows,
      sequences: sum((row) => row.sequences.length),
      tokens,
      weight: sum(weightOf),
      packingEfficiency: tokens / (wanted * rowLength),
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

function settingsOf<Row>(options: PackedLoaderOptions<Row>, bufferSize: number): Settings {
  const { store, seed, rank = 0, world = 1, epochs = null, rowLength, maxLength, longDocuments = "split" } = options;
  const { clsId = null, sepId = null } = options;
  const { fingerprint: data, documents } = store;
  return { data, documents, seed, rank, world, epochs, rowLength, maxLength, longDocuments, clsId, sepId, bufferSize };
}

function checkSettings(expected: Settings, state: PackedLoaderState): void {
  if (state.version !== 1)
    throw new DataError(
      "mismatch",
      "PackedLoader",
      `expected a state of version 1, got ${JSON.stringify(state.version)}`,
    );
  for (const [name, value] of Object.entries(expected))
    if (state.settings[name] !== value)
      throw new SettingMismatchError("PackedLoader", name, state.settings[name], value);
}
