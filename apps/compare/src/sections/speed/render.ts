/** Speed and memory as charts and tables. */
import type { Measurement } from "../../records/record.ts";
import { paragraph } from "../../report/block.ts";
import type { BarChart, Block, Spread, Table } from "../../report/block.ts";
import { figure } from "../../report/figure.ts";
import { longest, modelNames, modelTitles, pairs } from "../pair.ts";
import type { ModelName, PairName, Shape } from "../pair.ts";
import { cellText } from "../spread.ts";
import { find, ofPair, speedup, tokensPerSecond } from "./figures.ts";
import type { Case, CaseResult, SpeedRecord } from "./plan.ts";

const ways: readonly Case[] = modelNames.flatMap((model): Case[] =>
  [true, false].map((padded) => ({ model, lengths: "variable", padded })),
);
const nameOf = ({ model, padded }: Case): string => `${modelTitles[model]}, ${padded ? "padded" : "packed"}`;
/** Packed, padded. */
const colours = { bert: [0, 6], modernbert: [1, 4] } as const;
const MiB = 2 ** 20;

export function renderSpeed(records: readonly Measurement<SpeedRecord>[]): readonly Block[] {
  return [
    paragraph(
      "From token ids to one averaged vector per text, weights random, f32: time does not depend on what weights say. Texts are random ids. Fixed: all of one length. " +
        "Variable: normal around half the longest, deviation an eighth, the longest the same. This is the protocol of the ModernBERT paper's Table 2 with fewer texts and this device. " +
        "Padded: each text is filled up to the longest and all layers compute the filling, as a model without unpadding does. Packed: texts lie one after another. " +
        "Tokens are those of texts, filling not counted. All ways run in every round, in another order each time; bars are medians, whiskers quartiles of the rounds; ± is the farther quartile.",
    ),
    ...(Object.keys(pairs) as PairName[]).flatMap((pair) => renderPair(pair, ofPair(records, pair))),
  ];
}

function renderPair(pair: PairName, records: readonly SpeedRecord[]): readonly Block[] {
  if (records.length === 0) return [];
  return [
    paragraph(
      `The pair \`${pair}\`: ${modelNames.map((name) => describe(name, pairs[pair][name], records)).join("; ")}. BERT has ${longest.bert} positions, each a learned vector: there is none for a token behind them, so it cannot run longer texts.`,
    ),
    chart(`Variable lengths (${pair})`, records, ways),
    chart(
      `Fixed lengths (${pair})`,
      records,
      modelNames.map((model): Case => ({ model, lengths: "fixed", padded: false })),
    ),
    gains(pair, records),
    memory(pair, records),
    ...notFused(records),
  ];
}

function describe(
  name: ModelName,
  { layers, hidden, heads, intermediate }: Shape,
  records: readonly SpeedRecord[],
): string {
  const parameters = records.flatMap(({ cases }) => cases).find(({ model }) => model === name)?.parameters;
  const size = parameters === undefined ? "" : `, ${figure(parameters / 1e6)}M parameters with embeddings`;
  return `${modelTitles[name]} ${layers} layers of ${hidden}, ${heads} heads, intermediate ${intermediate}${size}`;
}

function chart(title: string, records: readonly SpeedRecord[], cases: readonly Case[]): BarChart {
  return {
    kind: "bars",
    title,
    unit: "tokens per second",
    groups: records.map(({ length }) => (length > longest.bert ? `${length}\n(no BERT)` : String(length))),
    series: cases.map((each) => ({
      name: each.lengths === "fixed" ? modelTitles[each.model] : nameOf(each),
      colour: colours[each.model][each.padded ? 1 : 0],
      values: records.map((record) => tokensPerSecond(find(record, each))),
    })),
  };
}

const cell = (value: Spread | undefined): string => cellText(value, " ×");
const mebibytes = (result: CaseResult | undefined): string => (result ? figure(result.peakBytes / MiB) : "—");
const variable = (record: SpeedRecord, model: ModelName, padded: boolean): CaseResult | undefined =>
  find(record, { model, lengths: "variable", padded });

/** What comes from where: each column changes one thing. */
function gains(pair: PairName, records: readonly SpeedRecord[]): Table {
  return {
    kind: "table",
    title: `How many times as fast, by what is changed (${pair})`,
    columns: [
      "Longest",
      "unpadding: packed over padded BERT",
      "unpadding: packed over padded ModernBERT",
      "block: ModernBERT over BERT, both packed",
      "both: packed ModernBERT over padded BERT",
      "block, fixed lengths",
    ],
    rows: records.map((record) => {
      const fixed = modelNames.map((model) => find(record, { model, lengths: "fixed", padded: false }));
      return [
        String(record.length),
        cell(speedup(variable(record, "bert", false), variable(record, "bert", true))),
        cell(speedup(variable(record, "modernbert", false), variable(record, "modernbert", true))),
        cell(speedup(variable(record, "modernbert", false), variable(record, "bert", false))),
        cell(speedup(variable(record, "modernbert", false), variable(record, "bert", true))),
        cell(speedup(fixed[1], fixed[0])),
      ];
    }),
  };
}

function memory(pair: PairName, records: readonly SpeedRecord[]): Table {
  return {
    kind: "table",
    title: `Memory of one forward pass at its peak, MiB, beside the parameters (${pair})`,
    columns: ["Longest", "Texts", "BERT, fixed", "ModernBERT, fixed", ...ways.map((way) => `${nameOf(way)}, variable`)],
    rows: records.map((record) => [
      String(record.length),
      String(record.texts),
      ...modelNames.map((model) => mebibytes(find(record, { model, lengths: "fixed", padded: false }))),
      ...ways.map((way) => mebibytes(find(record, way))),
    ]),
  };
}

function notFused(records: readonly SpeedRecord[]): readonly Block[] {
  const reasons = new Set(
    records.flatMap(({ cases }) => cases.flatMap((each) => each.notFused.map((why) => `${nameOf(each)}: ${why}`))),
  );
  return reasons.size === 0
    ? []
    : [paragraph(`Not by a fused kernel, so slower than it could be: ${[...reasons].join("; ")}.`)];
}
