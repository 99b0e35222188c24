/** The section `schedule` in tokens. */
import type { LearningRateSchedule } from "@modernbert-ts/training";
import type { ScheduleConfig } from "../../config/schedule-section.ts";
import { parseShare } from "../../config/quantity.ts";
import { UsageError } from "../../errors.ts";

/** @throws UsageError when its parts do not fit in the length, or inverse_sqrt has no timescale. */
export function scheduleOf(
  { kind, warmup, decay, timescale, final: alphaF }: ScheduleConfig,
  total: number,
): LearningRateSchedule {
  const decays = kind === "wsd" || kind === "trapezoidal";
  const warmupTokens = parseShare(warmup, total)!;
  const decayTokens = decays ? parseShare(decay, total)! : 0;
  if (warmupTokens + decayTokens > total) {
    const parts = decays ? `schedule.warmup (${warmup}) and decay (${decay})` : `schedule.warmup (${warmup})`;
    throw new UsageError(`expected ${parts} to fit in the length of ${total} tokens: shorten them, or raise length`);
  }
  const common = { warmup: warmupTokens, alphaF };
  switch (kind) {
    case "constant":
      return { kind, warmup: warmupTokens };
    case "linear":
    case "cosine":
      return { kind, total, ...common };
    case "wsd":
    case "trapezoidal":
      return { kind, total, decay: decayTokens, ...common };
    case "inverse_sqrt": {
      const scale = timescale === undefined ? warmupTokens : parseShare(timescale, total)!;
      if (scale === 0)
        throw new UsageError("expected a schedule.timescale above 0 for inverse_sqrt without warm-up: set either");
      return { kind, timescale: scale, ...common };
    }
    default:
      throw new UsageError(`unknown schedule ${String(kind satisfies never)}`);
  }
}
