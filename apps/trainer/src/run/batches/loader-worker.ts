/** The thread that makes a run's batches ahead: it opens the data by itself. */
import { workerData } from "node:worker_threads";
import { objectiveOf, serveBatches } from "@modernbert-ts/training";
import type { Channel } from "@modernbert-ts/training";
import type { TrainerConfig } from "../../config/config.ts";
import type { DocumentsConfig } from "../../config/documents-section.ts";
import { makeLoader } from "./loader.ts";
import { cutOf, planOf } from "../plan/plan.ts";
import { openTrainingData } from "../data/training-data.ts";

interface Given {
  readonly channel: Channel;
  /** Of the phase. */
  readonly config: TrainerConfig;
  readonly startTokens: number;
  readonly formerRowLength: number | undefined;
  readonly rank: number;
  readonly world: number;
}

const { channel, config, startTokens, formerRowLength, rank, world } = workerData as Given;
const objective = objectiveOf(config.objective)!;
/** Labelled records have no thread. */
const documents = config.data as DocumentsConfig;

serveBatches(channel, documents.prefetch, async (state) => {
  const data = await openTrainingData(documents, cutOf(config));
  const maxLearningRate = config.optimizer.learning_rate;
  const planned = planOf(config, objective, data, { startTokens, maxLearningRate });
  const plan =
    formerRowLength === undefined ? planned : { ...planned, batches: { ...planned.batches, formerRowLength } };
  return makeLoader({ objective, phase: { config, data, plan, startTokens }, ranks: { rank, world } }, state);
});
