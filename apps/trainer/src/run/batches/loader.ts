/** The batches that a run trains on, made on this thread or ahead on another, and those that it is scored on. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { batchesOf, PrefetchLoader } from "@modernbert-ts/training";
import type { Batch, BatchLoader, BatchSource, Objective, ObjectiveData, TrainingStore } from "@modernbert-ts/training";
import { onDocuments } from "../../config/data-section.ts";
import { settingsOf } from "../../config/objective-settings.ts";
import type { PlannedPhase } from "../plan/phases.ts";
import { inUsersWords } from "./users-words.ts";

/** What a phase trains on, as an objective takes it. */
export function trainingOf({ train: store, roles, wordEdges }: PlannedPhase["data"]): ObjectiveData<TrainingStore> {
  return { store, roles, wordEdges };
}

/** The held-out batches of a phase, the same each time, those of several sources one source after another; undefined without held-out documents. */
export function heldOutBatches(
  objective: Objective,
  { config, data, plan: { evaluation } }: Pick<PlannedPhase, "config" | "data" | "plan">,
): (() => Iterable<Batch<unknown>>) | undefined {
  if (!evaluation) return undefined;
  const { store, batches, count } = evaluation;
  const settings = settingsOf(config, objective).evaluation;
  const of = (own: TrainingStore, limit: number | undefined): Iterable<Batch<unknown>> =>
    batchesOf(objective.loader({ ...trainingOf(data), store: own }, batches, settings), limit);
  if (data.validationSources.length === 0) return () => of(store, count);
  return function* ofSources() {
    for (const { name, store: own, share } of data.validationSources) {
      const limit = count === undefined ? undefined : Math.max(1, Math.round(count * share));
      for (const batch of of(own, limit)) yield { ...batch, source: name };
    }
  };
}

export interface LoaderParts {
  readonly objective: Objective;
  readonly phase: Pick<PlannedPhase, "config" | "data" | "plan" | "startTokens">;
  readonly ranks: { readonly rank: number; readonly world: number };
}

/** @param state of an earlier loader, to go on from there. @throws UserError in place of a mismatch; DataError. */
export function makeLoader({ objective, phase, ranks }: LoaderParts, state?: unknown): BatchLoader<unknown> {
  const { config, data, plan, startTokens } = phase;
  const { rank, world } = ranks;
  const { training } = settingsOf(config, objective, plan.totalTokens - startTokens, startTokens);
  return inUsersWords(() => objective.loader(trainingOf(data), { ...plan.batches, rank, world }, training, state));
}

export interface OpenLoader {
  readonly loader: BatchSource<unknown>;
  close(): Promise<void>;
}

/** Only built code has it: a thread runs no TypeScript. */
const worker = new URL("./loader-worker.js", import.meta.url);

/** @param start where to go on. @throws like {@link makeLoader}. */
export function openLoader(
  parts: LoaderParts,
  start: { readonly state: unknown; readonly tokens: number },
): OpenLoader {
  const loader = makeLoader(parts, start.state);
  const { phase, ranks } = parts;
  const { config, startTokens } = phase;
  const { formerRowLength } = phase.plan.batches;
  if (!onDocuments(config.data) || config.data.prefetch === 0 || !existsSync(fileURLToPath(worker)))
    return { loader, close: () => Promise.resolve() };
  const { rank, world } = ranks;
  const ahead = new PrefetchLoader({
    worker,
    data: { config, startTokens, formerRowLength, rank, world },
    state: loader.state(),
    tokens: start.tokens,
  });
  return { loader: ahead, close: () => ahead.close() };
}
