import fs from "node:fs";
import { join } from "node:path";
import { scale } from "@modernbert-ts/tensor-core";
import { describe, expect, test, vi } from "vitest";
import type { Checkpoint } from "../src/checkpoint/load.ts";
import { batchesOf } from "../src/data/packing/batch.ts";
import { evaluateUnless } from "../src/loop/evaluate.ts";
import type { Score } from "../src/loop/evaluate.ts";
import type { MaskedRow } from "../src/objectives/masked-lm/mask.ts";
import type { TrainingEvent } from "../src/loop/events.ts";
import { MetricsLog, readMetrics } from "../src/loop/metrics-log.ts";
import { DivergenceError } from "../src/loop/divergence.ts";
import { Throughput } from "../src/loop/throughput.ts";
import { Trainer } from "../src/loop/trainer.ts";
import { trainingStateOf } from "../src/loop/restore-training.ts";
import { temporaryFolder } from "./data-fixtures.ts";
import { parametersOf, tinyLoader, tinyTraining } from "./support/tiny-training.ts";
import { stepsOf, totalTokens, train } from "./support/train.ts";

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
    expect(second.events).toEqual([]);
    expect(second.result.score).toEqual(first.result.score);
    expect(readMetrics(join(folder, "metrics.jsonl"))).toEqual(first.events);
  });
});

describe("the numbers of a step", () => {
  test("are asked for before the next step is queued, so that they do not wait for it", async () => {
    const training = tinyTraining();
    const loader = tinyLoader();
    const order: string[] = [];
    const { backend } = training.runtime;
    const [read, next] = [backend.read.bind(backend), loader.next.bind(loader)];
    vi.spyOn(backend, "read").mockImplementation((...args) => (order.push("read"), read(...args)));
    vi.spyOn(loader, "next").mockImplementation((tokens) => (order.push("next"), next(tokens)));
    const trainer = new Trainer({ ...training, loader, learningRate: () => 0.01, totalTokens: 400 });
    const { step } = await trainer.run();
    expect(step).toBeGreaterThan(2);
    // The batch of the next step is drawn before this one is queued; after the last there is none.
    expect(order).toEqual(["next", ...Array.from({ length: step - 1 }, () => ["next", "read"]).flat(), "read"]);
  });

  test("count the time once: time goes forward, and steps that come together share theirs", async () => {
    const { events } = await train(temporaryFolder());
    const throughput = new Throughput();
    expect([
      throughput.add(100, 0.6),
      throughput.add(100, 1e-6),
      throughput.add(100, 0.4),
      throughput.add(300, 3),
    ]).toEqual([100 / 0.6, 200 / 0.600001, expect.closeTo(300 / 1.000001), 100]);
    const told = events.filter(({ kind }) => kind !== "checkpoint");
    expect(told.every(({ seconds }, at) => at === 0 || seconds >= told[at - 1]!.seconds)).toBe(true);
  });
});

