/** A configuration in the numbers of the training library: amounts in tokens, schedules as functions. No device yet. */
import { precisions } from "@modernbert-ts/tensor-core";
import type { Precision } from "@modernbert-ts/tensor-core";
import { batchSizeSchedule, learningRateSchedule } from "@modernbert-ts/training";
import type { BatchSettings, Interval, Objective, OptimizerOptions, TrainingStore } from "@modernbert-ts/training";
import type { TrainerConfig } from "../../config/config.ts";
import { onDocuments } from "../../config/data-section.ts";
import { parseCount, parseInterval, parseLength, parseShare } from "../../config/quantity.ts";
import { UsageError } from "../../errors.ts";
import { checkLora } from "../model/lora.ts";
import { scheduleOf } from "./schedule.ts";
import type { TrainingData } from "../data/training-data.ts";

export interface RunPlan {
  readonly precision: Precision;
  /** Where the phase ends. */
  readonly totalTokens: number;
  readonly tokensPerStep: number;
  readonly batches: BatchSettings;
  readonly optimizer: OptimizerOptions;
  readonly learningRate: (tokens: number) => number;
  /** undefined without validation data. */
  readonly evaluation:
    | {
        readonly every: Interval;
        readonly patience: number | undefined;
        /** How many of them; all when undefined. */
        readonly count: number | undefined;
        readonly store: TrainingStore;
        /** The same each time, whatever the run's seed. */
        readonly batches: BatchSettings;
      }
    | undefined;
  readonly checkpoints: {
    readonly every: Interval;
    readonly keep: number;
    readonly keepEvery?: Interval;
    readonly keepBest: number;
  };
  /** undefined: the first step that is not finite ends training. */
  readonly skipPatience: number | undefined;
}

/**
 * @param phase where it begins on the run's clock of tokens, and what weight decay goes by.
 * @throws UsageError when fields contradict each other; DataError for schedules that cannot be.
 */
export function planOf(
  config: TrainerConfig,
  objective: Objective,
  { train, trainTokens, validation, roles }: Pick<TrainingData, "train" | "trainTokens" | "validation" | "roles">,
  { startTokens, maxLearningRate }: { readonly startTokens: number; readonly maxLearningRate: number },
): RunPlan {
  const { batch, data, optimizer, evaluation, checkpoints } = config;
  checkLora(config);
  const rowLength = parseCount(batch.micro_batch_tokens)!;
  if (rowLength < data.max_length)
    throw new UsageError(
      `expected batch.micro_batch_tokens of at least data.max_length (${data.max_length}), got ${rowLength}: raise it or lower max_length`,
    );
  if (evaluation.patience !== undefined && !validation)
    throw new UsageError(
      "expected validation data for evaluation.patience to go by, got none: add them, or leave it out",
    );
  const cut = cutOf(config);
  const common = { ...cut, rowLength };
  const length = parseLength(config.length, objective.epochTokens({ store: train, roles }, cut))!;
  const warmupTokens = parseShare(batch.warmup_tokens ?? 0, length)!;
  const maxRows = batch.micro_batches ?? 1;
  const grown = rowsSchedule(batch, warmupTokens);
  const rows = warmupTokens === 0 ? maxRows : (tokens: number) => grown(tokens - startTokens);
  const examples = batch.examples === undefined ? {} : { examples: batch.examples };
  const factor = learningRateSchedule(scheduleOf(config.schedule, length));
  return {
    precision: precisions[config.dtype],
    totalTokens: startTokens + length,
    tokensPerStep:
      batch.examples === undefined ? rowLength * maxRows : Math.round((batch.examples * trainTokens) / train.documents),
    batches: { ...common, ...examples, seed: config.seed, rows },
    optimizer: {
      maxLearningRate,
      betas: [optimizer.beta1, optimizer.beta2],
      eps: optimizer.eps,
      weightDecay: optimizer.weight_decay,
      rateMultiples: optimizer.learning_rates,
      momentum: optimizer.momentum,
      ...(optimizer.skip_above === undefined ? {} : { skipAbove: optimizer.skip_above }),
      ...(optimizer.clip_norm === undefined ? {} : { clipNorm: optimizer.clip_norm }),
      ...(config.dtype === "f16" ? { lossScale: {} } : {}),
    },
    learningRate: (tokens) => optimizer.learning_rate * factor(tokens - startTokens),
    evaluation: validation && {
      every: parseInterval(evaluation.every)!,
      patience: evaluation.patience,
      count:
        evaluation.tokens === undefined
          ? undefined
          : Math.max(1, Math.ceil(parseCount(evaluation.tokens)! / rowLength)),
      store: validation,
      batches: { ...common, ...examples, seed: 0, rows: 1, epochs: 1, pieces: "in order" },
    },
    checkpoints: {
      every: parseInterval(checkpoints.every)!,
      keep: checkpoints.keep,
      ...(checkpoints.keep_every === undefined ? {} : { keepEvery: parseInterval(checkpoints.keep_every)! }),
      keepBest: checkpoints.keep_best,
    },
    skipPatience: optimizer.skip_above === undefined ? undefined : optimizer.skip_patience,
  };
}

/** How documents become sequences; labelled examples are cut when they are read. */
export function cutOf({ data }: TrainerConfig): Pick<BatchSettings, "maxLength" | "longDocuments"> {
  return { maxLength: data.max_length, longDocuments: onDocuments(data) ? data.long_documents : "truncate" };
}

/**
 * Micro-batches of a step from the tokens seen: `warmup_from` of them, twice as many, and so on, as many steps of each.
 * @throws UsageError when they do not come out even.
 */
export function rowsSchedule(
  { micro_batches: most = 1, warmup_from: from = 1 }: Pick<TrainerConfig["batch"], "micro_batches" | "warmup_from">,
  warmupTokens: number,
): (tokens: number) => number {
  if (most % from !== 0)
    throw new UsageError(
      `expected batch.micro_batches to be a multiple of batch.warmup_from (${from}), by which steps grow, got ${most}`,
    );
  const grown = batchSizeSchedule({ minRows: 1, maxRows: most / from, warmupTokens });
  return (tokens) => from * grown(tokens);
}
