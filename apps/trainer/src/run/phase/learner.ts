/** What learns in a run: the model, what of it stays frozen, its optimizer and, where one is kept, the moving average of the weights. */
import { AveragedOptimizer, createOptimizer, freeze, ShardedOptimizer } from "@modernbert-ts/training";
import type { Learned, Optimizer, TrainableModel } from "@modernbert-ts/training";
import type { Encoder } from "@modernbert-ts/encoder";
import type { TrainerConfig } from "../../config/config.ts";
import { settingsOf } from "../../config/objective-settings.ts";
import { UsageError } from "../../errors.ts";
import { openAdapters } from "../model/lora.ts";
import { createModel } from "../model/model.ts";
import { checkParameterNames } from "../model/parameter-names.ts";
import type { PlannedPhase } from "../plan/phases.ts";
import type { RunContext } from "./run-context.ts";

export interface Learner extends Disposable {
  readonly bert: Encoder;
  readonly model: TrainableModel<unknown>;
  readonly optimizer: Optimizer;
  /** Those of adapters, for its checkpoints; none where the whole model is trained. */
  readonly adapterFiles: Readonly<Record<string, string>>;
  /** Runs `body` with the weights that the run is to leave: the moving average where there is one. */
  withFinalWeights<T>(body: () => Promise<T>): Promise<T>;
}

/** @throws what `createModel` throws; UsageError for parts of names that no parameter has, in any of the phases. */
export async function createLearner(
  { runtime, objective, phases, tell, collective }: RunContext,
  { config, data, plan }: PlannedPhase,
): Promise<Learner> {
  const { freeze: frozen } = config.model;
  const { kind, ema_decay: decay, zero_stage: stage } = config.optimizer;
  const bert = await createModel(runtime, config, data, objective, plan.precision, tell);
  const adapters = await openAdapters(bert, config, tell);
  if (config.batch.gradient_checkpointing) bert.checkpointGradients();
  const made = objective.model(bert, { seed: config.seed }, settingsOf(config, objective).training);
  expectWhole(bert, made, config, adapters !== undefined);
  const whole = adapters ? adapters.lora.of(made) : made;
  for (const phase of phases) checkParameterNames(phase.config, [...whole.parameters.keys()]);
  const model = frozen.length > 0 ? freeze(whole, frozen) : whole;
  const make = (learned: Learned): Optimizer => createOptimizer(kind, learned, plan.optimizer);
  const plain = collective && stage === 1 ? new ShardedOptimizer(make, model, collective) : make(model);
  const average = decay === undefined ? undefined : new AveragedOptimizer(plain, model, decay);
  const optimizer = average ?? plain;
  return {
    bert,
    model,
    optimizer,
    adapterFiles: adapters?.files ?? {},
    withFinalWeights: (body) => (average ? average.withAverage(body) : body()),
    [Symbol.dispose]() {
      optimizer.dispose();
      adapters?.lora[Symbol.dispose]();
      made.dispose?.();
      bert.dispose();
    },
  };
}

/** @throws UsageError for settings that keep a part of the model alone, where the objective trains a second model beside it. */
function expectWhole(
  { parameters }: Encoder,
  made: Pick<TrainableModel<unknown>, "parameters" | "frozen">,
  { objective, optimizer }: TrainerConfig,
  adapted: boolean,
): void {
  if (adapted && [...made.parameters.keys()].some((name) => !parameters.has(name)))
    throw new UsageError(`lora: objective ${objective} trains a second model, which an adapter lacks: leave lora out`);
  if (optimizer.ema_decay !== undefined && made.frozen)
    throw new UsageError(
      `optimizer.ema_decay: expected none with embeddings that follow from others, got ${optimizer.ema_decay}: set detection.generator to shared`,
    );
}
