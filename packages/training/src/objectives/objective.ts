/** What a model is trained for: batches, a loss, numbers to watch. Each objective is a folder here, listed in registry.ts. */
import type { Encoder, Head, HeadConfig } from "@modernbert-ts/encoder";
import type { DType, Runtime, Shape, Tensor } from "@modernbert-ts/tensor-core";
import type { ExampleReading } from "../data/examples/read-examples.ts";
import type { Batch, BatchLoader } from "../data/packing/batch.ts";
import type { DocumentStore } from "../data/packing/sequences.ts";
import type { NamedTensors } from "../optimizer/optimizer.ts";
import type { TokenSchedule } from "../schedules/token-schedule.ts";
import type { ObjectiveSettings, SettingValues } from "./settings.ts";

/** A number that is watched beside the loss: a sum over what is scored, divided by `Batch.weight`. */
export interface MetricDefinition {
  /** In events and files: "maskedAccuracy". */
  readonly name: string;
  /** For people: "masked accuracy". */
  readonly title: string;
  readonly format: "share" | "number";
  /** Where a low number is a good one. */
  readonly lowerIsBetter?: true;
}

/** The sums of one micro-batch, f32 [1] each. */
export interface ObjectiveOutput {
  /** Σ loss over what is scored. The one that is differentiated. */
  readonly lossSum: Tensor;
  /** One for each metric, in their order. No gradient. */
  readonly sums: readonly Tensor[];
  /** What `HeldOutMetrics.collect` reads; in any shape. Of a joint loss it reads the representations. */
  readonly predictions?: Tensor;
}

/** Numbers that are no means over what is scored, such as F1: made on the host, of the predictions of a whole evaluation. */
export interface HeldOutMetrics<Row, Item = unknown> {
  readonly metrics: readonly MetricDefinition[];
  /** What is kept of a row; plain JSON, so that ranks can exchange it. */
  collect(row: Row, predictions: Float32Array): readonly Item[];
  /** By the names of `metrics`. */
  summarise(items: readonly Item[]): Readonly<Record<string, number>>;
}

/** Names a random draw of a training step: the same step and row give the same dropout, before and after a restart. */
export interface RowDraw {
  /** 1-based. */
  readonly step: number;
  /** Among those of the step on all ranks. */
  readonly row: number;
}

/** A model as the loop sees it, which so knows no architecture and no objective. */
export interface TrainableModel<Row, DeviceRow = unknown> {
  readonly runtime: Runtime;
  /** In a fixed order; a tied tensor appears once. */
  readonly parameters: NamedTensors;
  /** Parameters in a shorter dtype, by name: `forward` reads them, the optimizer writes them with their parameter. */
  readonly copies: NamedTensors;
  /** Names of parameters that stay as they are, see `freeze`. */
  readonly frozen?: ReadonlySet<string>;
  readonly metrics: readonly MetricDefinition[];
  /** Of evaluations alone. */
  readonly heldOut?: HeldOutMetrics<Row>;
  /** One micro-batch to the device, all that `forward` reads; it belongs to the scope around. `step` turns dropout on: in training only. */
  upload(row: Row, step?: RowDraw): DeviceRow;
  /** Puts a row of the same sizes in the place of another, in order with queued work. @throws BatchError when a size differs. */
  overwrite(device: DeviceRow, row: Row, step?: RowDraw): void;
  /** Differentiable in the parameters. Uploads nothing, so that it can be captured. */
  forward(row: DeviceRow): ObjectiveOutput;
  /** Brings frozen parameters that follow from others up to date; called before a checkpoint is written. */
  settle?(): void;
  /** Frees what the encoder that it was made of does not own. */
  dispose?(): void;
  /** Where the loss looks at all rows of a step at once; `forward` is then this for one row alone. */
  readonly joint?: JointLoss<DeviceRow>;
}

/**
 * A loss of what the model makes of several rows. A step computes that row by row without gradients, differentiates the loss in it, and
 * goes through the rows once more with these gradients (GradCache, arXiv 2101.06983): memory is that of one row. Ranks that train together
 * are given all rows of a step, of which each makes every `world`-th, and what the others made of theirs. Uploads nothing.
 */
export interface JointLoss<DeviceRow> {
  /** Differentiable in the parameters. */
  represent(row: DeviceRow): Tensor;
  /** Of what `represent` makes of it. */
  representation(row: DeviceRow): { readonly shape: Shape; readonly dtype: DType };
  /** Differentiable in the representations. */
  loss(representations: readonly Tensor[], rows: readonly DeviceRow[]): ObjectiveOutput;
}

