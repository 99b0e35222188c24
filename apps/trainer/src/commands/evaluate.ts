/** `evaluate`: the held-out score of a checkpoint or a model folder, on the data and by the rules of a configuration. */
import { join } from "node:path";
import { openRuntime } from "@modernbert-ts/pipelines";
import { batchesOf, evaluate, objectiveOf } from "@modernbert-ts/training";
import type { Baseline, Objective, Score } from "@modernbert-ts/training";
import type { TrainerConfig } from "../config/config.ts";
import { settingsOf } from "../config/objective-settings.ts";
import { UserError } from "../errors.ts";
import { createModel } from "../run/model.ts";
import { withHeldOut } from "../metrics.ts";
import { planPhases } from "../run/phases.ts";
import { alone, backendOf } from "../run/ranks.ts";

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
  const { config: own, data, plan } = (await planPhases(config, objective, onNotice)).at(-1)!;
  const { evaluation } = plan;
  if (!evaluation)
    throw new UserError(
      "path" in own.data
        ? `there is no ${join(own.data.path, "validation")}: make the data again with \`prepare --validation SHARE\``
        : "there are no validation records: set data.validation",
    );
  await using open = await openRuntime({ ...backendOf(own, alone), precision: plan.precision, onNotice });
  const from = { ...own, model: { ...own.model, from: model } };
  const encoder = await createModel(open.runtime, from, data, objective, plan.precision, onNotice);
  try {
    const settings = settingsOf(own, objective).evaluation;
    const batches = () =>
      batchesOf(
        objective.loader({ store: evaluation.store, roles: data.roles }, evaluation.batches, settings),
        evaluation.count,
      );
    const made = objective.model(encoder, { seed: own.seed }, settings);
    const score = await evaluate(made, batches());
    const baselines = objective.baselines({ store: data.train, roles: data.roles }, batches(), settings);
    return { score, objective: withHeldOut(objective, made), baselines };
  } finally {
    encoder.dispose();
  }
}
