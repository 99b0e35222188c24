/** How much of what the device can do the model uses (MFU): its own operations, without anything computed twice. */
import type { RunSummary } from "../run-folder.ts";
import type { Stretch } from "./history.ts";

/** 0..1; NaN where the device's peak is not given. */
export function utilisation(
  { secondsPerToken, scoredShare }: Pick<Stretch, "secondsPerToken" | "scoredShare">,
  { flops, peakFlops }: Pick<RunSummary, "flops" | "peakFlops">,
): number {
  if (!flops || peakFlops === undefined) return Number.NaN;
  return (3 * (flops.perToken + flops.perScored * scoredShare)) / secondsPerToken / peakFlops;
}
