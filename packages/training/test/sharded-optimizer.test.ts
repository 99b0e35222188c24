/** ZeRO-1 in one process: the bits of an optimizer that every rank has whole, a share of its bytes, checkpoints that know nothing of it. */
import { join } from "node:path";
import { openSafetensors } from "@modernbert-ts/safetensors/node";
import { createConfig, initialiseParameters } from "@modernbert-ts/modernbert";
import { bytesOf, Runtime, zeros } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { openLatestCheckpoint } from "../src/checkpoint/load.ts";
import { singleProcessCollective } from "../src/collectives/single-process.ts";
import { loaderStateOf, restoreTraining, trainingStateOf } from "../src/loop/restore-training.ts";
import { Trainer } from "../src/loop/trainer.ts";
import { AveragedOptimizer } from "../src/optimizer/averaged-optimizer.ts";
import { createOptimizer } from "../src/optimizer/create.ts";
import type { Learned, Optimizer, OptimizerKind } from "../src/optimizer/optimizer.ts";
import { optimizerKinds } from "../src/optimizer/optimizer.ts";
import { ShardedOptimizer } from "../src/optimizer/sharded-optimizer.ts";
import { temporaryFolder } from "./data-fixtures.ts";
import { createRecordingBackend } from "./support/recording-backend.ts";
import { createRanks } from "./support/ranks.ts";
import { parametersOf, tinyLoader, tinyTraining } from "./support/tiny-training.ts";

interface Setting {
  readonly kind?: OptimizerKind;
  readonly shard?: boolean;
  readonly averaged?: boolean;
}

const maker =
  (kind: OptimizerKind) =>
  (learned: Learned): Optimizer =>
    createOptimizer(kind, learned, { maxLearningRate: 0.02, clipNorm: 1, skipAbove: 4, weightDecay: 0.01 });

/** Trains to `totalTokens`, from the latest checkpoint of `folder` if there is one; the parameters of every rank. */
function run(folder: string, world: number, totalTokens: number, setting: Setting = {}) {
  const { kind = "stable_adamw", shard = false, averaged = false } = setting;
  const directory = join(folder, "checkpoints");
  return Promise.all(
    createRanks(world).map(async ({ runtime, collective }) => {
      const { rank } = collective;
      const { model, objective } = tinyTraining({}, 0.1, runtime);
      const make = maker(kind);
      const whole = shard ? new ShardedOptimizer(make, model, collective) : make(model);
      const optimizer = averaged ? new AveragedOptimizer(whole, model, 0.9) : whole;
      const checkpoint = await openLatestCheckpoint(directory, () => undefined);
      const state = checkpoint && trainingStateOf(checkpoint);
      if (checkpoint) await restoreTraining(checkpoint, model, optimizer);
      const trainer = new Trainer({
        objective,
        model,
        optimizer,
        collective,
        loader: tinyLoader({ rank, world }, state && loaderStateOf(state, rank, world)),
        learningRate: () => 0.02,
        totalTokens,
        checkpoints: { directory, every: { steps: 100 } },
        ...(checkpoint && state ? { resume: { ...state, checkpoint: checkpoint.path } } : {}),
      });
      await trainer.run();
      return { parameters: await parametersOf(model), states: optimizer.state() };
    }),
  );
}

/** What the last checkpoint holds, by name. */
async function saved(folder: string): Promise<Map<string, number[]>> {
  const checkpoint = (await openLatestCheckpoint(join(folder, "checkpoints"), () => undefined))!;
  await using file = await openSafetensors(join(checkpoint.path, "optimizer.safetensors"));
  const all = new Map<string, number[]>();
  for (const name of [...file.names()].sort()) {
    const values = new Float32Array(file.info(name).shape.reduce((size, extent) => size * extent, 1));
    await file.readInto(name, values);
    all.set(name, Array.from(values));
  }
  return all;
}

test.each(optimizerKinds)("%s over three ranks has the bits of one that is whole", async (kind) => {
  const [plain, sharded] = [temporaryFolder(), temporaryFolder()];
  const expected = await run(plain, 3, 400, { kind, averaged: true });
  const got = await run(sharded, 3, 400, { kind, averaged: true, shard: true });
  for (const { parameters } of got) expect(parameters).toEqual(expected[0]!.parameters);
  expect(await saved(sharded)).toEqual(await saved(plain));
  for (const { states } of got) expect(states.size).toBeLessThan(expected[0]!.states.size);
});

test("a checkpoint goes on with another number of ranks and with the setting changed", async () => {
  const whole = temporaryFolder();
  const folder = temporaryFolder();
  for (const [tokens, world, shard] of [
    [100, 2, true],
    [300, 3, true],
    [400, 1, false],
    [500, 2, false],
    [700, 2, true],
  ] as const) {
    const expected = await run(whole, world, tokens);
    const got = await run(folder, world, tokens, { shard });
    for (const { parameters } of got) expect(parameters, `${tokens}`).toEqual(expected[0]!.parameters);
  }
  expect(await saved(folder)).toEqual(await saved(whole));
});

function bytesIn(optimizer: Optimizer): number {
  return [...optimizer.state()].reduce((sum, [, { size, dtype }]) => sum + size * bytesOf(dtype), 0);
}

test.each([2, 4])("each of %d ranks holds its share of the base model's state, give or take a twentieth", (world) => {
  const { backend } = createRecordingBackend();
  const runtime = new Runtime(backend);
  const parameters = initialiseParameters(runtime, createConfig({}), "masked-lm", { seed: 1 });
  const make = maker("stable_adamw");
  const whole = make({ runtime, parameters });
  const held = Array.from({ length: world }, (_, rank) => {
    const collective = { ...singleProcessCollective(backend), rank, world };
    return bytesIn(new ShardedOptimizer(make, { runtime, parameters }, collective));
  });
  const all = bytesIn(whole);
  for (const bytes of held) expect(Math.abs(bytes / all - 1 / world)).toBeLessThan(0.05 / world);
});

test("more ranks than parameters are refused", () => {
  const [{ runtime, collective }] = createRanks(2) as [ReturnType<typeof createRanks>[number]];
  const learned = { runtime, parameters: new Map([["w", runtime.tensor([1], [1])]]) };
  expect(() => new ShardedOptimizer(() => undefined as never, learned, collective)).toThrow(
    "[ShardedOptimizer] expected at most as many processes as parameters (1), got 2: set optimizer.zero_stage to 0",
  );
});

function both(make: () => Tensor): Map<string, Tensor> {
  return new Map(["a.weight", "b.weight"].map((name) => [name, make()] as const));
}

test("copies in bf16 follow on every rank", async () => {
  const copies = await Promise.all(
    createRanks(2).map(async ({ runtime, collective }) => {
      const parameters = both(() => runtime.tensor([1, 2], [2]));
      const learned = { runtime, parameters, copies: both(() => zeros(runtime, [2], "bf16")) };
      const optimizer = new ShardedOptimizer(maker("adamw"), learned, collective);
      optimizer.setLearningRate(0.5);
      optimizer.update([runtime.tensor([1, -1], [2]), runtime.tensor([-1, 1], [2])]);
      return Promise.all([...learned.copies.values()].map(async (copy) => Array.from(await copy.read())));
    }),
  );
  const expected = [
    [0x3f00, 0x4020],
    [0x3fc0, 0x3fc0],
  ];
  expect(copies).toEqual([expected, expected]);
});
