/**
 * The configuration of a training run: every field with its type, its bounds, its default and the sentence that explains it.
 * `modernbert-train init` writes its example from here, so it cannot drift. Names are those of Hugging Face where it has one.
 */
import { backendNames, cpuEngineNames } from "@modernbert-ts/backends";
import type { BackendName, CpuEngineName } from "@modernbert-ts/backends";
import { maskedLmObjective, objectives } from "@modernbert-ts/training";
import type { Objective } from "@modernbert-ts/training";
import { z } from "zod";
import { checkData, dataFields } from "./data-settings.ts";
import type { DataConfig } from "./data-settings.ts";
import { logSection } from "./log-section.ts";
import type { LogConfig } from "./log-section.ts";
import { modelSection } from "./model-section.ts";
import type { ModelConfig } from "./model-section.ts";
import { settingsFields, settingsSection } from "./objective-settings.ts";
import { parseCount, parseInterval, parseLength, parseShare } from "./quantity.ts";

type Amount = number | string;

/** What every run has; the objective's own section and fields of `evaluation` stand beside it, see objective-settings.ts. */
export interface TrainerConfig {
  readonly objective: string;
  readonly output: string;
  readonly seed: number;
  readonly backend: BackendName | "auto";
  readonly threads?: number | undefined;
  readonly cpu_engine: CpuEngineName;
  readonly dtype: "f32" | "bf16" | "f16";
  readonly data: DataConfig & {
    readonly max_length: number;
    readonly verify: boolean;
    readonly long_documents: "split" | "truncate";
  };
  readonly model: ModelConfig;
  readonly batch: {
    readonly micro_batch_tokens: Amount;
    readonly micro_batches: number;
    readonly warmup_tokens: Amount;
    readonly warmup_from: number;
  };
  readonly length: Amount;
  readonly optimizer: {
    readonly learning_rate: number;
    readonly weight_decay: number;
    readonly beta1: number;
    readonly beta2: number;
    readonly eps: number;
    readonly clip_norm?: number | undefined;
  };
  readonly schedule: {
    readonly kind: "wsd" | "linear" | "cosine" | "constant";
    readonly warmup: Amount;
    readonly decay: Amount;
    readonly final: number;
  };
  readonly evaluation: {
    readonly every: Amount;
    readonly tokens: Amount;
  };
  readonly checkpoints: {
    readonly every: Amount;
    readonly keep: number;
  };
  readonly log: LogConfig;
  /** What each says in the place of the above; see phases.ts. */
  readonly phases: readonly Readonly<Record<string, unknown>>[];
}

const amount = (valid: (value: Amount) => boolean, form: string): z.ZodType<Amount, Amount> =>
  z.union([z.number(), z.string()]).refine(valid, { error: `expected ${form}` });
const count = amount((value) => parseCount(value) !== undefined, "a whole number such as 4096 or 250k");
const interval = amount((value) => parseInterval(value) !== undefined, '"500 steps" or "1M tokens"');
const length = amount((value) => parseLength(value, 1) !== undefined, '"10M tokens", "3 epochs" or "0.5 epochs"');
const share = amount((value) => parseShare(value, 1) !== undefined, '0, "5%" or "100k tokens"');

const positive = z.int().min(1);

