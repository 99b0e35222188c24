/** A batch as the loop draws it, with what its step's event says of it and what the ranks have of it together. */
import type { Collective } from "@modernbert-ts/tensor-core";
import type { Batch } from "../data/packing/batch.ts";
import type { StepEvent } from "./events.ts";
import { countStep } from "./step-counts.ts";
import type { StepCounts } from "./step-counts.ts";
import type { TrainerOptions } from "./trainer-options.ts";

export type BatchFacts = Pick<StepEvent, "packingEfficiency" | "sourceTokens" | "loaderWait">;

export interface Draw<Row> {
  /** Of this rank, none at the end of its data. */
  readonly batch: Batch<Row> | undefined;
  readonly facts: BatchFacts;
  /** The loader's state before it. */
  readonly before: unknown;
  /** What all ranks have. */
  readonly counts: Promise<StepCounts>;
}

/** The next batch, which `tokens` of all ranks come before, and how long it took to come. */
export async function draw<Row>(
  { loader, model }: Pick<TrainerOptions<Row>, "loader" | "model">,
  collective: Collective,
  tokens: number,
  stopping: () => boolean,
): Promise<Draw<Row>> {
  const before = loader.state();
  const began = performance.now();
  const batch = await loader.next(tokens);
  const loaderWait = (performance.now() - began) / 1000;
  const { packingEfficiency = 0, sourceTokens } = batch ?? {};
  const counts = countStep(model.runtime, collective, batch, stopping());
  // Whoever awaits it gets the error; until then it is not an unhandled one.
  counts.catch(() => undefined);
  const facts = { packingEfficiency, ...(sourceTokens ? { sourceTokens } : {}), loaderWait };
  return { batch, facts, before, counts };
}
