/** What the optimizers of Adam's family have in common. */
import type { GradientScaleOptions } from "./gradient-scale.ts";
import type { RateMultiples } from "./groups.ts";

export interface AdamOptions extends GradientScaleOptions {
  /** Default [0.9, 0.98]. */
  readonly betas?: readonly [number, number];
  /** Default 1e-6. */
  readonly eps?: number;
  /** Default 1e-5. */
  readonly weightDecay?: number;
  readonly rateMultiples?: RateMultiples;
}
