/** The data that a configuration names, checked: token shards, or labelled records. */
import type { Objective } from "@modernbert-ts/training";
import type { TrainerConfig } from "../../config/config.ts";
import { onDocuments } from "../../config/data-section.ts";
import { settingsOf } from "../../config/objective-settings.ts";
import { readRecords } from "../data/labelled-data.ts";
import { cutOf } from "./plan.ts";
import { openTrainingData, verifyShards } from "../data/training-data.ts";
import type { TrainingData } from "../data/training-data.ts";

/** What of a configuration the opened data depend on: phases with the same share them. */
export function dataKey(config: TrainerConfig, objective: Objective): string {
  const { data } = config;
  if (!onDocuments(data)) return JSON.stringify([data, settingsOf(config, objective).training]);
  const { path, sources, temperature, verify } = data;
  return JSON.stringify([path, sources, temperature, verify, sources && cutOf(config)]);
}

/** @throws as `openTrainingData` and `readRecords`; DataError `corrupt` for a shard with another hash. */
export async function openData(
  config: TrainerConfig,
  objective: Objective,
  onNotice: (notice: string) => void,
): Promise<TrainingData> {
  if (!onDocuments(config.data)) return readRecords(config, config.data, objective, onNotice);
  const data = await openTrainingData(config.data, cutOf(config));
  if (config.data.verify) await verifyShards(data);
  return data;
}
