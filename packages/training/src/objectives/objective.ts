/** What a model is trained for: batches, a loss, numbers to watch. Each objective is a folder here, listed in registry.ts. */
import type { Encoder, Head } from "@modernbert-ts/encoder";
import type { Runtime, Tensor } from "@modernbert-ts/tensor-core";
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
}

/** The sums of one micro-batch, f32 [1] each. */
export interface ObjectiveOutput {
  /** Σ loss over what is scored. The one that is differentiated. */
  readonly lossSum: Tensor;
  /** One for each metric, in their order. No gradient. */
  readonly sums: readonly Tensor[];
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
  /** One micro-batch to the device, all that `forward` reads; it belongs to the scope around. `step` turns dropout on: in training only. */
  upload(row: Row, step?: RowDraw): DeviceRow;
  /** Puts a row of the same sizes in the place of another, in order with queued work. @throws BatchError when a size differs. */
  overwrite(device: DeviceRow, row: Row, step?: RowDraw): void;
  /** Differentiable in the parameters. Uploads nothing, so that it can be captured. */
  forward(row: DeviceRow): ObjectiveOutput;
}

/** Documents, and the ids of the tokens with a role; undefined where the tokenizer has none. */
export interface ObjectiveData {
  readonly store: DocumentStore;
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
  /** This process among those that train together (default 0 of 1). */
  readonly rank?: number;
  readonly world?: number;
  /** Endless when absent. */
  readonly epochs?: number;
}

/** What can be had without a model, on the very batches that a model is scored on. */
export interface Baseline {
  /** "unigram", "most frequent token". */
  readonly name: string;
  /** "loss" or the name of a metric. */
  readonly of: string;
  readonly value: number;
}

export interface Objective<Row = unknown> {
  /** In configurations and checkpoints: "masked_lm". */
  readonly name: string;
  /** What the model needs. */
  readonly head: Head;
  /** Names of the classes where the head is a classifier. */
  readonly labels?: readonly string[];
  /** What the loss counts, for people: "nats per masked token". */
  readonly lossUnit: string;
  readonly metrics: readonly MetricDefinition[];
  /** What may be set in a configuration. */
  readonly settings: ObjectiveSettings;
  /** @param options.seed of dropout, unsigned 32-bit; the rates stand in the model's config. */
  model(encoder: Encoder, options: { readonly seed: number }): TrainableModel<Row>;
  /**
   * @param values one for each of `settings.fields`.
   * @param state of an earlier loader, to go on from there.
   * @throws DataError, also for data that lack what the objective needs.
   */
  loader(data: ObjectiveData, batches: BatchSettings, values: SettingValues, state?: unknown): BatchLoader<Row>;
  /** How much is scored for each token seen, 0..1, to plan with; all of them when absent. */
  scoredShare?(values: SettingValues): number;
  /** Tokens of one pass over the data: an epoch. */
  epochTokens(data: ObjectiveData, batches: Pick<BatchSettings, "maxLength" | "longDocuments">): number;
  /** @param train the training data; `batches` those of the evaluation. */
  baselines(train: ObjectiveData, batches: Iterable<Batch<Row>>): readonly Baseline[];
}
