/** What was said of ModernBERT's speed, beside what the largest pair did that was measured here. The paper's figures: arXiv 2412.13663, Table 2, base, an RTX 4090. */
import type { Measurement } from "../../records/record.ts";
import type { Claim, Spread } from "../../report/block.ts";
import { figure } from "../../report/figure.ts";
import { spreadText } from "../spread.ts";
import { bestRate, find, ofPair, speedup } from "./figures.ts";
import type { ModelName } from "../pair.ts";
import type { CaseResult, SpeedRecord } from "./plan.ts";

const claims = {
  mixed: "Faster than BERT on texts of mixed length (paper: 1.63 × up to 512)",
  fixed:
    "On texts that are all 512 long, as fast as BERT or a little slower (paper: 0.82 × with 1.35 × the parameters)",
  long: "Reads 8,192 tokens, where BERT stops at 512, and keeps most of its speed (paper: 84 % of that at 512)",
  memory: "Needs less memory than BERT (paper: batches 1.46 × as large at 512)",
};

export function speedClaims(records: readonly Measurement<SpeedRecord>[]): readonly Claim[] {
  const pair = ofPair(records, "base").length > 0 ? "base" : "small";
  const measured = ofPair(records, pair);
  const at512 = measured.find(({ length }) => length === 512);
  const at8192 = measured.find(({ length }) => length === 8192);
  const both = speedup(of(at512, "modernbert", "variable"), of(at512, "bert", "variable", true));
  const block = speedup(of(at512, "modernbert", "variable"), of(at512, "bert", "variable"));
  const fixed = speedup(of(at512, "modernbert", "fixed"), of(at512, "bert", "fixed"));
  const short = bestRate(of(at512, "modernbert", "fixed"));
  const long = bestRate(of(at8192, "modernbert", "fixed"));
  const [ours, theirs] = [of(at512, "modernbert", "fixed"), of(at512, "bert", "fixed")];
  return [
    judge(
      claims.mixed,
      both && block,
      ({ value }) => value > 1,
      () => `${pair}: ${spreadText(both!)} × padded BERT, ${spreadText(block!)} × packed BERT`,
      both,
    ),
    judge(
      claims.fixed,
      fixed,
      ({ value }) => value >= 0.75,
      (value) =>
        `${pair}: ${spreadText(value)} × with ${figure(ours!.parameters / theirs!.parameters)} × the parameters`,
    ),
    judge(
      claims.long,
      short !== undefined && long !== undefined ? { value: long / short } : undefined,
      ({ value }) => value > 0.5,
      ({ value }) =>
        `${pair}: ${figure(value * 100)} % of its speed at 512, fastest rounds${pair === "small" ? "; at this width attention is a larger part of the work than in base" : ""}`,
    ),
    judge(
      claims.memory,
      ours && theirs && { value: ours.peakBytes / theirs.peakBytes },
      ({ value }) => value < 1,
      ({ value }) => `${pair}: ${figure(value)} × BERT's peak of activations at 512, forward pass`,
    ),
  ];
}

function of(
  record: SpeedRecord | undefined,
  model: ModelName,
  lengths: "fixed" | "variable",
  padded = false,
): CaseResult | undefined {
  return record && find(record, { model, lengths, padded });
}

/** @param decisive what the verdict looks at, where that is not the value itself */
function judge(
  claim: string,
  value: Spread | undefined,
  shown: (value: Spread) => boolean,
  say: (value: Spread) => string,
  decisive: Spread | undefined = value,
): Claim {
  if (!value || !decisive) return { claim, measured: "", verdict: "not measured" };
  return { claim, measured: say(value), verdict: shown(decisive) ? "shown" : "not shown" };
}
