/** Steps that are skipped, and what is kept and said when training comes apart. */
import fs from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { openLatestCheckpoint } from "../src/checkpoint/load.ts";
import { bestCheckpoints, isSound } from "../src/loop/scored-checkpoints.ts";
import { restoreTraining } from "../src/loop/restore-training.ts";
import { createOptimizer } from "../src/optimizer/create.ts";
import { optimizerKinds } from "../src/optimizer/optimizer.ts";
import type { OptimizerKind } from "../src/optimizer/optimizer.ts";
import { temporaryFolder } from "./data-fixtures.ts";
import { newRuntime } from "./support/runtime.ts";
import { parametersOf, tinyTraining } from "./support/tiny-training.ts";
import { stepsOf, train } from "./support/train.ts";

/** [gradient norm, loss] of steps. */
type Step = readonly [number, number];

const calm = Array.from({ length: 20 }, (_, at): Step => [1 + (at % 3) / 10, 3 - at / 20]);
const bad: readonly Step[] = [
  [Number.NaN, 2],
  [1, Number.NaN],
  [4.5, 2],
  [1, 9],
  [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
];

/** Which steps were skipped, and all values after them. */
async function guarded(kind: OptimizerKind, steps: readonly Step[]) {
  const runtime = newRuntime();
  const names = ["layers.0.w.weight", "embeddings.weight"];
  const parameters = new Map(names.map((name) => [name, runtime.tensor([1, -2, 3, 4], [2, 2])]));
  const optimizer = createOptimizer(kind, { runtime, parameters }, { maxLearningRate: 0.1, skipAbove: 3 });
  optimizer.setLearningRate(0.1);
  const skipped: boolean[] = [];
  for (const [norm, loss] of steps) {
    const gradients = names.map(() => runtime.tensor([norm * Math.SQRT1_2, 0, 0, 0], [2, 2]));
    const { gradScale } = optimizer.update(gradients, () => runtime.tensor([loss], [1]));
    skipped.push((await gradScale.item()) === 0);
  }
  const tensors = [...parameters.values(), ...optimizer.state().values()];
  return { skipped, values: await Promise.all(tensors.map(async (tensor) => Array.from(await tensor.read()))) };
}

describe.each(optimizerKinds)("a guard of %s", (kind) => {
  test("skips what is not finite or far above the mean, as if it had not been", async () => {
    const clean = await guarded(kind, [...calm, [2.9, 2]]);
    const spiky = await guarded(kind, [...calm, ...bad, [2.9, 2]]);
    expect(spiky.skipped.map((is, at) => (is ? at : -1)).filter((at) => at >= 0)).toEqual([20, 21, 22, 23, 24]);
    expect(clean.skipped).not.toContain(true);
    expect(spiky.values).toEqual(clean.values);
  });
});

/** Multiplies the learning rate, or the parameters after a step. */
async function apart(folder: string, step: number, overrides: Parameters<typeof train>[2] = {}, skipAbove?: number) {
  const training = tinyTraining(skipAbove === undefined ? {} : { skipAbove }, 0);
  const parameter = training.model.parameters.get("square.weight")!;
  const whole = await train(
    folder,
    (event) => {
      if (event.kind === "step" && event.step === step)
        training.runtime.write(parameter, new Float32Array(parameter.size).fill(Number.NaN));
    },
    { model: training.model, optimizer: training.optimizer, ...overrides },
  );
  return { ...whole, training };
}

describe("a run that comes apart", () => {
  test("skips step after step, then ends and names the last checkpoint with a sound held-out loss", async () => {
    const folder = temporaryFolder();
    const losses = [3, 2.5, 1e5, 2e5, 3e5, 4e5];
    let evaluations = 0;
    const notices: string[] = [];
    const error: unknown = await apart(
      folder,
      11,
      {
        evaluation: {
          every: { steps: 2 },
          score: () => Promise.resolve({ loss: losses[evaluations++] ?? 5e5, metrics: {}, weight: 1 }),
        },
        checkpoints: { directory: join(folder, "checkpoints"), every: { steps: 2 }, keep: 2, keepBest: 1 },
        skipPatience: 3,
        totalTokens: 1e5,
        onNotice: (line) => notices.push(line),
      },
      4,
    ).catch((reason: unknown) => reason);
    expect(String(error)).toMatch(
      /numbers to skip in 3 steps in a row .* in step 1[45]; last checkpoint with a sound held-out loss: \S+step-00000004; go on from it with a smaller/,
    );
    expect(notices[0]).toMatch(
      /^training has come apart: the held-out loss of step 6 is 1\.000e\+5, the run began with/,
    );
    const kept = fs.readdirSync(join(folder, "checkpoints")).sort();
    expect(kept[0]).toBe("step-00000004");
    expect(kept).toHaveLength(3);
    expect(basename(bestCheckpoints(join(folder, "checkpoints"), 1)[0]!.path)).toBe("step-00000004");
  });

  test("without a guard the first step that is not finite ends it", async () => {
    await expect(apart(temporaryFolder(), 3, { checkpoints: undefined as never })).rejects.toThrow(
      /got loss NaN in step [45]/,
    );
  });

  test("ends with an error where there is no evaluation too, by its training loss, and so does what goes on from it", async () => {
    const folder = temporaryFolder();
    const checkpoints = { directory: join(folder, "checkpoints"), every: { steps: 4 }, keep: 2, keepBest: 1 };
    const sound = await train(folder, undefined, { evaluation: undefined as never, checkpoints });
    const wild = { evaluation: undefined as never, checkpoints, learningRate: () => 1e4, totalTokens: 3000 };
    for (let attempt = 1; attempt <= 2; attempt++)
      await expect(train(folder, undefined, wild)).rejects.toThrow(
        /^\[train\] expected a training loss below .* training has come apart; last checkpoint with a sound training loss: \S+; go on/,
      );
    expect(fs.readdirSync(checkpoints.directory)).toContain(basename(sound.result.checkpoint!));
  });

  test("a skipped step is reported, and a guard can be switched on and off between checkpoints", async () => {
    const folder = temporaryFolder();
    const { events } = await train(folder, undefined, { totalTokens: 700 });
    expect(stepsOf(events).map(({ skipped }) => skipped)).not.toContain(true);
    const checkpoint = (await openLatestCheckpoint(join(folder, "checkpoints"), () => undefined))!;
    const watched = tinyTraining({ skipAbove: 4 });
    await restoreTraining(checkpoint, watched.model, watched.optimizer);
    expect([...(await parametersOf(watched.model)).values()].flat().every(Number.isFinite)).toBe(true);
  });
});

test("sound is at most twice the first loss, also of losses below 0, or 1 above that of a fitted model", () => {
  const known = [isSound(6, 3), isSound(6.1, 3), isSound(1, -1), isSound(0.06, 0.006), isSound(1.1, 0.006)];
  expect(known).toEqual([true, false, false, true, false]);
  expect([isSound(Number.NaN, 3), isSound(1e9, undefined)]).toEqual([false, true]);
});
