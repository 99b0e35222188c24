/** Each choice switched alone, at equal tokens: what it does to what is learned, and to speed. */
import type { Level } from "../../level.ts";
import type { Measurement } from "../../records/record.ts";
import { paragraph } from "../../report/block.ts";
import type { Block } from "../../report/block.ts";
import { figure } from "../../report/figure.ts";
import type { Section } from "../section.ts";
import { cellText, meanOfAny } from "../spread.ts";
import { brownData } from "../training/brown-data.ts";
import { pretrain } from "../training/pretrain.ts";
import type { Pretrained } from "../training/pretrain.ts";
import { bases, choices } from "./choices.ts";
import type { Choice } from "./choices.ts";

type AblationRecord = { readonly key: string; readonly seed: number; readonly pretrained: Pretrained };

export const ablationsSection: Section<AblationRecord> = ablationsSectionOf({ full: 1_000_000 });

/** @param tokens of each run, by level. */
export function ablationsSectionOf(tokens: Readonly<Partial<Record<Level, number>>>): Section<AblationRecord> {
  return {
    name: "ablations",
    title: "Each choice alone",
    minutes: { ...(tokens.full && { full: 20 }) },
    async measure(context) {
      const budget = tokens[context.level]!;
      const data = brownData(context);
      for (const seed of context.seeds)
        for (const { key, changes } of [...bases, ...choices]) {
          const settings = { ...changes, tokens: budget, seed, threads: context.threads };
          await context.measured<AblationRecord>(`${key}-${seed}`, settings, async () => {
            const run = await pretrain(context, { name: key, data: data(), tokens: budget, seed, changes });
            run.forget();
            return { key, seed, pretrained: run.figures };
          });
        }
    },
    render,
  };
}

function render(records: readonly Measurement<AblationRecord>[]): readonly Block[] {
  const of = (key: string): readonly Pretrained[] =>
    records.flatMap(({ values }) => (values.key === key ? values.pretrained : []));
  const [first] = records;
  if (!first) return [];
  const [accuracies, losses, rates] = [
    (key: string) => meanOfAny(of(key).flatMap(({ accuracy }) => (accuracy === null ? [] : 100 * accuracy))),
    (key: string) => meanOfAny(of(key).flatMap(({ loss }) => loss ?? [])),
    (key: string) => meanOfAny(of(key).map(({ tokens, seconds }) => tokens / seconds)),
  ];
  const shown = [...bases, ...choices].filter(({ key }) => of(key).length > 0);
  const row = ({ key, name, of: base }: Choice): string[] => {
    const [own, before, speed, usual] = [accuracies(key), accuracies(base), rates(key), rates(base)];
    return [
      name,
      cellText(own, " %"),
      own && before && key !== base ? signed(own.value - before.value) : "",
      cellText(losses(key)),
      speed && usual ? `${figure(speed.value / usual.value)} ×` : "—",
    ];
  };
  return [
    paragraph(
      `The small ModernBERT of "What is learned" with one choice switched at a time, ${figure(first.values.pretrained.tokens / 1e6)} million tokens a run on the same text; ± is one standard deviation over the seeds, and a difference within it says nothing. ` +
        "Next sentences need token types, so that choice is BERT's, beside BERT without it. The held-out loss is that of 15 % masked tokens for all, but of both objectives together with next sentences. " +
        "Unpadding and packing change no number, only speed: they are in the tables of speed.",
    ),
    {
      kind: "bars",
      title: "Held-out masked tokens right, each choice alone",
      unit: "%",
      // A bar is as wide as a word; the table has the names.
      groups: shown.map(({ key }) => key.replace("modernbert", "modern-bert").replaceAll("-", "\n")),
      series: [{ name: "masked tokens right", values: shown.map(({ key }) => accuracies(key)) }],
    },
    {
      kind: "table",
      title: "Each choice alone",
      columns: ["Choice", "Masked tokens right", "Against its block, points", "Held-out loss", "Training speed"],
      rows: shown.map(row),
    },
  ];
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${figure(Math.abs(value))}`;
}
