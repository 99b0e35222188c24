/** A value that changes at given points of the training, such as a mask rate of 30 → 15 → 5 %. */
import { DataError } from "../errors.ts";

/** A value, and from how many tokens on it holds. */
export interface ScheduleStep {
  readonly from: number;
  readonly value: number;
}

/** `stepwise`: a value holds until the next begins. `linear`: values between two points lie on a line; the last holds on. */
export const scheduleChanges = ["stepwise", "linear"] as const;
export type ScheduleChanges = (typeof scheduleChanges)[number];

/**
 * The function tokens → value, pure: nothing to save.
 * @throws DataError `invalid` unless the first step is at 0 and each is later than the one before.
 */
export function stepSchedule(
  steps: readonly ScheduleStep[],
  changes: ScheduleChanges = "stepwise",
): (tokens: number) => number {
  const rising = steps.every(({ from }, at) => (at === 0 ? from === 0 : from > steps[at - 1]!.from));
  if (steps.length === 0 || !rising) {
    const found = steps.map(({ from }) => from).join(", ") || "none";
    throw new DataError("invalid", "stepSchedule", `expected steps that begin at 0 and rise, got ${found}`);
  }
  return (tokens) => {
    const at = steps.findLastIndex(({ from }) => tokens >= from);
    const step = steps[Math.max(0, at)]!;
    const next = steps[at + 1];
    if (changes === "stepwise" || next === undefined) return step.value;
    return step.value + ((next.value - step.value) * (tokens - step.from)) / (next.from - step.from);
  };
}
