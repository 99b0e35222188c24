/** What a step amounts to on all ranks together: known before it is queued, so that no rank waits inside it. */
import type { Collective, Runtime } from "@modernbert-ts/tensor-core";
import { gatherNumbers } from "../collectives/gather.ts";
import type { Batch } from "../data/packing/batch.ts";

export interface StepCounts {
  readonly tokens: number;
  readonly weight: number;
  /** Ranks that still have a batch: 0 is the end of the data. */
  readonly ranks: number;
  /** Whether one of them was asked to stop. */
  readonly stopping: boolean;
}

/** @param batch of this rank; undefined at the end of its data. */
export async function countStep(
  runtime: Runtime,
  collective: Collective,
  batch: Batch<unknown> | undefined,
  stopping: boolean,
): Promise<StepCounts> {
  const own = [batch?.tokens ?? 0, batch?.weight ?? 0, batch ? 1 : 0, stopping ? 1 : 0];
  const all = collective.world === 1 ? [own] : await gatherNumbers(runtime, collective, own);
  const sum = (at: number): number => all.reduce((total, counts) => total + counts[at]!, 0);
  return { tokens: sum(0), weight: sum(1), ranks: sum(2), stopping: sum(3) > 0 };
}
