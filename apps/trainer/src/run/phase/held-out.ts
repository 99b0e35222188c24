/** How a run is scored: on held-out batches that are the same each time, by all ranks together, with the weights that it is to leave. */
import { evaluate, evaluateUnless } from "@modernbert-ts/training";
import type { Batch, Score } from "@modernbert-ts/training";
import type { Collective } from "@modernbert-ts/tensor-core";
import type { SampleTexts } from "../../samples/sample-texts.ts";
import type { Learner } from "./learner.ts";
import { shareOf } from "../ranks/ranks.ts";
import type { RunRanks } from "../ranks/ranks.ts";

interface HeldOut {
  readonly learner: Learner;
  readonly batches: () => Iterable<Batch<unknown>>;
  readonly ranks: RunRanks;
  readonly collective: Collective | undefined;
  /** Predicted with each score. */
  readonly samples: SampleTexts | undefined;
}

/** One process alone gives up once `stopped` says so: undefined. */
export function heldOutScore(
  { learner, batches, ranks, collective, samples }: HeldOut,
  stopped: () => boolean,
): Promise<Score | undefined> {
  const { model } = learner;
  return learner.withFinalWeights(async () => {
    const score = collective
      ? await evaluate(model, shareOf(batches(), ranks), collective)
      : await evaluateUnless(stopped, model, batches());
    if (score) await samples?.predict();
    return score;
  });
}
