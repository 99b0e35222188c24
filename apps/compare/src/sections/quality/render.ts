/** What was learned, as charts and a table. */
import type { Measurement } from "../../records/record.ts";
import { paragraph } from "../../report/block.ts";
import type { Block, Claim, Spread } from "../../report/block.ts";
import { figure } from "../../report/figure.ts";
import { modelNames, modelTitles } from "../pair.ts";
import type { ModelName } from "../pair.ts";
import { cellText, meanOfAny, meanSpread, spreadText } from "../spread.ts";
import type { AnyRecord, BaselineRecord, QualityRecord, RateRecord } from "./plan.ts";
import { bestOf } from "./rates.ts";

type Records = readonly Measurement<AnyRecord>[];
type Value = (record: QualityRecord) => number | null | undefined;

const percent = (value: Spread | undefined): string => cellText(value, " %");
const shares = (values: readonly number[]): Spread | undefined => meanOfAny(values.map((value) => 100 * value));

interface Row {
  readonly name: string;
  readonly model: ModelName;
  readonly equal: QualityRecord["equal"];
}

const rows: readonly Row[] = [
  { name: modelTitles.bert, model: "bert", equal: "tokens" },
  { name: `${modelTitles.bert}, for ModernBERT's time`, model: "bert", equal: "time" },
  { name: modelTitles.modernbert, model: "modernbert", equal: "tokens" },
];

export function renderQuality(records: Records): readonly Block[] {
  const learned = learnedOf(records);
  const baseline = records.map(({ values }) => values).find((values): values is BaselineRecord => "spamF1" in values);
  const trials = records.map(({ values }) => values).filter((values): values is RateRecord => "trial" in values);
  const first = learned.find(({ equal }) => equal === "tokens");
  if (!first) return [];
  const of = ({ model, equal }: Row): readonly QualityRecord[] =>
    learned.filter((each) => each.model === model && each.equal === equal);
  const numbers = (row: Row, value: Value): number[] => of(row).flatMap((each) => value(each) ?? []);
  const there = rows.filter((row) => of(row).length > 0);
  const seeds = new Set(learned.map(({ seed }) => seed)).size;
  return [
    paragraph(
      `Three layers of 96, trained here on the Brown corpus in its own vocabulary of 4,096 pieces, one and the same for both, so that losses mean the same; BERT ${millions(learned, "bert")}M parameters, ModernBERT ${millions(learned, "modernbert")}M. ` +
        `Both mask 30 % and learn by StableAdamW in the recipe of ModernBERT, ${trials.length > 0 ? "each at the learning rate that was best for it" : "at one learning rate (3e-3)"}: what differs is the block. ${figure(first.pretrained.tokens / 1e6)} million tokens a run, each text seen ${figure(first.pretrained.tokens / 1.09e6)} times; ${seeds === 1 ? "one seed: no spread is known" : `${seeds} seeds, ± is one standard deviation`}. ` +
        "Equal time: BERT goes on for as many tokens as it reads in ModernBERT's time, at the speed that it had before. Models of this size say little of models a hundred times as large.",
    ),
    {
      kind: "bars",
      title: "On text that was held out, of frozen vectors, and after fine-tuning",
      unit: "%",
      groups: ["masked\ntokens", "parts of\nspeech", "spam,\nfrozen", "spam F1,\n512 tokens", "spam F1,\nwhole"],
      series: there.map((row, at) => ({
        name: row.name,
        colour: [0, 6, 1][at]!,
        values: measures.map((value) => shares(numbers(row, value))),
      })),
    },
    {
      kind: "table",
      title: "What was learned",
      columns: [
        "Model",
        "Tokens",
        "Minutes",
        "Held-out loss",
        "Masked tokens right",
        "Parts of speech",
        "Spam, frozen",
        "Spam F1, 512 tokens",
        "Spam F1, whole",
      ],
      rows: [
        ...there.map((row) => [
          row.name,
          `${figure(meanSpread(numbers(row, ({ pretrained }) => pretrained.tokens / 1e6)).value)}M`,
          spreadText(meanSpread(numbers(row, ({ pretrained }) => pretrained.seconds / 60))),
          spreadText(meanSpread(numbers(row, ({ pretrained }) => pretrained.loss))),
          ...measures.map((value) => percent(shares(numbers(row, value)))),
        ]),
        ...(baseline
          ? [
              [
                "baselines",
                "",
                "",
                "",
                "",
                percent(shares([baseline.tags])),
                "",
                "",
                percent(shares(baseline.spamF1 === null ? [] : [baseline.spamF1])),
              ],
            ]
          : []),
      ],
    },
    ...ratesTable(trials),
    paragraph(
      "BERT has 512 positions: what an e-mail says behind them it cannot read, so it has no figure for whole ones. Frozen: a linear classifier on vectors of the model as it was pretrained; spam there is the share that is told right. Baselines: each word's most frequent tag, TF-IDF and logistic regression on whole e-mails.",
    ),
  ];
}

function ratesTable(trials: readonly RateRecord[]): readonly Block[] {
  const [first] = trials;
  if (!first) return [];
  const rates = [...new Set(trials.map(({ rate }) => rate))].sort((a, b) => a - b);
  const models = modelNames.filter((model) => trials.some((each) => each.model === model));
  return [
    {
      kind: "table",
      title: `Held-out loss after ${figure(first.trial.tokens / 1e6)}M tokens, by learning rate`,
      columns: ["Model", ...rates.map((rate) => rate.toExponential()), "Taken"],
      rows: models.map((model) => {
        const own = trials.filter((each) => each.model === model);
        const losses = rates.map((rate) => own.find((each) => each.rate === rate)?.trial.loss);
        return [
          modelTitles[model],
          ...losses.map((loss) => (loss == null ? "—" : figure(loss))),
          bestOf(own).toExponential(),
        ];
      }),
    },
  ];
}

function learnedOf(records: Records): readonly QualityRecord[] {
  return records.map(({ values }) => values).filter((values): values is QualityRecord => "pretrained" in values);
}

const f1 =
  (maxLength: number): Value =>
  ({ spam }) =>
    spam.find((each) => each.maxLength === maxLength)?.f1;
const measures: readonly Value[] = [
  ({ pretrained }) => pretrained.accuracy,
  ({ tags }) => tags,
  ({ spamProbe }) => spamProbe,
  f1(512),
  f1(8192),
];

const millions = (learned: readonly QualityRecord[], model: ModelName): string => {
  const found = learned.find((each) => each.model === model);
  return found ? figure(found.parameters / 1e6) : "?";
};

const claim = "Learns more from the same text than BERT of the same size, and in the same time";

export function qualityClaims(records: Records): readonly Claim[] {
  const learned = learnedOf(records);
  const accuracy = (model: ModelName, equal: QualityRecord["equal"]): Spread | undefined =>
    shares(
      learned
        .filter((each) => each.model === model && each.equal === equal)
        .flatMap(({ pretrained }) => pretrained.accuracy ?? []),
    );
  const [bert, longer, modern] = [
    accuracy("bert", "tokens"),
    accuracy("bert", "time"),
    accuracy("modernbert", "tokens"),
  ];
  if (!bert || !modern) return [{ claim, measured: "", verdict: "not measured" }];
  const best = Math.max(bert.value, longer?.value ?? 0);
  return [
    {
      claim,
      measured: `${percent(modern)} of the masked tokens right, BERT ${percent(bert)}${longer ? `, ${percent(longer)} in equal time` : ""}`,
      verdict: modern.value > best ? "shown" : "not shown",
    },
  ];
}
