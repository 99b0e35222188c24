/** Training ends once evaluations get no better, the best checkpoint stays, and an interruption changes nothing of it. */
import fs from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { lowestLoss } from "../src/loop/best-score.ts";
import type { Criterion } from "../src/loop/best-score.ts";
import { bestCheckpoints } from "../src/loop/scored-checkpoints.ts";
import { temporaryFolder } from "./data-fixtures.ts";
import { train } from "./support/train.ts";
import type { Run } from "./support/train.ts";

const f1: Criterion = { metric: "f1", lowerIsBetter: false };
const scores = [0.1, 0.5, 0.4, 0.5, 0.45, 0.9, 0.8, 0.7, 0.6];

/** With the score of each evaluation by its step, every second one. */
function trainBy(
  folder: string,
  { criterion = f1, patience = 3, stopAt = 0 }: { criterion?: Criterion; patience?: number; stopAt?: number },
): Promise<Run> {
  let step = 0;
  return train(
    folder,
    (event, trainer) => {
      ({ step } = event);
      if (event.kind === "step" && step === stopAt) trainer.stop();
    },
    {
      evaluation: {
        every: { steps: 2 },
        criterion,
        patience,
        score: () => Promise.resolve({ loss: 2, metrics: { f1: scores[step / 2 - 1] ?? 0 }, weight: 1 }),
      },
      checkpoints: { directory: join(folder, "checkpoints"), every: { steps: 100 }, keep: 1 },
      totalTokens: 2500,
    },
  );
}

const kept = (folder: string): string[] => fs.readdirSync(join(folder, "checkpoints")).sort();

test("ends after so many evaluations that are no better; each that is better is saved, and the best stays", async () => {
  const folder = temporaryFolder();
  const { result, events } = await trainBy(folder, {});
  // 0.5 of step 4, then 0.4, an equal one and 0.45.
  expect(result).toMatchObject({ reason: "finished", step: 10 });
  expect(result.best).toEqual({ ...f1, value: 0.5, loss: 2, step: 4, evaluationsSince: 3 });
  expect(events.filter(({ kind }) => kind === "checkpoint").map(({ step }) => step)).toEqual([2, 4, 10]);
  expect(kept(folder)).toEqual(["step-00000004", "step-00000010"]);
  expect(basename(bestCheckpoints(join(folder, "checkpoints"), 1, f1)[0]!.path)).toBe("step-00000004");
});

test("a run that goes on has not forgotten how long it waits, one that is over does nothing more, more patience goes on", async () => {
  const folder = temporaryFolder();
  expect((await trainBy(folder, { stopAt: 7 })).result).toMatchObject({
    reason: "stopped",
    step: 8,
    best: { step: 4, evaluationsSince: 2 },
  });
  expect((await trainBy(folder, {})).result).toMatchObject({ reason: "finished", step: 10, best: { step: 4 } });
  const { result, events } = await trainBy(folder, {});
  expect(result).toMatchObject({ reason: "finished", step: 10, best: { step: 4, evaluationsSince: 3 } });
  expect(events).toEqual([]);
  expect((await trainBy(folder, { patience: 4 })).result).toMatchObject({ step: 20, best: { step: 12, value: 0.9 } });
  expect(kept(folder)).toEqual(["step-00000012", "step-00000020"]);
});

test("a low number is the better one where the criterion says so; another criterion starts anew", async () => {
  const folder = temporaryFolder();
  const low = { metric: "f1", lowerIsBetter: true };
  expect((await trainBy(folder, { criterion: low })).result).toMatchObject({ step: 8, best: { step: 2, value: 0.1 } });
  const { result } = await trainBy(folder, { criterion: lowestLoss, patience: 2 });
  expect(result).toMatchObject({ step: 14, best: { metric: "loss", value: 2, step: 10 } });
});

test("a score without the number, or one that is none, is no better", async () => {
  const folder = temporaryFolder();
  const { result } = await trainBy(folder, { criterion: { metric: "accuracy", lowerIsBetter: false } });
  expect(result.best).toBeUndefined();
  expect(result.tokens).toBeGreaterThanOrEqual(2500);
});
