/** The data that a configuration names, checked: token shards, or labelled records. */
import type { Objective } from "@modernbert-ts/training";
import type { TrainerConfig } from "../config/config.ts";
import { readRecords } from "./labelled-data.ts";
import { openTrainingData } from "./training-data.ts";
import type { TrainingData } from "./training-data.ts";

/** @throws as `openTrainingData` and `readRecords`; DataError `corrupt` for a shard with another hash. */
export async function openData(
  config: TrainerConfig,
  objective: Objective,
  onNotice: (notice: string) => void,
): Promise<TrainingData> {
  if ("train" in config.data) return readRecords(config, config.data, objective, onNotice);
  const data = await openTrainingData(config.data.path);
  if (config.data.verify) {
    await data.train.verify();
    await data.validation?.verify();
  }
  return data;
}
