/** Steps that are skipped by ranks together: what is bad on one of them is bad on all. */
import { map, scalar, x } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import type { TrainingEvent } from "../src/loop/events.ts";
import { Trainer } from "../src/loop/trainer.ts";
import { createRanks } from "./support/ranks.ts";
import type { Rank } from "./support/ranks.ts";
import { parametersOf, tinyLoader, tinyTraining } from "./support/tiny-training.ts";

/** What rank 1 multiplies the loss of a step by. */
type Factor = (step: number) => number;

async function train({ runtime, collective }: Rank, factor: Factor) {
  const { rank, world } = collective;
  const { model, optimizer, objective } = tinyTraining({ skipAbove: 4 }, 0, runtime);
  let step = 0;
  const events: TrainingEvent[] = [];
  const disturbed: typeof model = {
    ...model,
    upload(row, draw) {
      step = draw!.step;
      return model.upload(row, draw);
    },
    forward(row) {
      const { lossSum, sums } = model.forward(row);
      const by = rank === 1 ? factor(step) : 1;
      return { lossSum: map(scalar.mul(x(0), by), [lossSum]), sums };
    },
  };
  const trainer = new Trainer({
    objective,
    optimizer,
    collective,
    model: disturbed,
    loader: tinyLoader({ rank, world }),
    learningRate: () => 0.01,
    totalTokens: 2000,
    skipPatience: 3,
    observer: (event) => void events.push(event),
  });
  const { step: steps } = await trainer.run();
  const guard = await optimizer.state().get("spike_guard.steps")!.item();
  return { steps, guard, events, parameters: await parametersOf(model) };
}

/** No rank hears of another's error. */
const together = (factor: Factor) =>
  createRanks(2).map(({ runtime, collective }) =>
    train({ runtime, collective: { ...collective, abort: () => undefined } }, factor),
  );

test("two ranks skip the same steps, where one's loss is not finite or a spike, and keep the same bits", async () => {
  const [first, second] = await Promise.all(
    together((step) => (step === 3 ? Number.NaN : step === 18 ? 1e3 : step === 19 ? Number.POSITIVE_INFINITY : 1)),
  );
  const skipped = first!.events.flatMap((event) => (event.kind === "step" && event.skipped ? event.step : []));
  expect(skipped).toEqual([3, 18, 19]);
  expect(first!.steps).toBeGreaterThan(19);
  expect([first!.guard, second!.guard]).toEqual([first!.steps - 3, first!.steps - 3]);
  expect(second!.parameters).toEqual(first!.parameters);
  expect([...first!.parameters.values()].flat().every(Number.isFinite)).toBe(true);
});

test("two ranks give up in the same step, each by itself", async () => {
  const outcomes = await Promise.allSettled(together((step) => (step >= 5 ? Number.NaN : 1)));
  for (const outcome of outcomes)
    expect(String((outcome as PromiseRejectedResult).reason)).toMatch(
      /^DivergenceError: \[train\] expected finite numbers, got numbers to skip in 3 steps in a row .* in step 7; there is no checkpoint yet/,
    );
});
