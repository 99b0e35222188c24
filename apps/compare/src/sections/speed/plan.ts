/** What speed is measured at each level, and what a record of it holds. */
import type { Level } from "../../level.ts";
import { longest } from "../pair.ts";
import type { ModelName, PairName } from "../pair.ts";
import type { Lengths } from "./batches.ts";

export interface SpeedPlan {
  readonly pairs: readonly PairName[];
  readonly lengths: readonly number[];
  /** Computed tokens of a padded batch, about. */
  readonly tokens: number;
  readonly leastTexts: number;
  /** Of texts up to 2,048, and of longer ones. */
  readonly rounds: { readonly short: number; readonly long: number };
}

const allLengths = [128, 512, 1024, 2048, 8192];

export const speedPlans: Readonly<Record<Level, SpeedPlan>> = {
  quick: {
    pairs: ["small"],
    lengths: [128, 512, 2048, 8192],
    tokens: 4096,
    leastTexts: 1,
    rounds: { short: 5, long: 2 },
  },
  standard: { pairs: ["small"], lengths: allLengths, tokens: 8192, leastTexts: 2, rounds: { short: 9, long: 3 } },
  full: { pairs: ["small", "base"], lengths: allLengths, tokens: 8192, leastTexts: 2, rounds: { short: 5, long: 3 } },
};

export function roundsOf({ rounds }: SpeedPlan, length: number): number {
  return length > 2048 ? rounds.long : rounds.short;
}

export const vocabSize = 30_522;

/** One way to compute one kind of batch. */
export type Case = {
  readonly model: ModelName;
  readonly lengths: Lengths;
  readonly padded: boolean;
};

/** Texts of one length fill their batch: padding them changes nothing. */
export function casesOf(length: number): readonly Case[] {
  const models = (["bert", "modernbert"] as const).filter((model) => length <= longest[model]);
  return [
    ...models.map((model): Case => ({ model, lengths: "fixed", padded: false })),
    ...models.flatMap((model): Case[] => [true, false].map((padded) => ({ model, lengths: "variable", padded }))),
  ];
}

export type CaseResult = Case & {
  readonly parameters: number;
  /** Of the texts, padding not counted. */
  readonly tokens: number;
  /** Padding counted. */
  readonly computed: number;
  readonly seconds: readonly number[];
  readonly peakBytes: number;
  /** What ran from primitives, and why. */
  readonly notFused: readonly string[];
};

/** All cases of one pair at one length, timed against each other. */
export type SpeedRecord = {
  readonly pair: PairName;
  readonly length: number;
  readonly texts: number;
  readonly cases: readonly CaseResult[];
};