/** The configuration of runs of one objective: only its own settings are known. */
export function configSchema(objective: Objective): z.ZodType<TrainerConfig, unknown> {
  return z
    .strictObject({
      objective: z
        .enum(objectives.map(({ name }) => name))
        .default(maskedLmObjective.name)
        .describe("What the model is trained for."),
      output: z
        .string()
        .min(1)
        .default("runs/modernbert")
        .describe("Folder of this run: checkpoints, metrics, report and the finished model."),
      seed: z
        .int()
        .min(0)
        .max(2 ** 32 - 1)
        .default(17)
        .describe("Of weights, document order, masks and dropout."),
      backend: z
        .enum(backendNames)
        .default("auto")
        .describe("Where to compute; auto takes the first of cuda, webgpu and cpu that can be had, and says which."),
      threads: positive.optional().describe("CPU threads; all cores when left out."),
      cpu_engine: z
        .enum(cpuEngineNames)
        .default("auto")
        .describe(
          "Kernels of the cpu backend: C, WebAssembly, TypeScript (slow, for any machine), or the best that runs here.",
        ),
      dtype: z
        .enum(["f32", "bf16", "f16"])
        .default("f32")
        .describe("Of matrix products and activations; parameters stay in f32. f16 scales the loss."),
      data: z
        .strictObject({
          ...dataFields,
          max_length: z.int().min(3).default(1024).describe("Longest sequence in tokens, [CLS] and [SEP] included."),
          long_documents: z
            .enum(["split", "truncate"])
            .default("split")
            .describe("What becomes of longer documents: several sequences, or only their beginning."),
          verify: z
            .boolean()
            .default(true)
            .describe("Compare the files with their hashes at the start: some seconds for a gigabyte."),
        })
        .superRefine(checkData)
        .describe("What to train on."),
      model: modelSection,
      batch: z
        .strictObject({
          micro_batch_tokens: count
            .default(4096)
            .describe("Tokens that go through the model at once: packed sequences, no padding. Bounds the memory."),
          micro_batches: positive
            .max(65_536)
            .default(4)
            .describe("How many of these make one optimizer step, on all processes together."),
          warmup_tokens: share
            .default(0)
            .describe("Steps grow to that many micro-batches over this many tokens; 0 for none."),
          warmup_from: positive
            .max(65_536)
            .default(1)
            .describe("How many micro-batches a step has at first, and by how many it grows at a time."),
        })
        .prefault({})
        .describe("How much is learned from at once."),
      ...settingsSection(objective),
      length: length
        .default("10M tokens")
        .describe("How long to train: tokens, or epochs (passes over the data), also parts of one."),
      optimizer: z
        .strictObject({
          learning_rate: z.number().gt(0).default(8e-4).describe("The peak of the schedule."),
          weight_decay: z
            .number()
            .min(0)
            .default(1e-5)
            .describe(
              "Fully decoupled: subtracted at this rate whatever the learning rate's peak. Not for norms and biases.",
            ),
          beta1: z.number().min(0).lt(1).default(0.9),
          beta2: z.number().min(0).lt(1).default(0.98),
          eps: z.number().gt(0).default(1e-6),
          clip_norm: z
            .number()
            .gt(0)
            .optional()
            .describe("Clip gradients to this global norm; ModernBERT was trained without."),
        })
        .prefault({})
        .describe("StableAdamW."),
      schedule: z
        .strictObject({
          kind: z
            .enum(["wsd", "linear", "cosine", "constant"])
            .default("wsd")
            .describe("wsd: warm-up, stable, then 1-sqrt decay."),
          warmup: share.default("5%").describe("Linear from 0; a share of the length, or tokens."),
          decay: share.default("20%").describe("Of wsd only: how much of the end decays."),
          final: z.number().min(0).max(1).default(0).describe("Where the decay ends, as a share of the peak."),
        })
        .prefault({})
        .describe("Learning rate over tokens."),
      evaluation: z
        .strictObject({
          every: interval.default("1M tokens").describe("How often to score the held-out documents."),
          ...settingsFields(objective.settings.evaluation),
          tokens: count.default("100k").describe("Score at most about so many tokens."),
        })
        .prefault({})
        .describe("On the validation data, if there are any."),
      checkpoints: z
        .strictObject({
          every: interval.default("1M tokens").describe("How often to save; the end and Ctrl-C save too."),
          keep: positive.default(3).describe("How many to keep."),
        })
        .prefault({})
        .describe("To go on from after an interruption."),
      log: logSection,
      phases: z
        .array(z.record(z.string(), z.unknown()))
        .default([])
        .describe(
          "One after another on the same model and optimizer state. Each has a name and says what differs from the above: length, seed, data, batch, model.global_rope_theta, model.local_rope_theta, optimizer, schedule, evaluation, or the objective's section.",
        ),
    })
    .describe("modernbert-train");
}
