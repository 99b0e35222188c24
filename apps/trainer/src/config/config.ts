/**
 * The configuration of a training run: every field with its type, its bounds, its default and the sentence that explains it.
 * `modernbert-train init` writes its example from here, so it cannot drift. Names are those of Hugging Face where it has one.
 */
import { backendNames, cpuEngineNames } from "@modernbert-ts/backends";
import type { BackendName, CpuEngineName } from "@modernbert-ts/backends";
import { maskedLmObjective, objectives } from "@modernbert-ts/training";
import type { Objective } from "@modernbert-ts/training";
import { z } from "zod";
import { count, interval, length, share } from "./amounts.ts";
import type { Amount } from "./amounts.ts";
import { dataSection } from "./data-section.ts";
import type { DataConfig } from "./data-section.ts";
import { evaluationSection } from "./evaluation-section.ts";
import type { EvaluationConfig } from "./evaluation-section.ts";
import { logSection } from "./log-section.ts";
import type { LogConfig } from "./log-section.ts";
import { loraSection } from "./lora-section.ts";
import type { LoraConfig } from "./lora-section.ts";
import { modelSection } from "./model-section.ts";
import type { ModelConfig } from "./model-section.ts";
import { settingsSection } from "./objective-settings.ts";
import { optimizerSection } from "./optimizer-section.ts";
import type { OptimizerConfig } from "./optimizer-section.ts";
import { scheduleSection } from "./schedule-section.ts";
import type { ScheduleConfig } from "./schedule-section.ts";

/** What every run has; the objective's own section and fields of `evaluation` stand beside it, see objective-settings.ts. */
export interface TrainerConfig {
  readonly objective: string;
  readonly output: string;
  readonly seed: number;
  readonly backend: BackendName | "auto";
  readonly threads?: number | undefined;
  readonly cpu_engine: CpuEngineName;
  readonly dtype: "f32" | "bf16" | "f16";
  readonly data: DataConfig;
  readonly model: ModelConfig;
  readonly lora: LoraConfig;
  readonly batch: {
    readonly micro_batch_tokens: Amount;
    /** Of documents. */
    readonly micro_batches?: number | undefined;
    readonly warmup_tokens?: Amount | undefined;
    readonly warmup_from?: number | undefined;
    /** Of labelled examples. */
    readonly examples?: number | undefined;
    readonly gradient_checkpointing: boolean;
  };
  readonly length: Amount;
  readonly optimizer: OptimizerConfig;
  readonly schedule: ScheduleConfig;
  readonly evaluation: EvaluationConfig;
  readonly checkpoints: {
    readonly every: Amount;
    readonly keep: number;
    readonly keep_every?: Amount | undefined;
    readonly keep_best: number;
  };
  readonly log: LogConfig;
  /** What each says in the place of the above; see phases.ts. */
  readonly phases: readonly Readonly<Record<string, unknown>>[];
}

const positive = z.int().min(1);

const rowsOfStep = {
  micro_batches: positive
    .max(65_536)
    .default(4)
    .describe("How many of these make one optimizer step, on all processes together."),
  warmup_tokens: share.default(0).describe("Steps grow to that many micro-batches over this many tokens; 0 for none."),
  warmup_from: positive
    .max(65_536)
    .default(1)
    .describe("How many micro-batches a step has at first, and by how many it grows at a time."),
};

const examplesOfStep = {
  examples: positive
    .max(2 ** 20)
    .default(32)
    .describe("Of an optimizer step, on all processes together."),
};

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
      data: dataSection(objective),
      model: modelSection,
      lora: loraSection,
      batch: z
        .strictObject({
          micro_batch_tokens: count
            .default(4096)
            .describe("Tokens that go through the model at once: packed sequences, no padding. Bounds the memory."),
          ...(objective.reading ? examplesOfStep : rowsOfStep),
          gradient_checkpointing: z
            .boolean()
            .default(false)
            .describe(
              "Keep each layer's input only for the backward pass and compute the rest again: a quarter of the memory, a third more work.",
            ),
        })
        .prefault({})
        .describe("How much is learned from at once."),
      ...settingsSection(objective),
      length: length
        .default(objective.reading ? "3 epochs" : "10M tokens")
        .describe("How long to train: tokens, or epochs (passes over the data), also parts of one."),
      optimizer: optimizerSection(objective),
      schedule: scheduleSection,
      evaluation: evaluationSection(objective),
      checkpoints: z
        .strictObject({
          every: interval
            .default(objective.reading ? "200 steps" : "1M tokens")
            .describe("How often to save; the end and Ctrl-C save too."),
          keep: positive.default(3).describe("How many of the last to keep."),
          keep_every: interval
            .optional()
            .describe(
              "Keep for good the first at or behind each multiple of it, such as 1B tokens; none when left out.",
            ),
          keep_best: z
            .int()
            .min(0)
            .default(1)
            .describe(
              "How many of the best by evaluation.metric to keep beyond these, of those at steps that were evaluated.",
            ),
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
