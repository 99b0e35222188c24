/** What all phases of a run share. */
import type { BackendChoice } from "@modernbert-ts/backends";
import type { Collective, Runtime } from "@modernbert-ts/tensor-core";
import type { Objective, TrainingEvent } from "@modernbert-ts/training";
import type { TrainerConfig } from "../../config/config.ts";
import type { PlannedPhase } from "../plan/phases.ts";
import type { RunRanks } from "../ranks/ranks.ts";

export interface RunContext {
  readonly config: TrainerConfig;
  readonly objective: Objective;
  readonly phases: readonly PlannedPhase[];
  readonly runtime: Runtime;
  readonly choice: BackendChoice;
  readonly collective: Collective | undefined;
  readonly ranks: RunRanks;
  readonly onNotice: (notice: string) => void;
  /** Told once. */
  readonly tell: (notice: string) => void;
  /** Called when the loop is about to start. The returned function gets every event, on rank 0. */
  readonly onStart: (start: {
    readonly phase: PlannedPhase;
    /** With the metrics that it has on these data. */
    readonly objective: Objective;
    readonly startTokens: number;
    readonly stop: () => void;
  }) => (event: TrainingEvent) => void;
}
