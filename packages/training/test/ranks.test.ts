import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openLatestCheckpoint } from "../src/checkpoint/load.ts";
import { gatherJson, gatherNumbers } from "../src/collectives/gather.ts";
import { batchesOf } from "../src/data/packing/batch.ts";
import type { BatchLoader } from "../src/data/packing/batch.ts";
import { evaluate } from "../src/loop/evaluate.ts";
import type { TrainingEvent } from "../src/loop/events.ts";
import { Trainer } from "../src/loop/trainer.ts";
import { trainingStep } from "../src/loop/training-step.ts";
import { StableAdamW } from "../src/optimizer/stable-adamw.ts";
import type { TrainerOptions, TrainingResult } from "../src/loop/trainer-options.ts";
import { loaderStateOf, restoreTraining, trainingStateOf } from "../src/loop/restore-training.ts";
import type { TrainingState } from "../src/loop/training-state.ts";
import type { MaskedRow } from "../src/objectives/masked-lm/mask.ts";
import { temporaryFolder } from "./data-fixtures.ts";
import { createRanks } from "./support/ranks.ts";
import type { Rank } from "./support/ranks.ts";
import { newRuntime } from "./support/runtime.ts";
import { parametersOf, tinyLoader, tinyTraining } from "./support/tiny-training.ts";

interface Outcome {
  readonly result: TrainingResult;
  readonly events: readonly TrainingEvent[];
  readonly parameters: Map<string, number[]>;
}

type Overrides = Partial<TrainerOptions<MaskedRow>>;
type Learner = Omit<Rank, "collective"> & Partial<Rank>;

async function train(
  { runtime, collective }: Learner,
  loader: BatchLoader<MaskedRow>,
  overrides: (trainer: () => Trainer<MaskedRow>) => Overrides = () => ({}),
): Promise<Outcome> {
  const { model, optimizer, objective } = tinyTraining({ clipNorm: 1 }, 0.1, runtime);
  const events: TrainingEvent[] = [];
  const trainer: Trainer<MaskedRow> = new Trainer({
    objective,
    model,
    optimizer,
    loader,
    learningRate: (tokens) => 0.02 / (1 + tokens / 1000),
    totalTokens: 900,
    observer: (event) => void events.push(event),
    ...(collective ? { collective } : {}),
    ...overrides(() => trainer),
  });
  return { result: await trainer.run(), events, parameters: await parametersOf(model) };
}

const all = <T>(world: number, body: (rank: Rank) => Promise<T>): Promise<T[]> =>
  Promise.all(createRanks(world).map(body));
const lossesOf = ({ events }: Outcome): number[] =>
  events.flatMap((event) => (event.kind === "step" ? event.loss : []));

/** Two ranks, of which one has no rows in the last steps. */
const trainToTheEnd = (more: Overrides): Promise<Outcome[]> =>
  all(2, (rank) =>
    train(rank, tinyLoader({ epochs: 1, rows: rank.collective.rank === 0 ? 2 : 5 }), () => ({
      totalTokens: 1e9,
      ...more,
    })),
  );

