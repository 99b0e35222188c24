/** Losses that look at all texts of a step, on ranks that have a part of them each. */
import type { Runtime } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import type { TrainingEvent } from "../src/loop/events.ts";
import { Trainer } from "../src/loop/trainer.ts";
import { colbertObjective } from "../src/objectives/colbert/objective.ts";
import { embeddingsObjective } from "../src/objectives/embeddings/objective.ts";
import type { SettingValues } from "../src/objectives/settings.ts";
import { spladeObjective } from "../src/objectives/splade/objective.ts";
import { StableAdamW } from "../src/optimizer/stable-adamw.ts";
import { batches, label, smallModel } from "./support/labelled.ts";
import type { Labelled, LabelledObjective } from "./support/labelled.ts";
import { createRanks } from "./support/ranks.ts";
import type { Rank } from "./support/ranks.ts";
import { newRuntime } from "./support/runtime.ts";

const animals = ["cat", "dog", "bird", "fish"];
const colours = ["red", "green", "blue", "small"];
const pairs = Array.from({ length: 6 }, (_, at) => {
  const [animal, colour] = [animals[at % 4]!, colours[Math.floor(at / 4)]!];
  return {
    anchor: `who is ${colour} what ${animal}`,
    positive: `a ${animal} was ${colour}`,
    negative: [`the ${animals[(at + 1) % 4]!} was ${colour}`],
  };
});

interface Setting {
  readonly objective: LabelledObjective;
  readonly labelled: Labelled;
  readonly rowLength: number;
}

async function train({ objective, labelled, rowLength }: Setting, runtime: Runtime, ranks?: Rank["collective"]) {
  const { rank, world } = ranks ?? { rank: 0, world: 1 };
  const model = smallModel(objective, labelled, runtime);
  const settings = { ...batches, examples: 6, rowLength, epochs: 2, rank, world };
  const loader = objective.loader(labelled.data, settings, labelled.values);
  const events: TrainingEvent[] = [];
  const trainer = new Trainer({
    objective: objective.name,
    model,
    optimizer: new StableAdamW(model, { maxLearningRate: 0.01 }),
    loader,
    learningRate: () => 0.01,
    totalTokens: 1e9,
    observer: (event) => void events.push(event),
    ...(ranks ? { collective: ranks } : {}),
  });
  const { tokens } = await trainer.run();
  const parameters: number[] = [];
  for (const tensor of model.parameters.values()) parameters.push(...Array.from((await tensor.read()) as Float32Array));
  return { tokens, parameters, losses: events.flatMap((event) => (event.kind === "step" ? event.loss : [])) };
}

const objectives = { embeddings: embeddingsObjective, colbert: colbertObjective, splade: spladeObjective };

test.each<[keyof typeof objectives, SettingValues, number, number]>([
  ["embeddings", { symmetric: true, matryoshka_dims: [16, 6] }, 2, 80],
  // Fewer rows than ranks.
  ["embeddings", {}, 3, 120],
  // One row, which one of them has.
  ["embeddings", {}, 2, 1000],
  ["colbert", {}, 2, 80],
  ["splade", {}, 2, 80],
])("%s with %j: %d ranks learn what one process learns, rows of %d", async (name, values, world, rowLength) => {
  const objective = objectives[name] as LabelledObjective;
  const setting = { objective, labelled: await label(objective, pairs, values), rowLength };
  const alone = await train(setting, newRuntime());
  const ranks = createRanks(world).map(({ runtime, collective }) => train(setting, runtime, collective));
  const [first, ...others] = await Promise.all(ranks);
  expect(alone.losses).toHaveLength(2);
  expect(first!.tokens).toBe(alone.tokens);
  for (const [at, loss] of alone.losses.entries()) expect(first!.losses[at]).toBeCloseTo(loss, 5);
  for (const [at, value] of alone.parameters.entries())
    expect(Math.abs(first!.parameters[at]! - value)).toBeLessThan(2e-4);
  for (const { parameters } of others) expect(parameters).toEqual(first!.parameters);
});
