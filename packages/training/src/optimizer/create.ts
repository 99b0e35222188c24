/** The optimizers by name. */
import { AdamW } from "./adamw.ts";
import { Muon } from "./muon.ts";
import type { MuonOptions } from "./muon.ts";
import type { Learned, Optimizer, OptimizerKind } from "./optimizer.ts";
import { StableAdamW } from "./stable-adamw.ts";
import type { StableAdamWOptions } from "./stable-adamw.ts";

/** Each optimizer reads what it knows. */
export type OptimizerOptions = StableAdamWOptions & MuonOptions;

export function createOptimizer(kind: OptimizerKind, learned: Learned, options: OptimizerOptions): Optimizer {
  switch (kind) {
    case "stable_adamw":
      return new StableAdamW(learned, options);
    case "adamw":
      return new AdamW(learned, options);
    case "muon":
      return new Muon(learned, options);
    default:
      throw new Error(`internal: unknown optimizer ${String(kind satisfies never)}`);
  }
}
