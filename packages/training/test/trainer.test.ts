import fs from "node:fs";
import { join } from "node:path";
import { scale } from "@modernbert-ts/tensor-core";
import { describe, expect, test } from "vitest";
import { openLatestCheckpoint } from "../src/checkpoint/load.ts";
import { evaluateMaskedLm, batchesOf } from "../src/evaluate.ts";
import type { StepEvent, TrainingEvent } from "../src/events.ts";
import { MetricsLog, readMetrics } from "../src/metrics-log.ts";
import { learningRateSchedule } from "../src/schedules/learning-rate.ts";
import { DivergenceError, Trainer } from "../src/trainer.ts";
import type { TrainerOptions, TrainingResult } from "../src/trainer.ts";
import { restoreTraining, trainingStateOf } from "../src/training-state.ts";
import { temporaryFolder } from "./data-fixtures.ts";
import { parametersOf, tinyLoader, tinyTraining } from "./support/tiny-training.ts";
import type { TinyTraining } from "./support/tiny-training.ts";

const totalTokens = 1500;
const factor = learningRateSchedule({ kind: "wsd", total: totalTokens, warmup: 300, decay: 500 });

interface Run {
  readonly result: TrainingResult;
  readonly events: TrainingEvent[];
  readonly training: TinyTraining;
}

/** Trains in `folder`, from its latest checkpoint if there is one. `onEvent` may throw to simulate an accident. */
async function train(
  folder: string,
  onEvent: (event: TrainingEvent, trainer: Trainer) => void = () => undefined,
  overrides: Partial<TrainerOptions> = {},
): Promise<Run> {
  const training = tinyTraining({}, 0.1);
  const { model, optimizer } = training;
  const directory = join(folder, "checkpoints");
  const checkpoint = await openLatestCheckpoint(directory, () => undefined);
  const state = checkpoint && trainingStateOf(checkpoint);
  if (checkpoint) await restoreTraining(checkpoint, model, optimizer);
  const metrics = new MetricsLog(join(folder, "metrics.jsonl"), state?.metricsPosition);
  const events: TrainingEvent[] = [];
  const trainer: Trainer = new Trainer({
    model,
    optimizer,
    loader: tinyLoader({}, state?.loader),
    learningRate: (tokens) => 0.02 * factor(tokens),
    totalTokens,
    evaluation: {
      every: { tokens: 400 },
      score: () => evaluateMaskedLm(model, batchesOf(tinyLoader({ epochs: 1 }), 2)),
    },
    checkpoints: { directory, every: { steps: 4 }, keep: 2 },
    metrics,
    observer(event) {
      events.push(event);
      onEvent(event, trainer);
    },
    ...(checkpoint && state ? { resume: { progress: state.progress, checkpoint: checkpoint.path } } : {}),
    ...overrides,
  });
  try {
    return { result: await trainer.run(), events, training };
  } finally {
    metrics.close();
  }
}

const stepsOf = (events: readonly TrainingEvent[]): StepEvent[] => events.filter((event) => event.kind === "step");