/** What the stores of documents and of examples have in common. */
export interface TrainingStore {
  /** Or examples. */
  readonly documents: number;
  readonly fingerprint: string;
}

/** Documents or examples, and the ids of the tokens with a role; undefined where the tokenizer has none. */
export interface ObjectiveData<Store extends TrainingStore = DocumentStore> {
  readonly store: Store;
  readonly roles: TokenRoles;
  /** Where words begin: bits of `wordEdges` by token id [vocabulary]; who masks whole words needs it. */
  readonly wordEdges?: Uint8Array;
}

export interface TokenRoles {
  readonly cls: number;
  readonly sep: number;
  readonly pad: number;
  readonly mask: number | undefined;
}

/** How documents become batches, whatever the objective. */
export interface BatchSettings {
  readonly seed: number;
  readonly maxLength: number;
  readonly longDocuments: "split" | "truncate";
  readonly rowLength: number;
  /** Of a state that may be gone on from too, with other rows of the same sequences. */
  readonly formerRowLength?: number;
  /** Of all ranks together. */
  readonly rows: TokenSchedule;
  /** Labelled examples of a step, of all ranks together; takes the place of `rows`. */
  readonly examples?: number;
  /** This process among those that train together (default 0 of 1). */
  readonly rank?: number;
  readonly world?: number;
  /** Endless when absent. */
  readonly epochs?: number;
  /** Of long documents; held-out ones are read in order, so that scores of all releases can be compared. Default: shuffled among all. */
  readonly pieces?: "shuffled" | "in order";
}

/** What can be had without a model, on the very batches that a model is scored on. */
export interface Baseline {
  /** "unigram", "most frequent token". */
  readonly name: string;
  /** "loss" or the name of a metric. */
  readonly of: string;
  readonly value: number;
}

/** What an objective decides of a head's config. */
export type HeadSettings = Partial<Pick<HeadConfig, "labels" | "problemType" | "classifierPooling">>;

export interface Objective<Row = unknown, Store extends TrainingStore = TrainingStore> {
  /** In configurations and checkpoints: "masked_lm". */
  readonly name: string;
  /** What the model needs. */
  readonly head: Head;
  /** Of a classifier, which starts from fresh values. @param labels the classes of the data. @throws DataError where they do not do. */
  headSettings?(values: SettingValues, labels: readonly string[]): HeadSettings;
  /** How it reads labelled records; absent where it trains on documents. */
  readonly reading?: ExampleReading;
  /** What the loss counts, for people: "nats per masked token". */
  readonly lossUnit: string;
  readonly metrics: readonly MetricDefinition[];
  /** What may be set in a configuration. */
  readonly settings: ObjectiveSettings;
  /**
   * @param options.seed of dropout, unsigned 32-bit; the rates stand in the model's config.
   * @param values as for `loader`; the defaults when absent.
   */
  model(encoder: Encoder, options: { readonly seed: number }, values?: SettingValues): TrainableModel<Row>;
  /** Files of a model folder beside those that every model has, by name, such as those of sentence-transformers. */
  files?(encoder: Encoder, values: SettingValues, maxLength: number): Readonly<Record<string, string>>;
  /**
   * @param values one for each of `settings.fields`.
   * @param state of an earlier loader, to go on from there.
   * @throws DataError, also for data that lack what the objective needs.
   */
  loader(data: ObjectiveData<Store>, batches: BatchSettings, values: SettingValues, state?: unknown): BatchLoader<Row>;
  /** Its loss looks at all rows of a step, which are gone through twice where there are several; see `JointLoss`. */
  readonly joint?: true;
  /** What it trains beside the model, whose costs are not estimated: "a generator"; absent where there is nothing. */
  readonly besides?: string;
  /** How much is scored for each token seen, 0..1, to plan with; all of them when absent. */
  scoredShare?(values: SettingValues): number;
  /** Tokens of one pass over the data: an epoch. */
  epochTokens(data: ObjectiveData<Store>, batches: Pick<BatchSettings, "maxLength" | "longDocuments">): number;
  /** @param train the training data; `batches` those of the evaluation. */
  baselines(train: ObjectiveData<Store>, batches: Iterable<Batch<Row>>, values: SettingValues): readonly Baseline[];
}
