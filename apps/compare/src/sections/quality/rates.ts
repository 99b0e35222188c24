/** The learning rate at which each model learns best: no block is judged by a rate that suits the other. */
import { modelNames } from "../pair.ts";
import type { ModelName } from "../pair.ts";
import type { Context } from "../section.ts";
import { pretrain } from "../training/pretrain.ts";
import type { Changes } from "../training/pretrain.ts";
import { trainedModels } from "./plan.ts";
import type { QualityPlan, RateRecord } from "./plan.ts";

/** Each model's part of the configuration, with the rate of the least held-out loss. */
export async function changesOf(
  context: Context,
  { rates }: QualityPlan,
  data: () => string,
): Promise<Readonly<Record<ModelName, Changes>>> {
  const changes: Record<ModelName, Changes> = {
    bert: { model: trainedModels.bert },
    modernbert: { model: trainedModels.modernbert },
  };
  if (!rates) return changes;
  const { tried, tokens } = rates;
  for (const model of modelNames) {
    const trials: RateRecord[] = [];
    for (const rate of tried) {
      const own: Changes = { ...changes[model], optimizer: { learning_rate: rate } };
      trials.push(
        await context.measured<RateRecord>(
          `rate-${model}-${rate}`,
          { ...own, tokens, threads: context.threads },
          async () => {
            const run = await pretrain(context, { name: "rate", data: data(), tokens, seed: 1, changes: own });
            run.forget();
            return { model, rate, trial: run.figures };
          },
        ),
      );
    }
    changes[model] = { ...changes[model], optimizer: { learning_rate: bestOf(trials) } };
  }
  return changes;
}

/** Of one model's trials, of which one is enough. */
export function bestOf(trials: readonly RateRecord[]): number {
  return trials.reduce((best, each) => (lossOf(each) < lossOf(best) ? each : best)).rate;
}

const lossOf = ({ trial }: RateRecord): number => trial.loss ?? Infinity;
