/** Replaced-token detection, the objective that ModernBERT left out, beside masked LMs at equal time, by what can be read off the frozen model. */
import { openPipeline } from "@modernbert-ts/pipelines";
import type { Level } from "../../level.ts";
import type { Measurement } from "../../records/record.ts";
import { paragraph } from "../../report/block.ts";
import type { Block, Spread } from "../../report/block.ts";
import { figure } from "../../report/figure.ts";
import type { Context, Section } from "../section.ts";
import { sentencesOf } from "../quality/sentences.ts";
import { trainedModels } from "../quality/plan.ts";
import { cellText, meanOfAny } from "../spread.ts";
import { brownData } from "../training/brown-data.ts";
import { pretrain } from "../training/pretrain.ts";
import type { Changes } from "../training/pretrain.ts";
import { spamProbe } from "../training/spam.ts";
import { tagAccuracy } from "../training/tags.ts";

interface Objective {
  readonly key: string;
  readonly name: string;
  readonly changes: Changes;
}

const model = trainedModels.modernbert;
const detection = (generator: string): Changes => ({
  model,
  objective: "replaced_token_detection",
  detection: { generator },
});

/** The first is the one whose time the others have. */
const objectives: readonly Objective[] = [
  { key: "mlm-30", name: "masked LM, 30 %", changes: { model } },
  { key: "mlm-15", name: "masked LM, 15 %", changes: { model, masking: { probability: 0.15 } } },
  {
    key: "mlm-falling",
    name: "masked LM, 30 → 15 → 5 %",
    changes: {
      model,
      masking: {
        probability: [
          { from: 0, value: 0.3 },
          { from: "50%", value: 0.15 },
          { from: "85%", value: 0.05 },
        ],
      },
    },
  },
  {
    key: "rtd",
    name: "replaced tokens, generator with its own embeddings (disentangled)",
    changes: detection("disentangled"),
  },
  { key: "rtd-mlm", name: "replaced tokens and masked LM on one trunk", changes: detection("trunk") },
];

type RtdRecord = {
  readonly key: string;
  readonly seed: number;
  readonly tokens: number;
  readonly seconds: number;
  readonly tags: number;
  readonly spamProbe: number;
};
/** Of a short run: what an objective reads in a second. */
type RateRecord = { readonly rate: string; readonly tokensPerSecond: number };

export interface RtdPlan {
  /** Of the masked LM that the others have the time of. */
  readonly tokens: number;
  /** Of the runs that tell the rates. */
  readonly trial: number;
  readonly sentences: number;
}

export const rtdSection: Section<RtdRecord | RateRecord> = rtdSectionOf({
  full: { tokens: 1_200_000, trial: 200_000, sentences: 4000 },
});

export function rtdSectionOf(plans: Readonly<Partial<Record<Level, RtdPlan>>>): Section<RtdRecord | RateRecord> {
  return {
    name: "rtd",
    title: "Replaced tokens beside masked ones",
    minutes: { ...(plans.full && { full: 25 }) },
    async measure(context) {
      const { tokens, trial, sentences } = plans[context.level]!;
      const data = brownData(context);
      const rates: number[] = [];
      for (const { key, changes } of objectives) {
        const settings = { ...changes, trial, threads: context.threads };
        const { tokensPerSecond } = await context.measured<RateRecord>(`rate-${key}`, settings, async () => {
          const run = await pretrain(context, { name: key, data: data(), tokens: trial, seed: 1, changes });
          run.forget();
          return { rate: key, tokensPerSecond: run.figures.tokens / run.figures.seconds };
        });
        rates.push(tokensPerSecond);
      }
      for (const seed of context.seeds)
        for (const [at, { key, changes }] of objectives.entries()) {
          const budget = Math.max(1, Math.round((tokens * rates[at]!) / rates[0]! / 1000)) * 1000;
          const settings = { ...changes, tokens: budget, seed, sentences, threads: context.threads };
          await context.measured<RtdRecord>(`${key}-${seed}`, settings, async () => {
            const run = await pretrain(context, { name: key, data: data(), tokens: budget, seed, changes });
            try {
              const { tokens: seen, seconds } = run.figures;
              return { key, seed, tokens: seen, seconds, ...(await read(context, run.model, sentences)) };
            } finally {
              run.forget();
            }
          });
        }
    },
    render,
  };
}

async function read(
  context: Context,
  folder: string,
  sentences: number,
): Promise<Pick<RtdRecord, "tags" | "spamProbe">> {
  await using pipeline = await openPipeline(folder, { backend: "cpu", threads: context.threads });
  return {
    tags: await tagAccuracy(pipeline, sentencesOf(context, sentences)),
    spamProbe: await spamProbe(pipeline, context.corpora.mails(), 512),
  };
}

function render(records: readonly Measurement<RtdRecord | RateRecord>[]): readonly Block[] {
  const learned = records.map(({ values }) => values).filter((values): values is RtdRecord => "tags" in values);
  if (learned.length === 0) return [];
  const of = (key: string, value: (record: RtdRecord) => number): Spread | undefined =>
    meanOfAny(learned.filter((each) => each.key === key).map(value));
  const shown = objectives.filter(({ key }) => learned.some((each) => each.key === key));
  return [
    paragraph(
      "ModernBERT's small block trained by each objective for the same time: as many tokens as each reads while the masked LM reads its own, by rates that were measured before. Losses of different objectives mean different things, so what counts is what a linear classifier reads off the frozen model: parts of speech of Brown's words, ham or spam of e-mails. ± is one standard deviation over the seeds. " +
        "The generator has half the layers and takes its share of the time. Papers find replaced tokens ahead at a hundred thousand times as many tokens; whether they are at this size is what is measured here.",
    ),
    {
      kind: "bars",
      title: "Read off frozen models after equal time",
      unit: "%",
      groups: ["parts of speech", "spam, 512 tokens"],
      series: shown.map(({ key, name }) => ({
        name,
        values: [of(key, ({ tags }) => 100 * tags), of(key, ({ spamProbe: right }) => 100 * right)],
      })),
    },
    {
      kind: "table",
      title: "Objectives at equal time",
      columns: ["Objective", "Tokens", "Minutes", "Parts of speech, frozen", "Spam, frozen"],
      rows: shown.map(({ key, name }) => [
        name,
        `${figure(of(key, ({ tokens }) => tokens / 1e6)!.value)}M`,
        cellText(of(key, ({ seconds }) => seconds / 60)),
        cellText(
          of(key, ({ tags }) => 100 * tags),
          " %",
        ),
        cellText(
          of(key, ({ spamProbe: right }) => 100 * right),
          " %",
        ),
      ]),
    },
  ];
}
