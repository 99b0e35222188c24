/** The trackers that a configuration asks for. */
import { join } from "node:path";
import { readMetrics } from "@modernbert-ts/training";
import type { TrainerConfig } from "../../config/config.ts";
import { runLayout } from "../../run-folder.ts";
import { cutSamples } from "../../samples/samples-file.ts";
import type { SampleTexts } from "../../samples/sample-texts.ts";
import { openMlflow } from "../../tracking/mlflow/mlflow.ts";
import { openEventFile } from "../../tracking/tensorboard/event-file.ts";
import { openWandb } from "../../tracking/wandb/wandb.ts";
import { fieldsOf } from "../output/changed-settings.ts";
import { Trackers } from "../../tracking/tracker.ts";

/**
 * Of a run that is about to begin or go on: its metrics file holds what counts of it so far. One that fails is a notice.
 * @param standing where the run stands, and what is asked of the model at evaluations.
 */
export async function openTrackers(
  config: TrainerConfig,
  { step, samples }: { readonly step: number; readonly samples: SampleTexts | undefined },
  onNotice: (notice: string) => void,
): Promise<Trackers> {
  const { output, log } = config;
  const trackers = new Trackers(onNotice);
  const history = (): ReturnType<typeof readMetrics> => readMetrics(join(output, runLayout.metrics));
  if (log.tensorboard)
    await trackers.add("TensorBoard", () => openEventFile(join(output, runLayout.tensorboard), history()));
  const samplesPath = join(output, runLayout.samples);
  await trackers.add(runLayout.samples, () => {
    cutSamples(samplesPath, step);
    return samples?.writer(samplesPath);
  });
  await trackers.add("MLflow", () =>
    openMlflow({
      output,
      idFile: join(output, runLayout.mlflow),
      parameters: Object.fromEntries(fieldsOf(config)),
      onFailure: (error) => trackers.report("MLflow", error),
    }),
  );
  await trackers.add("W&B", () =>
    openWandb({
      output,
      idFile: join(output, runLayout.wandb),
      step,
      config: { ...config },
      project: log.wandb_project,
      entity: log.wandb_entity,
      onFailure: (error) => trackers.report("W&B", error),
      onNotice,
    }),
  );
  return trackers;
}
