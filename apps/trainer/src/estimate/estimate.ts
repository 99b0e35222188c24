/** What a phase of a run needs of devices that share it, from formulas: nothing is run. */
import { forwardFlops, trainingMemory } from "@modernbert-ts/encoder";
import type { EncoderKind, HeadConfig } from "@modernbert-ts/encoder";
import { objectiveOf } from "@modernbert-ts/training";
import type { TrainerConfig } from "../config/config.ts";
import { settingsOf } from "../config/objective-settings.ts";
import { parseCount, parseLength, parseShare } from "../config/quantity.ts";
import { UsageError } from "../errors.ts";
import { rowsSchedule } from "../run/plan/plan.ts";
import type { PlannedData } from "./planned-data.ts";
import { trainedOf } from "./trained.ts";

/** Those that train together. */
export interface Hardware {
  readonly devices: number;
  /** Of one, at the run's dtype. */
  readonly flops: number;
  /** Of one, in bytes. */
  readonly memory: number;
  /** Share of the peak that training reaches, 0..1. */
  readonly mfu: number;
}

export interface PhaseEstimate {
  /** Of the model and of adapters beside it. */
  readonly parameters: number;
  /** How many of them are trained. */
  readonly trained: number;
  readonly tokens: number;
  readonly tokensPerStep: number;
  /** Of a step, on all devices. */
  readonly microBatches: number;
  readonly steps: number;
  /** Of a training step. */
  readonly flopsPerToken: number;
  readonly tokensPerSecond: number;
  readonly seconds: number;
  /** Bytes on one device, in parts. */
  readonly memory: {
    readonly parameters: number;
    readonly gradients: number;
    readonly optimizer: number;
    readonly activations: number;
    readonly working: number;
  };
  /** Bytes of one on disk. */
  readonly checkpoint: number;
  /** The largest micro-batch, in tokens, that the device holds; 0 where not even the parameters fit. */
  readonly largestMicroBatch: number;
}

/** A model that is not made. */
export interface ModelPlan {
  readonly kind: EncoderKind;
  readonly config: HeadConfig;
}

/** What is left for kernels' own needs, fragments and the driver. */
const usable = 0.92;

/** @throws UsageError for a length in epochs of data that are not known. */
export function estimatePhase(
  config: TrainerConfig,
  model: ModelPlan,
  hardware: Hardware,
  data: Pick<PlannedData, "lengths" | "epochTokens" | "tokensPerExample">,
): PhaseEstimate {
  const { devices, flops, memory, mfu } = hardware;
  const objective = objectiveOf(config.objective)!;
  if (objective.besides !== undefined)
    throw new UsageError(
      `expected an objective that trains the model alone to plan with, got ${config.objective}, which trains ${objective.besides} beside it: what that takes is not estimated`,
    );
  const scoredShare = objective.scoredShare?.(settingsOf(config, objective).training) ?? 1;
  if (data.epochTokens === undefined && String(config.length).includes("epoch"))
    throw new UsageError(`expected length in tokens to plan with, got ${config.length}: only the data could tell`);
  const tokens = parseLength(config.length, data.epochTokens ?? 1)!;
  const microBatch = parseCount(config.batch.micro_batch_tokens)!;
  const { examples } = config.batch;
  const tokensPerStep =
    examples === undefined
      ? microBatch * (config.batch.micro_batches ?? 1)
      : Math.round(examples * data.tokensPerExample);
  const microBatches = Math.ceil(tokensPerStep / microBatch);
  const { perToken, perScored } = forwardFlops(model.kind, model.config, objective.head, data.lengths);
  const { all, adapters, trained, still, optimizer, checkpoint } = trainedOf(config, model, objective);
  // Backward does each product twice, or once where the weights stay; a joint loss over several rows takes one forward more, checkpointing the layers'.
  const passes = objective.joint && microBatches > 1 ? 4 : 3;
  const encoder = perToken + 2 * adapters;
  const { gradient_checkpointing: checkpointing } = config.batch;
  const again = checkpointing ? encoder : 0;
  const flopsPerToken =
    passes * (encoder + scoredShare * perScored) + again - 2 * (still.encoder + scoredShare * still.head);
  const tokensPerSecond = (devices * flops * mfu) / flopsPerToken;
  const own = Math.ceil(microBatches / devices);
  const bytes = config.dtype === "f32" ? 4 : 2;
  const held = trainingMemory(model.kind, model.config, objective.head, {
    bytes,
    microBatches: own,
    scoredShare,
    trained,
    checkpointing,
  });
  const fixed = { parameters: held.parameters + 4 * adapters, gradients: held.gradients, optimizer };
  const rows = Math.min(microBatch, tokensPerStep);
  const left = memory * usable - fixed.parameters - fixed.gradients - fixed.optimizer;
  return {
    parameters: all + adapters,
    trained,
    tokens,
    tokensPerStep,
    microBatches,
    steps: stepsOf(tokens, { microBatch, tokensPerStep }, config.batch),
    flopsPerToken,
    tokensPerSecond,
    seconds: tokens / tokensPerSecond,
    checkpoint,
    memory: { ...fixed, activations: held.perToken * rows, working: held.workingPerToken * rows },
    largestMicroBatch: Math.max(0, Math.floor(left / (held.perToken + held.workingPerToken))),
  };
}

/** With rows that are full. */
function stepsOf(
  tokens: number,
  { microBatch, tokensPerStep }: { readonly microBatch: number; readonly tokensPerStep: number },
  batch: TrainerConfig["batch"],
): number {
  const warmupTokens = parseShare(batch.warmup_tokens ?? 0, tokens)!;
  if (warmupTokens === 0) return Math.ceil(tokens / tokensPerStep);
  const rows = rowsSchedule(batch, warmupTokens);
  let [steps, seen] = [0, 0];
  for (; seen < Math.min(tokens, warmupTokens); steps++) seen += rows(seen) * microBatch;
  return steps + Math.ceil(Math.max(0, tokens - seen) / tokensPerStep);
}