describe("ranks that train together", () => {
  test.each([2, 3])("%d of them learn what one process learns from the same rows, dropout included", async (world) => {
    const alone = await train({ runtime: newRuntime() }, tinyLoader({ rows: 6 }));
    const outcomes = await all(world, (rank) =>
      train(rank, tinyLoader({ rows: 6, rank: rank.collective.rank, world })),
    );
    expect(outcomes[0]!.result).toMatchObject({ step: alone.result.step, tokens: alone.result.tokens });
    for (const [at, loss] of lossesOf(alone).entries()) expect(lossesOf(outcomes[0]!)[at]).toBeCloseTo(loss, 4);
    for (const [name, values] of alone.parameters)
      for (const [at, value] of values.entries())
        expect(outcomes[0]!.parameters.get(name)![at], name).toBeCloseTo(value, 3);
    for (const { parameters } of outcomes) expect(parameters).toEqual(outcomes[0]!.parameters);
    expect(outcomes.map(({ events }) => events.length > 0)).toEqual(outcomes.map((_, rank) => rank === 0));
  });

  test.each([1, 6000])("sums in buckets of %d bytes beside the backward pass change no bit", async (bucketBytes) => {
    const [behind, beside] = await Promise.all([trainToTheEnd({}), trainToTheEnd({ bucketBytes })]);
    expect(beside[1]!.parameters).toEqual(beside[0]!.parameters);
    expect(beside[0]!.parameters).toEqual(behind[0]!.parameters);
    expect(lossesOf(beside[0]!)).toEqual(lossesOf(behind[0]!));
  });

  test("the clock counts all ranks: learning rates and ends are theirs together", async () => {
    const clocks: number[][] = [[], []];
    const [first, second] = await all(2, (rank) => {
      const loader = tinyLoader({ rank: rank.collective.rank, world: 2 });
      const next = (tokens: number) => (clocks[rank.collective.rank]!.push(tokens), loader.next(tokens));
      return train(rank, { state: () => loader.state(), next });
    });
    expect(first!.result.tokens).toBe(second!.result.tokens);
    expect(first!.result.step).toBe(second!.result.step);
    const steps = first!.events.filter((event) => event.kind === "step");
    const before = [0, ...steps.slice(0, -1).map(({ tokens }) => tokens)];
    expect(clocks).toEqual([before, before]);
    expect(steps.at(-2)!.tokens).toBeLessThan(900);
    expect(steps.at(-1)!.tokens).toBeGreaterThanOrEqual(900);
    for (const [at, { learningRate }] of steps.entries())
      expect(learningRate).toBe(0.02 / (1 + (steps[at - 1]?.tokens ?? 0) / 1000));
  });

  test("a rank whose data end first waits for the others, and every document is trained on", async () => {
    const outcomes = await all(2, (rank) => {
      const rows = rank.collective.rank === 0 ? 2 : 5;
      return train(rank, tinyLoader({ epochs: 1, rows }), () => ({ totalTokens: 1e9 }));
    });
    const tokens = [...batchesOf(tinyLoader({ epochs: 1 }))].reduce((sum, batch) => sum + batch.tokens, 0);
    expect(outcomes.map(({ result }) => result.tokens)).toEqual([2 * tokens, 2 * tokens]);
    expect(outcomes[1]!.parameters).toEqual(outcomes[0]!.parameters);
  });

  test("stop() on one of them stops all after the same step", async () => {
    const outcomes = await all(2, (rank) =>
      train(rank, tinyLoader({ rank: rank.collective.rank, world: 2 }), (trainer) => ({
        totalTokens: 1e9,
        observer: (event) => {
          if (event.kind === "step" && event.step === 3) trainer().stop();
        },
      })),
    );
    expect(outcomes.map(({ result }) => result.reason)).toEqual(["stopped", "stopped"]);
    expect(outcomes[0]!.result.step).toBe(outcomes[1]!.result.step);
    expect(outcomes[0]!.result.step).toBeLessThanOrEqual(5);
  });

  test("an error of one ends all", async () => {
    const outcomes = await Promise.allSettled(
      createRanks(2).map((rank) =>
        train(rank, tinyLoader({ rank: rank.collective.rank, world: 2 }), () => ({
          totalTokens: 1e9,
          learningRate: (tokens) => {
            if (tokens > 300 && rank.collective.rank === 1) throw new Error("power failure");
            return 0.01;
          },
        })),
      ),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(outcomes.map((outcome) => String((outcome as PromiseRejectedResult).reason))).toEqual([
      "Error: power failure",
      "Error: power failure",
    ]);
  });

  test("score their shares of the evaluation as one", async () => {
    const { model } = tinyTraining();
    const whole = await evaluate(model, batchesOf(tinyLoader({ epochs: 1 })));
    const scores = await all(2, ({ runtime, collective }) =>
      evaluate(
        tinyTraining({}, 0, runtime).model,
        batchesOf(tinyLoader({ epochs: 1, rank: collective.rank, world: 2 })),
        collective,
      ),
    );
    expect(scores[1]).toEqual(scores[0]);
    expect(scores[0]!.weight).toBe(whole.weight);
    expect(scores[0]!.loss).toBeCloseTo(whole.loss, 6);
    expect(scores[0]!.metrics["maskedAccuracy"]).toBeCloseTo(whole.metrics["maskedAccuracy"]!, 12);
  });

  test("refuse a parameter without a gradient by name", async () => {
    const outcomes = await Promise.allSettled(
      createRanks(2).map(async ({ runtime, collective }) => {
        const { model, optimizer } = tinyTraining({}, 0, runtime);
        const spare = new Map([...model.parameters, ["spare.weight", runtime.tensor([1], [1])]]);
        const options = { objective: "masked_lm", optimizer, collective, learningRate: () => 0.1, totalTokens: 900 };
        await new Trainer({ ...options, model: { ...model, parameters: spare }, loader: tinyLoader() }).run();
      }),
    );
    for (const outcome of outcomes)
      expect(String((outcome as PromiseRejectedResult).reason)).toMatch(
        /^Error: \[trainingStep\] expected a gradient for every parameter, got none for spare\.weight: /,
      );
  });
});

/** Trains to `totalTokens` from the latest checkpoint in `folder`, if there is one. */
async function run(folder: string, world: number, totalTokens: number): Promise<Outcome[]> {
  const directory = join(folder, "checkpoints");
  const checkpoint = await openLatestCheckpoint(directory, () => undefined);
  const state = checkpoint && trainingStateOf(checkpoint);
  return all(world, async ({ runtime, collective }) => {
    const { rank } = collective;
    const { model, optimizer, objective } = tinyTraining({}, 0.1, runtime);
    if (checkpoint) await restoreTraining(checkpoint, model, optimizer);
    const trainer = new Trainer({
      objective,
      model,
      optimizer,
      collective,
      loader: tinyLoader({ rank, world }, state && loaderStateOf(state, rank, world)),
      learningRate: () => 0.02,
      totalTokens,
      checkpoints: { directory, every: { steps: 2 } },
      ...(checkpoint && state ? { resume: { ...state, checkpoint: checkpoint.path } } : {}),
    });
    return { result: await trainer.run(), events: [], parameters: await parametersOf(model) };
  });
}

describe("a checkpoint of several ranks", () => {
  test("goes on with the same bits on every rank", async () => {
    const whole = await run(temporaryFolder(), 2, 1200);
    const folder = temporaryFolder();
    await run(folder, 2, 500);
    const continued = await run(folder, 2, 1200);
    expect(continued[0]!.result.step).toBe(whole[0]!.result.step);
    for (const [rank, { parameters }] of continued.entries()) expect(parameters).toEqual(whole[rank]!.parameters);
  });

  test("goes on with another number of processes, in the same order", async () => {
    const whole = await run(temporaryFolder(), 2, 1200);
    const folder = temporaryFolder();
    await run(folder, 1, 400);
    await run(folder, 2, 800);
    const [alone] = await run(folder, 1, 1200);
    expect(alone!.result).toMatchObject({ step: whole[0]!.result.step, tokens: whole[0]!.result.tokens });
    for (const [name, values] of whole[0]!.parameters)
      for (const [at, value] of values.entries()) expect(alone!.parameters.get(name)![at], name).toBeCloseTo(value, 4);
  });

  test("is refused by another number of processes where each loader has its own part", () => {
    const state = { loaders: [{ rank: 0 }, { rank: 1 }] } as unknown as TrainingState;
    expect(() => loaderStateOf(state)).toThrow(
      "[restoreTraining] expected a checkpoint of 1 process, got one of 2 whose loaders each have their own part: go on with as many",
    );
  });
});

test("hosts tell each other numbers exactly and values of any length", async () => {
  const numbers = [0, -1.5, 2 ** 53 - 1, Number.NaN];
  const told = await all(3, ({ runtime, collective }) =>
    gatherNumbers(runtime, collective, [...numbers, collective.rank]),
  );
  expect(told).toEqual(Array.from({ length: 3 }, () => [0, 1, 2].map((rank) => [...numbers, rank])));
  const values = ["", { text: "é😀".repeat(50), rank: [1] }, null];
  const heard = await all(3, ({ runtime, collective }) => gatherJson(runtime, collective, values[collective.rank]));
  expect(heard).toEqual([values, values, values]);
});

describe("what ranks must have in common", () => {
  test("clocks and intervals, refused by name on all of them", async () => {
    const outcomes = await Promise.allSettled(
      createRanks(2).map((rank) =>
        train(rank, tinyLoader({ rank: rank.collective.rank, world: 2 }), () => ({
          totalTokens: 900 + rank.collective.rank,
        })),
      ),
    );
    for (const outcome of outcomes)
      expect(String((outcome as PromiseRejectedResult).reason)).toContain(
        "[train] expected the same totalTokens on every rank, got 900 on 0 and 901 on 1",
      );
  });

  test("the weight of a step", () => {
    for (const { runtime, collective } of createRanks(2)) {
      const { model, optimizer } = tinyTraining({}, 0, runtime);
      const options = { step: 1, learningRate: 0.1, collective };
      expect(() => trainingStep(model, optimizer, tinyLoader().next(0)!, options)).toThrow(
        "[trainingStep] expected the weight of all ranks together, got none",
      );
    }
  });
});

test("a metric that is the loss itself is summed once", async () => {
  const outcomes = await all(2, ({ runtime, collective }) => {
    const { model } = tinyTraining({}, 0, runtime);
    const forward = (row: ReturnType<typeof model.upload>) => {
      const { lossSum } = model.forward(row);
      return { lossSum, sums: [lossSum] };
    };
    return train({ runtime, collective }, tinyLoader({ rank: collective.rank, world: 2 }), () => ({
      model: { ...model, forward },
      optimizer: new StableAdamW(model, { maxLearningRate: 0.02 }),
    }));
  });
  for (const event of outcomes[0]!.events)
    if (event.kind === "step") expect(event.metrics["maskedAccuracy"]).toBe(event.loss);
});
