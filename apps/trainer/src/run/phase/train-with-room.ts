/** A phase for which the device's memory is too small: it goes on with micro-batches of half the size and twice as many of them, once. */
import { join } from "node:path";
import { OutOfMemoryError } from "@modernbert-ts/tensor-core";
import { openLatestCheckpoint, trainingStateOf } from "@modernbert-ts/training";
import type { Checkpoint, TrainingResult } from "@modernbert-ts/training";
import { parseCount } from "../../config/quantity.ts";
import { UserError } from "../../errors.ts";
import { runLayout } from "../../run-folder.ts";
import type { PlannedPhase } from "../plan/phases.ts";
import { planOf } from "../plan/plan.ts";
import type { RunContext } from "./run-context.ts";
import { trainPhase } from "./train-phase.ts";

/**
 * A phase that was halved stays so when it goes on from a checkpoint.
 * @throws UserError when there is no room with half of it either, or when half of it holds no text.
 */
export async function trainWithRoom(
  context: RunContext,
  phase: PlannedPhase,
  start: Checkpoint | undefined,
): Promise<TrainingResult> {
  const { onNotice, config, ranks, runtime } = context;
  const size = rowLengthOf(phase);
  const smaller = wasHalved(phase, start) ? halved(context, phase) : undefined;
  if (smaller)
    onNotice(`micro-batches stay halved, from ${size} to ${rowLengthOf(smaller)} tokens, for want of memory`);
  try {
    return await trainPhase(context, smaller ?? phase, start);
  } catch (error) {
    if (!(error instanceof OutOfMemoryError)) throw error;
    if (smaller || ranks.world > 1) throw noRoom(smaller ?? phase, error);
  }
  const half = halved(context, phase);
  const latest = (await openLatestCheckpoint(join(config.output, runLayout.checkpoints), onNotice)) ?? start;
  const from = latest ? latest.path : "the beginning";
  onNotice(
    `out of memory with batch.micro_batch_tokens ${size}: going on from ${from} with ${rowLengthOf(half)}, and more micro-batches, so that a step stays as large`,
  );
  runtime.backend.trim();
  try {
    return await trainPhase(context, half, latest);
  } catch (error) {
    throw error instanceof OutOfMemoryError ? noRoom(half, error) : error;
  }
}

function wasHalved(phase: PlannedPhase, start: Checkpoint | undefined): boolean {
  if (!start) return false;
  const { phase: index = 0, halvedFrom } = trainingStateOf(start);
  return index === phase.index && halvedFrom === rowLengthOf(phase);
}

/** @throws UserError when the longest texts would not fit. */
function halved({ objective }: RunContext, phase: PlannedPhase): PlannedPhase {
  const { config, data, startTokens, plan } = phase;
  const [size, longest] = [rowLengthOf(phase), config.data.max_length];
  const half = Math.floor(size / 2);
  if (half < longest)
    throw new UserError(
      `out of memory with batch.micro_batch_tokens ${size}, and half of it holds no text of data.max_length (${longest}) tokens: ${advice}`,
    );
  const { micro_batches: count = 1, warmup_from: first = 1, examples } = config.batch;
  // A step that counts examples stays as large by itself.
  const more = examples === undefined ? { micro_batches: 2 * count, warmup_from: 2 * first } : {};
  const batch = { ...config.batch, ...more, micro_batch_tokens: half };
  const { maxLearningRate } = plan.optimizer;
  const smaller = { ...config, batch };
  const planned = planOf(smaller, objective, data, { startTokens, maxLearningRate });
  return { ...phase, config: smaller, plan: { ...planned, batches: { ...planned.batches, formerRowLength: size } } };
}

const advice = "set batch.gradient_checkpointing: true, or lower data.max_length or the size of the model";

function noRoom(phase: PlannedPhase, cause: OutOfMemoryError): UserError {
  return new UserError(
    `out of memory with batch.micro_batch_tokens ${rowLengthOf(phase)} (${cause.message}): lower it, ${advice}`,
    { cause },
  );
}

function rowLengthOf({ config }: PlannedPhase): number {
  return parseCount(config.batch.micro_batch_tokens)!;
}
