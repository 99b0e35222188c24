/** The batches that a run trains on, made on this thread or ahead on another. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PrefetchLoader } from "@modernbert-ts/training";
import type { BatchLoader, Objective } from "@modernbert-ts/training";
import { settingsOf } from "../config/objective-settings.ts";
import type { PlannedPhase } from "./phases.ts";
import { inUsersWords } from "./users-words.ts";

export interface LoaderParts {
  readonly objective: Objective;
  readonly phase: Pick<PlannedPhase, "config" | "data" | "plan" | "startTokens">;
  readonly ranks: { readonly rank: number; readonly world: number };
}

/** @param state of an earlier loader, to go on from there. @throws UserError in place of a mismatch; DataError. */
export function makeLoader({ objective, phase, ranks }: LoaderParts, state?: unknown): BatchLoader<unknown> {
  const { config, data, plan, startTokens } = phase;
  const { train: store, roles, wordEdges } = data;
  const { rank, world } = ranks;
  const { training } = settingsOf(config, objective, plan.totalTokens - startTokens, startTokens);
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
  start: { readonly state: unknown; readonly tokens: number },
): OpenLoader {
  const loader = makeLoader(parts, start.state);
  const { phase, ranks } = parts;
  const { config, startTokens } = phase;
  if (config.data.prefetch === 0 || !existsSync(fileURLToPath(worker)))
    return { loader, close: () => Promise.resolve() };
  const { rank, world } = ranks;
  const ahead = new PrefetchLoader({
    worker,
    data: { config, startTokens, rank, world },
    state: loader.state(),
    tokens: start.tokens,
  });
  return { loader: ahead, close: () => ahead.close() };
}
