/** A batch as the loop draws it, with what its step's event says of it. */
import type { Batch, BatchSource } from "../data/packing/batch.ts";
import type { StepEvent } from "./events.ts";

export type BatchFacts = Pick<StepEvent, "packingEfficiency" | "sourceTokens" | "loaderWait">;

export interface Draw<Row> {
  /** Of this rank, none at the end of its data. */
  readonly batch: Batch<Row> | undefined;
  readonly facts: BatchFacts;
}

/** The next batch and how long it took to come. */
export async function draw<Row>(loader: BatchSource<Row>, tokens: number): Promise<Draw<Row>> {
  const began = performance.now();
  const batch = await loader.next(tokens);
  const loaderWait = (performance.now() - began) / 1000;
  const { packingEfficiency = 0, sourceTokens } = batch ?? {};
  return { batch, facts: { packingEfficiency, ...(sourceTokens ? { sourceTokens } : {}), loaderWait } };
}
