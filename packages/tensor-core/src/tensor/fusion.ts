/** How composites ran, counted with the reasons: nothing falls back silently. */
import type { CompositeName } from "../backend/fused.ts";

/**
 * `auto`: fused kernels where the backend supports the case, counted refusals elsewhere; `fused`: a refusal throws with its reason;
 * `reference`: composites always run from primitives.
 */
export type FusionMode = "auto" | "fused" | "reference";

/** How a composite ran: fused, fused in f32 between casts (`widenedTo`), or from primitives (`reason`). */
export interface FusionOutcome {
  readonly composite: CompositeName;
  /** Why it ran from primitives. undefined: it ran fused. */
  readonly reason?: string | undefined;
  /** The kernel refuses the inputs' own dtype and got them in this one. undefined: it got them as they were, or did not run. */
  readonly widenedTo?: "f32" | undefined;
}

/** How often a composite ran in one way. */
export interface FusionRecord extends FusionOutcome {
  readonly backend: string;
  readonly reason: string | undefined;
  readonly count: number;
}

export class FusionCounts {
  readonly #backend: string;
  readonly #counts = new Map<string, FusionOutcome & { count: number }>();

  /** @param backend Its name, for the records. */
  constructor(backend: string) {
    this.#backend = backend;
  }

  add(outcome: FusionOutcome): void {
    const key = [outcome.composite, outcome.reason, outcome.widenedTo].join("\n");
    const entry = this.#counts.get(key) ?? { ...outcome, count: 0 };
    entry.count++;
    this.#counts.set(key, entry);
  }

  report(): FusionRecord[] {
    return [...this.#counts.values()].map((entry) => ({ ...entry, reason: entry.reason, backend: this.#backend }));
  }
}
