/** Tokens per second and memory of the forward pass, fixed and variable lengths, padded and packed. */
import type { Encoder, PackedBatch } from "@modernbert-ts/encoder";
import type { OpenRuntime } from "@modernbert-ts/pipelines";
import type { Level } from "../../level.ts";
import { pairs, randomModel } from "../pair.ts";
import type { ModelName, PairName } from "../pair.ts";
import type { Context, Section } from "../section.ts";
import { drawTexts, packed, padded } from "./batches.ts";
import { speedClaims } from "./claims.ts";
import { casesOf, roundsOf, speedPlans, vocabSize } from "./plan.ts";
import type { CaseResult, SpeedPlan, SpeedRecord } from "./plan.ts";
import { renderSpeed } from "./render.ts";
import { embed, peakBytes, timeRounds } from "./time.ts";

const seed = 42;

export const speedSection: Section<SpeedRecord> = speedSectionOf(speedPlans);

export function speedSectionOf(plans: Readonly<Record<Level, SpeedPlan>>): Section<SpeedRecord> {
  return {
    name: "speed",
    title: "Speed and memory",
    minutes: { quick: 1.6, standard: 4.5, full: 27 },
    async measure(context) {
      const plan = plans[context.level];
      for (const pair of plan.pairs) {
        for (const length of plan.lengths) {
          const texts = Math.max(plan.leastTexts, Math.round(plan.tokens / length));
          const rounds = roundsOf(plan, length);
          const settings = {
            pair,
            shapes: pairs[pair],
            vocabSize,
            length,
            texts,
            rounds,
            seed,
            threads: context.threads,
          };
          await context.measured(`${pair}-${length}`, settings, () =>
            measureLength(context, pair, length, texts, rounds),
          );
        }
      }
    },
    render: renderSpeed,
    claims: speedClaims,
  };
}

async function measureLength(
  { openRuntime, signal }: Context,
  pair: PairName,
  length: number,
  texts: number,
  rounds: number,
): Promise<SpeedRecord> {
  const create = ({ runtime }: OpenRuntime, name: ModelName): Encoder =>
    randomModel(runtime, name, pairs[pair][name], vocabSize);
  const cases = casesOf(length).map((each) => ({ ...each, ...batchOf(each.lengths, each.padded, length, texts) }));

  await using opened = await openRuntime();
  const models = new Map<ModelName, Encoder>();
  for (const { model } of cases) if (!models.has(model)) models.set(model, create(opened, model));
  try {
    const works = cases.map(
      ({ model, batch }) =>
        () =>
          embed(models.get(model)!, batch),
    );
    const seconds = await timeRounds(works, rounds, signal);
    const results: CaseResult[] = [];
    for (const [at, { batch, ...each }] of cases.entries()) {
      signal.throwIfAborted();
      const { peak, notFused } = await peakBytes(openRuntime, (fresh) => create(fresh, each.model), batch);
      const parameters = models.get(each.model)!.parameterCount();
      results.push({
        ...each,
        parameters,
        computed: batch.ids.length,
        seconds: seconds[at]!,
        peakBytes: peak,
        notFused,
      });
    }
    return { pair, length, texts, cases: results };
  } finally {
    for (const model of models.values()) model.dispose();
  }
}

function batchOf(
  lengths: "fixed" | "variable",
  pad: boolean,
  length: number,
  count: number,
): { readonly batch: PackedBatch; readonly tokens: number } {
  const texts = drawTexts(lengths, length, count, vocabSize, seed);
  const batch = pad ? padded(texts, length) : packed(texts);
  return { batch, tokens: texts.reduce((sum, text) => sum + text.length, 0) };
}
