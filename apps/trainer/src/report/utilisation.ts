/** How much of what the device can do the model uses (MFU): its own operations, without anything computed twice. */
import type { RunSummary } from "../run-folder.ts";
import type { Stretch } from "./history.ts";

/** 0..1; NaN where the device's peak is not given. */
export function utilisation(
  { tokens, secondsPerToken, scoredShare }: Pick<Stretch, "tokens" | "secondsPerToken" | "scoredShare">,
  { flops: phases = [], peakFlops }: Pick<RunSummary, "flops" | "peakFlops">,
): number {
  const flops = phases.findLast(({ startTokens }) => startTokens < tokens);
  if (!flops || peakFlops === undefined) return Number.NaN;
  return (3 * (flops.perToken + flops.perScored * scoredShare)) / secondsPerToken / peakFlops;
}
