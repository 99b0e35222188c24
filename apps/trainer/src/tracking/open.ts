/** The trackers that a configuration asks for. */
import { join } from "node:path";
import { readMetrics } from "@modernbert-ts/training";
import type { TrainerConfig } from "../config/config.ts";
import { runLayout } from "../run-folder.ts";
import { openEventFile } from "./tensorboard/event-file.ts";
import { Trackers } from "./tracker.ts";

/** Of a run that is about to begin or go on: its metrics file holds what counts of it so far. One that fails is a notice. */
export async function openTrackers(
  { output, log }: Pick<TrainerConfig, "output" | "log">,
  onNotice: (notice: string) => void,
): Promise<Trackers> {
  const trackers = new Trackers(onNotice);
  const history = (): ReturnType<typeof readMetrics> => readMetrics(join(output, runLayout.metrics));
  if (log.tensorboard)
    await trackers.add("TensorBoard", () => openEventFile(join(output, runLayout.tensorboard), history()));
  return trackers;
}
