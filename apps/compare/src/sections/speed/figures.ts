/** Figures that follow from records of speed. */
import type { Measurement } from "../../records/record.ts";
import type { Spread } from "../../report/block.ts";
import type { PairName } from "../pair.ts";
import { medianSpread } from "../spread.ts";
import type { Case, CaseResult, SpeedRecord } from "./plan.ts";

/** Of one pair, by rising length. */
export function ofPair(records: readonly Measurement<SpeedRecord>[], pair: PairName): readonly SpeedRecord[] {
  return records
    .map(({ values }) => values)
    .filter((values) => values.pair === pair)
    .sort((a, b) => a.length - b.length);
}

export function find({ cases }: SpeedRecord, wanted: Case): CaseResult | undefined {
  return cases.find(
    ({ model, lengths, padded }) => model === wanted.model && lengths === wanted.lengths && padded === wanted.padded,
  );
}

/** Tokens of texts per second, padding not counted. */
export function tokensPerSecond(result: CaseResult | undefined): Required<Spread> | undefined {
  return result && medianSpread(rates(result));
}

/** Of the fastest round: what is left of noise when rounds of different times are compared. */
export function bestRate(result: CaseResult | undefined): number | undefined {
  return result && Math.max(...rates(result));
}

function rates({ tokens, seconds }: CaseResult): number[] {
  return seconds.map((each) => tokens / each);
}

/** How many times as fast the first is, in rounds that both ran in. */
export function speedup(of: CaseResult | undefined, over: CaseResult | undefined): Required<Spread> | undefined {
  if (!of || !over) return undefined;
  const [ours, theirs] = [rates(of), rates(over)];
  return medianSpread(ours.map((rate, round) => rate / theirs[round]!));
}
