/**
 * Learning-rate schedules as factors of the peak rate: pure functions of the tokens seen, nothing to save or restore.
 * ModernBERT: warm-up, then constant ("wsd" with decay 0); later phases constant; last phase 1-sqrt to 0.001 (paper §2.2,
 * Appendix A). Evaluated once a step, with the tokens seen before the step.
 */
import { DataError } from "../errors.ts";

/** All lengths in tokens; `alphaF` is the factor that is never gone below after the warm-up (default 0). */
export type LearningRateSchedule =
  | { readonly kind: "constant"; readonly warmup?: number }
  | { readonly kind: "linear" | "cosine"; readonly total: number; readonly warmup?: number; readonly alphaF?: number }
  | {
      /** Warm-up, stable, then a decay over the last `decay` tokens of `total`: 1 - sqrt, or linear. */
      readonly kind: "wsd" | "trapezoidal";
      readonly total: number;
      readonly decay: number;
      readonly warmup?: number;
      readonly alphaF?: number;
    }
  | {
      /** Has no end: the rate halves whenever the time since the warm-up, plus `timescale`, has become four times as long. */
      readonly kind: "inverse_sqrt";
      readonly warmup?: number;
      /** Default: the warm-up, which makes the factor sqrt(warmup / tokens). */
      readonly timescale?: number;
      readonly alphaF?: number;
    };

/** Factor at the very first step; not 0, as in the original recipe. */
const WARMUP_START = 1e-10;

/**
 * The function tokens → factor in 0..1. Warm-up is linear in tokens from 1e-10 to 1. Then, with x the share of the decay done, linear and
 * trapezoidal: 1 - x, cosine: (1 + cos πx) / 2, wsd: 1 - √x, each scaled to end at alphaF; inverse_sqrt: max(alphaF, √(s / (s + t))) with s
 * the timescale and t the tokens since the warm-up. linear and cosine begin to decay when the warm-up ends.
 * @throws DataError `invalid` for lengths that contradict each other.
 */
export function learningRateSchedule(schedule: LearningRateSchedule): (tokens: number) => number {
  const { warmup = 0 } = schedule;
  check("warmup", warmup, 0, Number.MAX_SAFE_INTEGER);
  const decay = decayOf(schedule, warmup);
  return (tokens) => {
    if (tokens < warmup) return WARMUP_START + (1 - WARMUP_START) * (tokens / warmup);
    return decay(tokens);
  };
}

function decayOf(schedule: LearningRateSchedule, warmup: number): (tokens: number) => number {
  if (schedule.kind === "constant") return () => 1;
  const { alphaF = 0 } = schedule;
  check("alphaF", alphaF, 0, 1);
  if (schedule.kind === "inverse_sqrt") {
    const { timescale = warmup } = schedule;
    check("timescale", timescale, 1, Number.MAX_SAFE_INTEGER);
    return (tokens) => Math.max(alphaF, Math.sqrt(timescale / (timescale + tokens - warmup)));
  }
  const { kind, total } = schedule;
  check("total", total, warmup, Number.MAX_SAFE_INTEGER);
  const length = "decay" in schedule ? schedule.decay : total - warmup;
  check("decay", length, 0, total - warmup);
  if (length === 0 && "decay" in schedule) return () => 1;
  const shape = shapes[kind];
  return (tokens) => {
    const done = Math.min(1, Math.max(0, (tokens - (total - length)) / length));
    return alphaF + (1 - alphaF) * shape(done);
  };
}

const linear = (x: number): number => 1 - x;
const shapes = {
  linear,
  trapezoidal: linear,
  cosine: (x: number): number => (1 + Math.cos(Math.PI * x)) / 2,
  wsd: (x: number): number => 1 - Math.sqrt(x),
};

function check(name: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max))
    throw new DataError("invalid", "learningRateSchedule", `expected ${name} in ${min}..${max}, got ${value}`);
}
