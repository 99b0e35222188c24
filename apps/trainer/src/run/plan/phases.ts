/** The phases of a run with their data and plans, one after another on one clock of tokens; and the phase in which a checkpoint stands. */
import type { Objective, TrainingState } from "@modernbert-ts/training";
import type { TrainerConfig } from "../../config/config.ts";
import type { Phase } from "../../config/phases.ts";
import { phasesIn } from "../../config/read-config.ts";
import { UsageError, UserError } from "../../errors.ts";
import { sameTokenizer } from "../model/model.ts";
import { planOf } from "./plan.ts";
import type { RunPlan } from "./plan.ts";
import { dataKey, openData } from "./open-data.ts";
import type { TrainingData } from "../data/training-data.ts";

export interface PlannedPhase extends Phase {
  readonly index: number;
  readonly data: TrainingData;
  /** Its `totalTokens` is where the phase ends. */
  readonly plan: RunPlan;
  /** Tokens of the phases before. */
  readonly startTokens: number;
}

/** Everything that can be wrong with a phase is found here, before the first begins. @throws as `openData` and `planOf`. */
export async function planPhases(
  config: TrainerConfig,
  objective: Objective,
  onNotice: (notice: string) => void,
): Promise<readonly PlannedPhase[]> {
  const planned: PlannedPhase[] = [];
  const opened = new Map<string, TrainingData>();
  const phases = phasesIn(config);
  for (const [index, phase] of phases.entries()) {
    const key = dataKey(phase.config, objective);
    const data = opened.get(key) ?? (await openData(phase.config, objective, onNotice));
    opened.set(key, data);
    if (phase.config.evaluation.patience !== undefined && index < phases.length - 1)
      throw new UsageError(
        `expected evaluation.patience in the last phase only, got it in ${phase.name}: the others train for their whole length`,
      );
    const first = planned[0];
    if (first && !sameTokenizer(first.data.tokenizer, data.tokenizer))
      throw new UserError(
        `the data of phase ${phase.name} were made with another tokenizer than those of ${first.name}`,
      );
    const startTokens = planned.at(-1)?.plan.totalTokens ?? 0;
    // Decay of the weights goes by the peak of the first phase, as in the original run, which carried its groups over.
    const { learning_rate: maxLearningRate } = (first ?? phase).config.optimizer;
    const plan = planOf(phase.config, objective, data, { startTokens, maxLearningRate });
    planned.push({ ...phase, index, data, plan, startTokens });
  }
  return planned;
}

/**
 * The phase to go on with: the one that a checkpoint stands in, or the next where that one is done.
 * @throws UserError when the phases are not those that it was made with.
 */
export function phaseToGoOn(
  phases: readonly PlannedPhase[],
  { phase: index = 0, progress: { tokens } }: Pick<TrainingState, "phase" | "progress">,
): PlannedPhase {
  const phase = phases[index];
  if (!phase)
    throw new UserError(
      `the checkpoint stands in phase ${index + 1}, and the configuration has ${phases.length}: set phases back, or another output for a new run`,
    );
  if (tokens < phase.startTokens)
    throw new UserError(
      `the checkpoint stands in phase ${phase.name} at ${tokens} tokens, where that phase begins at ${phase.startTokens}: set the lengths of earlier phases back`,
    );
  const next = phases[index + 1];
  return next && tokens >= phase.plan.totalTokens ? next : phase;
}
