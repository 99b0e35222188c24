/** What both blocks learn from the same text: masked tokens, what can be read off the frozen model, and a task that it is trained for. */
import { openPipeline } from "@modernbert-ts/pipelines";
import type { Level } from "../../level.ts";
import type { ModelName } from "../pair.ts";
import { longest } from "../pair.ts";
import type { Context, Section } from "../section.ts";
import { brownData } from "../training/brown-data.ts";
import { pretrain } from "../training/pretrain.ts";
import type { Changes } from "../training/pretrain.ts";
import { fineTunedF1, spamProbe, tfIdfF1 } from "../training/spam.ts";
import { frequentTagAccuracy, tagAccuracy } from "../training/tags.ts";
import { qualityPlans } from "./plan.ts";
import type { AnyRecord, BaselineRecord, QualityPlan, QualityRecord } from "./plan.ts";
import { changesOf } from "./rates.ts";
import { qualityClaims, renderQuality } from "./render.ts";
import { sentencesOf } from "./sentences.ts";

export const qualitySection: Section<AnyRecord> = qualitySectionOf(qualityPlans);

export function qualitySectionOf(plans: Readonly<Record<Level, QualityPlan>>): Section<AnyRecord> {
  return {
    name: "quality",
    title: "What is learned from the same text",
    minutes: { quick: 2.4, standard: 16, full: 58 },
    async measure(context) {
      const plan = plans[context.level];
      const data = brownData(context);
      await context.measured<BaselineRecord>("baselines", settingsOf(plan), async () => ({
        tags: frequentTagAccuracy(sentencesOf(context, plan.sentences)),
        spamF1: plan.mailEpochs > 0 ? tfIdfF1(context.corpora.mails()) : null,
      }));
      const changes = await changesOf(context, plan, data);
      for (const seed of context.seeds) {
        const learn = (model: ModelName, equal: QualityRecord["equal"], tokens: number): Promise<QualityRecord> => {
          const settings = { ...settingsOf(plan), ...changes[model], tokens, seed, threads: context.threads };
          return context.measured<QualityRecord>(`${model}-${equal}-${seed}`, settings, () =>
            measureModel(context, plan, { data: data(), changes: changes[model], model, equal, tokens, seed }),
          );
        };
        const bert = await learn("bert", "tokens", plan.tokens);
        const modern = await learn("modernbert", "tokens", plan.tokens);
        if (!plan.equalTime) continue;
        const rate = bert.pretrained.tokens / bert.pretrained.seconds;
        await learn("bert", "time", Math.round((rate * modern.pretrained.seconds) / 1000) * 1000);
      }
    },
    render: renderQuality,
    claims: qualityClaims,
  };
}

const settingsOf = ({ sentences, mailEpochs, whole }: QualityPlan) => ({ sentences, mailEpochs, whole });

interface Wanted {
  readonly data: string;
  readonly changes: Changes;
  readonly model: ModelName;
  readonly equal: QualityRecord["equal"];
  readonly tokens: number;
  readonly seed: number;
}

async function measureModel(
  context: Context,
  plan: QualityPlan,
  { data, changes, model, equal, tokens, seed }: Wanted,
): Promise<QualityRecord> {
  const name = `${model}-${equal}-${seed}`;
  const run = await pretrain(context, { name, data, tokens, seed, changes });
  try {
    const frozen = await probes(context, plan, run.model);
    const spam: { maxLength: number; f1: number }[] = [];
    for (const maxLength of plan.mailEpochs === 0 ? [] : plan.whole ? [512, 8192] : [512]) {
      if (maxLength > longest[model]) continue;
      const tuning = { model: run.model, maxLength, epochs: plan.mailEpochs, seed };
      spam.push({ maxLength, f1: await fineTunedF1(context, context.corpora.mails(), tuning) });
    }
    return { model, seed, equal, pretrained: run.figures, ...frozen, spam };
  } finally {
    run.forget();
  }
}

async function probes(
  context: Context,
  plan: QualityPlan,
  model: string,
): Promise<Pick<QualityRecord, "parameters" | "tags" | "spamProbe">> {
  await using pipeline = await openPipeline(model, { backend: "cpu", threads: context.threads });
  const tags = await tagAccuracy(pipeline, sentencesOf(context, plan.sentences));
  const mails = plan.mailEpochs > 0 ? context.corpora.mails() : undefined;
  return {
    parameters: pipeline.model.parameterCount(),
    tags,
    spamProbe: mails ? await spamProbe(pipeline, mails, 512) : null,
  };
}
