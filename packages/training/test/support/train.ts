/** A whole run of a tiny model in a folder, from its latest checkpoint if there is one. */
import { join } from "node:path";
import { openLatestCheckpoint } from "../../src/checkpoint/load.ts";
import { batchesOf } from "../../src/data/packing/batch.ts";
import { evaluate } from "../../src/loop/evaluate.ts";
import type { StepEvent, TrainingEvent } from "../../src/loop/events.ts";
import { MetricsLog } from "../../src/loop/metrics-log.ts";
import { loaderStateOf, restoreTraining, trainingStateOf } from "../../src/loop/restore-training.ts";
import { Trainer } from "../../src/loop/trainer.ts";
import type { TrainerOptions, TrainingResult } from "../../src/loop/trainer-options.ts";
import type { MaskedRow } from "../../src/objectives/masked-lm/mask.ts";
import { learningRateSchedule } from "../../src/schedules/learning-rate.ts";
import { tinyLoader, tinyTraining } from "./tiny-training.ts";
import type { TinyTraining } from "./tiny-training.ts";

export const totalTokens = 1500;
const factor = learningRateSchedule({ kind: "wsd", total: totalTokens, warmup: 300, decay: 500 });

export interface Run {
  readonly result: TrainingResult;
  readonly events: TrainingEvent[];
  readonly training: TinyTraining;
}

/** Trains in `folder`, from its latest checkpoint if there is one. `onEvent` may throw to simulate an accident. */
export async function train(
  folder: string,
  onEvent: (event: TrainingEvent, trainer: Trainer<MaskedRow>) => void = () => undefined,
  overrides: Partial<TrainerOptions<MaskedRow>> = {},
): Promise<Run> {
  const training = tinyTraining({}, 0.1);
  const { model, optimizer } = training;
  const directory = join(folder, "checkpoints");
  const checkpoint = await openLatestCheckpoint(directory, () => undefined);
  const state = checkpoint && trainingStateOf(checkpoint);
  if (checkpoint) await restoreTraining(checkpoint, model, optimizer);
  const saved =
    checkpoint && state ? ({ kind: "checkpoint", ...state.progress, path: checkpoint.path } as const) : undefined;
  const metrics = new MetricsLog(join(folder, "metrics.jsonl"), state?.metricsPosition, saved);
  const events: TrainingEvent[] = [];
  const trainer: Trainer<MaskedRow> = new Trainer({
    objective: "masked_lm",
    model,
    optimizer,
    loader: tinyLoader({}, state && loaderStateOf(state)),
    learningRate: (tokens) => 0.02 * factor(tokens),
    totalTokens,
    evaluation: {
      every: { tokens: 400 },
      score: () => evaluate(model, batchesOf(tinyLoader({ epochs: 1 }), 2)),
    },
    checkpoints: { directory, every: { steps: 4 }, keep: 2 },
    metrics,
    observer(event) {
      events.push(event);
      onEvent(event, trainer);
    },
    ...(checkpoint && state ? { resume: { ...state, checkpoint: checkpoint.path } } : {}),
    ...overrides,
  });
  try {
    return { result: await trainer.run(), events, training };
  } finally {
    metrics.close();
  }
}

export const stepsOf = (events: readonly TrainingEvent[]): StepEvent[] =>
  events.filter((event) => event.kind === "step");