describe("a run", () => {
  test("reports every step once, evaluates and saves in rhythm and at the end", async () => {
    const folder = temporaryFolder();
    const { result, events } = await train(folder);
    const steps = stepsOf(events);
    expect(steps.map(({ step }) => step)).toEqual(steps.map((_, at) => at + 1));
    expect(result).toMatchObject({ reason: "finished", step: steps.length, tokens: steps.at(-1)!.tokens });
    expect(steps.at(-1)!.tokens).toBeGreaterThanOrEqual(totalTokens);
    expect(steps.at(-2)!.tokens).toBeLessThan(totalTokens);
    expect(steps[0]!.learningRate).toBeLessThan(1e-9);
    expect(Math.max(...steps.map(({ learningRate }) => learningRate))).toBeCloseTo(0.02);
    const evaluations = events.filter(({ kind }) => kind === "evaluation");
    expect(evaluations.map(({ tokens }) => Math.floor(tokens / 400))).toEqual([1, 2, 3, 3]);
    const saved = events.filter(({ kind }) => kind === "checkpoint").map(({ step }) => step);
    expect(saved.slice(0, -1).every((step) => step % 4 === 0)).toBe(true);
    expect(saved.at(-1)).toBe(result.step);
    expect(fs.readdirSync(join(folder, "checkpoints"))).toHaveLength(2);
    expect(readMetrics(join(folder, "metrics.jsonl"))).toEqual(events);
    expect(result.score!.loss).toBeLessThan(steps[0]!.loss);
  });

  test("ends with the data when these end first", async () => {
    const { result } = await train(temporaryFolder(), undefined, {
      loader: tinyLoader({ epochs: 1 }),
      totalTokens: 1e9,
    });
    expect(result.reason).toBe("finished");
    expect(result.tokens).toBeLessThan(totalTokens);
  });

  test("run again after its end does nothing more", async () => {
    const folder = temporaryFolder();
    const first = await train(folder);
    const second = await train(folder);
    expect(second.result).toMatchObject({ step: first.result.step, checkpoint: first.result.checkpoint });
    expect(stepsOf(second.events)).toEqual([]);
  });
});

describe("going on gives the same bits", () => {
  test.each([1, 3, 5, 8, 11])("after an accident in step %d", async (accident) => {
    const whole = await train(temporaryFolder());
    const folder = temporaryFolder();
    await expect(
      train(folder, (event) => {
        if (event.kind === "step" && event.step === accident) throw new Error("power failure");
      }),
    ).rejects.toThrow("power failure");
    const continued = await train(folder);
    expect(await parametersOf(continued.training.model)).toEqual(await parametersOf(whole.training.model));
    expect(continued.result.score).toEqual(whole.result.score);
    const log = stepsOf(readMetrics(join(folder, "metrics.jsonl")));
    expect(log.map(({ step, loss }) => [step, loss])).toEqual(
      stepsOf(whole.events).map(({ step, loss }) => [step, loss]),
    );
  });

  test("after stop(), which saves where it stands", async () => {
    const whole = await train(temporaryFolder());
    const folder = temporaryFolder();
    const stopped = await train(folder, (event, trainer) => {
      if (event.kind === "step" && event.step === 5) trainer.stop();
    });
    expect(stopped.result.reason).toBe("stopped");
    expect(stopped.result.step).toBeLessThanOrEqual(6);
    expect(stopped.result.checkpoint).toContain(`step-0000000${stopped.result.step}`);
    const continued = await train(folder);
    expect(await parametersOf(continued.training.model)).toEqual(await parametersOf(whole.training.model));
  });
});

describe("divergence", () => {
  test("a loss that is not a number stops with the step and the last checkpoint; parameters stay finite", async () => {
    const folder = temporaryFolder();
    const training = tinyTraining();
    const { model } = training;
    const poisoned = {
      ...model,
      maskedLm(...[row, step]: Parameters<typeof model.maskedLm>) {
        const output = model.maskedLm(row, step);
        return step && step.step >= 6 ? { ...output, lossSum: scale(output.lossSum, Number.NaN) } : output;
      },
    };
    const error = await train(folder, undefined, { model: poisoned, optimizer: training.optimizer }).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(DivergenceError);
    expect((error as Error).message).toMatch(
      /^\[train\] expected finite numbers, got loss NaN in step 6; last checkpoint: .*step-00000004; go on from it with/,
    );
    for (const values of (await parametersOf(model)).values()) expect(values.every(Number.isFinite)).toBe(true);
  });

  test("with dynamic loss scaling an overflow is skipped and training goes on", async () => {
    const training = tinyTraining({ lossScale: { initial: 3e38 } });
    const { result, events } = await train(temporaryFolder(), undefined, training);
    expect(result.reason).toBe("finished");
    expect(stepsOf(events)[0]!.gradientNorm).not.toBe(Number.NaN);
    expect(stepsOf(events).at(-1)!.lossScale).toBeLessThan(3e38);
  });
});