describe("a metrics file", () => {
  test("shorter than a checkpoint says goes on after its last whole line", () => {
    const path = join(temporaryFolder(), "metrics.jsonl");
    const event: TrainingEvent = { kind: "checkpoint", step: 1, tokens: 8, path: "x", seconds: 1 };
    fs.writeFileSync(path, `${JSON.stringify(event)}\n{"kind":"st`);
    const log = new MetricsLog(path, 1000);
    log.write({ ...event, step: 2 });
    log.close();
    expect(readMetrics(path)).toEqual([event, { ...event, step: 2 }]);
  });

  test.each(["garbage", "null", '{"kind":"toString","step":1}', '{"kind":"step"}'])(
    "with the line %j is refused",
    (line) => {
      const path = join(temporaryFolder(), "metrics.jsonl");
      fs.writeFileSync(path, `{"kind":"checkpoint","step":1}\n${line}\n`);
      expect(() => readMetrics(path)).toThrow(/^\[readMetrics\] expected a training event in .*metrics\.jsonl:2, got /);
    },
  );
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

function checkpointOf(state: unknown): Checkpoint {
  return { path: "step-00000002", step: 2, state };
}

test("states of earlier versions are read, unknown ones refused by name", () => {
  const progress = { step: 2, tokens: 64, seconds: 1 };
  const common = { progress, metricsPosition: 9, settings: null };
  const read = { ...common, version: 3, objective: "masked_lm", loaders: [{ version: 1 }] };
  const loader = { version: 1 };
  expect(trainingStateOf(checkpointOf(read))).toEqual(read);
  expect(trainingStateOf(checkpointOf({ ...common, version: 2, objective: "masked_lm", loader }))).toEqual(read);
  const score = { loss: 2, maskedAccuracy: 0.5, maskedTokens: 7 };
  expect(trainingStateOf(checkpointOf({ ...common, version: 1, loader, score }))).toEqual({
    ...read,
    score: { loss: 2, metrics: { maskedAccuracy: 0.5 }, weight: 7 },
  });
  expect(() => trainingStateOf(checkpointOf({ ...read, version: 4 }))).toThrow(
    "[restoreTraining] expected a training state of version 1, 2 or 3, got 4 in step-00000002; update this package",
  );
});

test("a stop ends an evaluation, which then does not count", async () => {
  const folder = temporaryFolder();
  const scores: (Score | undefined)[] = [];
  const { model } = tinyTraining();
  let stop: () => void;
  const evaluation = {
    every: { tokens: 400 },
    async score(stopped: () => boolean): Promise<Score | undefined> {
      stop();
      scores.push(await evaluateUnless(stopped, model, batchesOf(tinyLoader({ epochs: 1 }), 2)));
      return scores[0];
    },
  };
  const onEvent = (_: TrainingEvent, trainer: Trainer<MaskedRow>): void => void (stop = () => trainer.stop());
  const { result, events } = await train(folder, onEvent, { evaluation });
  expect(result.reason).toBe("stopped");
  expect(scores).toEqual([undefined]);
  expect(events.some(({ kind }) => kind === "evaluation")).toBe(false);
});

describe("divergence", () => {
  test("a score that is not a number is not saved", async () => {
    const folder = temporaryFolder();
    const evaluation = {
      every: { steps: 2 },
      score: async () => ({ loss: Number.NaN, metrics: {}, weight: 1 }),
    };
    await expect(train(folder, undefined, { evaluation })).rejects.toThrow(
      /^\[train\] expected finite numbers, got held-out loss NaN in step 2; there is no checkpoint yet/,
    );
    expect(fs.existsSync(join(folder, "checkpoints"))).toBe(false);
  });

  test("a loss that is not a number stops with the step and the last checkpoint; parameters stay finite", async () => {
    const folder = temporaryFolder();
    const training = tinyTraining();
    const { model } = training;
    let step = 0;
    const poisoned = {
      ...model,
      upload(...[row, draw]: Parameters<typeof model.upload>) {
        step = draw?.step ?? 0;
        return model.upload(row, draw);
      },
      forward(row: ReturnType<typeof model.upload>) {
        const output = model.forward(row);
        return step >= 6 ? { ...output, lossSum: scale(output.lossSum, Number.NaN) } : output;
      },
    };
    const error = await train(folder, undefined, { model: poisoned, optimizer: training.optimizer }).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(DivergenceError);
    expect((error as Error).message).toMatch(
      /^\[train\] expected finite numbers, got loss NaN in step 6; last checkpoint with a sound training loss: .*step-00000004; go on from it with/,
    );
    for (const values of (await parametersOf(model)).values()) expect(values.every(Number.isFinite)).toBe(true);
  });

  test("without a checkpoint, the advice is to start again", async () => {
    const training = tinyTraining();
    const options = { ...training, loader: tinyLoader(), totalTokens: 400 };
    await expect(new Trainer({ ...options, learningRate: () => Number.NaN }).run()).rejects.toThrow(
      /in step 2; there is no checkpoint yet; start again with a smaller optimizer\.learning_rate or optimizer\.clip_norm$/,
    );
  });

  test("with dynamic loss scaling an overflow is skipped and training goes on", async () => {
    const training = tinyTraining({ lossScale: { initial: 3e38 } });
    const { result, events } = await train(temporaryFolder(), undefined, training);
    expect(result.reason).toBe("finished");
    expect(stepsOf(events)[0]!.gradientNorm).not.toBe(Number.NaN);
    expect(stepsOf(events).at(-1)!.lossScale).toBeLessThan(3e38);
  });
});
