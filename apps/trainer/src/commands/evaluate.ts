/** `evaluate`: the held-out score of a checkpoint or a model folder, on the data and by the rules of a configuration. */
import { architectures } from "../architectures/all.ts";
import { onDocuments } from "../config/data-section.ts";
import { foldersOf } from "../config/documents-section.ts";
import { settingsOf } from "../config/objective-settings.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRuntime } from "@modernbert-ts/pipelines";
import {
  evaluate,
  foldAdapter,
  isAdapter,
  loadAverage,
  loadRest,
  objectiveOf,
  refreshCopies,
} from "@modernbert-ts/training";
import type { Baseline, Objective, Score } from "@modernbert-ts/training";
import type { TrainerConfig } from "../config/config.ts";
import { UserError } from "../errors.ts";
import { heldOutBatches, trainingOf } from "../run/batches/loader.ts";
import { createModel } from "../run/model/model.ts";
import { withHeldOut } from "../metrics.ts";
import { planPhases } from "../run/plan/phases.ts";
import { alone, backendOf } from "../run/ranks/ranks.ts";

export interface Evaluation {
  readonly score: Score;
  readonly objective: Objective;
  readonly baselines: readonly Baseline[];
}

/**
 * By the settings of the last phase, on as much as `evaluation.tokens` says.
 * @param model a checkpoint or model folder. @throws UserError without held-out documents; as `runTraining` does.
 */
export async function evaluateModel(
  config: TrainerConfig,
  model: string,
  onNotice: (notice: string) => void,
): Promise<Evaluation> {
  const objective = objectiveOf(config.objective)!;
  const phase = (await planPhases(config, objective, onNotice)).at(-1)!;
  const { config: own, data, plan } = phase;
  const batches = heldOutBatches(objective, phase);
  if (!batches)
    throw new UserError(
      onDocuments(own.data)
        ? `there is no ${join(foldersOf(own.data)[0], "validation")}: make the data again with \`prepare --validation SHARE\``
        : "there are no validation records: set data.validation",
    );
  await using open = await openRuntime({ ...backendOf(own, alone), precision: plan.precision, onNotice });
  using whole = await wholeModel(model);
  const from = { ...own, model: { ...own.model, from: whole.path } };
  const encoder = await createModel(open.runtime, from, data, objective, plan.precision, onNotice);
  try {
    const settings = settingsOf(own, objective).evaluation;
    const made = objective.model(encoder, { seed: own.seed }, settings);
    await loadRest(whole.path, made, encoder.parameters);
    // Of a checkpoint with a moving average that is scored, as in its run.
    await loadAverage(whole.path, made.parameters);
    refreshCopies(made);
    const score = await evaluate(made, batches());
    const baselines = objective.baselines(trainingOf(data), batches(), settings);
    return { score, objective: withHeldOut(objective, made), baselines };
  } finally {
    encoder.dispose();
  }
}

/** A model folder as it is, or for as long as it is used an adapter folded into its base. */
async function wholeModel(path: string): Promise<Disposable & { readonly path: string }> {
  if (!isAdapter(path)) return { path, [Symbol.dispose]: () => undefined };
  const folder = mkdtempSync(join(tmpdir(), "modernbert-folded-"));
  const dispose = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    await foldAdapter(path, folder, { architectures });
  } catch (error) {
    dispose();
    throw error;
  }
  return { path: folder, [Symbol.dispose]: dispose };
}
