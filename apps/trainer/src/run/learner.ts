/** What learns in a run: the model, what of it stays frozen, its optimizer and, where one is kept, the moving average of the weights. */
import { AveragedOptimizer, createOptimizer, freeze } from "@modernbert-ts/training";
import type { Objective, Optimizer, TrainableModel } from "@modernbert-ts/training";
import type { ModernBert } from "@modernbert-ts/modernbert";
import type { Runtime } from "@modernbert-ts/tensor-core";
import type { TrainerConfig } from "../config/config.ts";
import { createModel } from "./model.ts";
import { checkParameterNames } from "./parameter-names.ts";
import type { RunPlan } from "./plan.ts";
import type { TrainingData } from "./training-data.ts";

export interface Learner extends Disposable {
  readonly bert: ModernBert;
  readonly model: TrainableModel<unknown>;
  readonly optimizer: Optimizer;
  /** Runs `body` with the weights that the run is to leave: the moving average where there is one. */
  withFinalWeights<T>(body: () => Promise<T>): Promise<T>;
}

/** @throws what `createModel` and `checkParameterNames` throw. */
export async function createLearner(
  runtime: Runtime,
  config: TrainerConfig,
  data: TrainingData,
  objective: Objective,
  plan: RunPlan,
  onNotice: (notice: string) => void,
): Promise<Learner> {
  const { freeze: frozen } = config.model;
  const { kind, ema_decay: decay } = config.optimizer;
  const bert = await createModel(runtime, config, data, objective, plan.precision, onNotice);
  checkParameterNames(config, [...bert.parameters.keys()]);
  const whole = objective.model(bert, { seed: config.seed });
  const model = frozen.length > 0 ? freeze(whole, frozen) : whole;
  const plain = createOptimizer(kind, model, plan.optimizer);
  const average = decay === undefined ? undefined : new AveragedOptimizer(plain, model, decay);
  const optimizer = average ?? plain;
  return {
    bert,
    model,
    optimizer,
    withFinalWeights: (body) => (average ? average.withAverage(body) : body()),
    [Symbol.dispose]() {
      optimizer.dispose();
      bert.dispose();
    },
  };
}
