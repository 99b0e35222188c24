/** The batches that a run trains on, made on this thread or ahead on another. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PrefetchLoader } from "@modernbert-ts/training";
import type { BatchLoader, Objective } from "@modernbert-ts/training";
import type { TrainerConfig } from "../config/config.ts";
import { settingsOf } from "../config/objective-settings.ts";
import type { RunPlan } from "./plan.ts";
import type { TrainingData } from "./training-data.ts";
import { inUsersWords } from "./users-words.ts";

export interface LoaderParts {
  readonly config: TrainerConfig;
  readonly objective: Objective;
  readonly data: TrainingData;
  readonly plan: RunPlan;
  readonly ranks: { readonly rank: number; readonly world: number };
}

/** @param state of an earlier loader, to go on from there. @throws UserError in place of a mismatch; DataError. */
export function makeLoader(
  { config, objective, data, plan, ranks }: LoaderParts,
  state?: unknown,
): BatchLoader<unknown> {
  const { train: store, roles, wordEdges } = data;
  const { rank, world } = ranks;
  const { training } = settingsOf(config, objective, plan.totalTokens);
  return inUsersWords(() =>
    objective.loader({ store, roles, wordEdges }, { ...plan.batches, rank, world }, training, state),
  );
}

export interface OpenLoader {
  readonly loader: BatchLoader<unknown>;
  close(): Promise<void>;
}

/** Only built code has it: a thread runs no TypeScript. */
const worker = new URL("./loader-worker.js", import.meta.url);

/** @param start where to go on. @throws like {@link makeLoader}. */
export function openLoader(
  parts: LoaderParts,
  start: { readonly state: unknown; readonly tokens: number } | undefined,
): OpenLoader {
  const loader = makeLoader(parts, start?.state);
  const { config, ranks } = parts;
  if (config.data.prefetch === 0 || !existsSync(fileURLToPath(worker)))
    return { loader, close: () => Promise.resolve() };
  const { rank, world } = ranks;
  const ahead = new PrefetchLoader({
    worker,
    data: { config, rank, world },
    state: loader.state(),
    tokens: start?.tokens ?? 0,
  });
  return { loader: ahead, close: () => ahead.close() };
}
