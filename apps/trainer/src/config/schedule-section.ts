/** The section `schedule` of a configuration: the learning rate over tokens. */
import { z } from "zod";
import { share } from "./amounts.ts";
import type { Amount } from "./amounts.ts";

const scheduleKinds = ["wsd", "trapezoidal", "linear", "cosine", "inverse_sqrt", "constant"] as const;

export interface ScheduleConfig {
  readonly kind: (typeof scheduleKinds)[number];
  readonly warmup: Amount;
  readonly decay: Amount;
  readonly timescale?: Amount | undefined;
  readonly final: number;
}

export const scheduleSection: z.ZodType<ScheduleConfig, unknown> = z
  .strictObject({
    kind: z
      .enum(scheduleKinds)
      .default("wsd")
      .describe(
        "wsd: warm-up, stable, then 1-sqrt decay; trapezoidal: the same with a linear decay; linear, cosine and inverse_sqrt fall from the warm-up on.",
      ),
    warmup: share.default("5%").describe("Linear from 0; a share of the length, or tokens."),
    decay: share
      .default("20%")
      .describe("Of wsd and trapezoidal only: how much of the end decays. 100% after a warm-up of 0 is decay alone."),
    timescale: share
      .optional()
      .describe("Of inverse_sqrt only: s in sqrt(s / (s + tokens since the warm-up)); the warm-up when left out."),
    final: z.number().min(0).max(1).default(0).describe("Where the decay ends, as a share of the peak."),
  })
  .prefault({})
  .describe("Learning rate over tokens.");
