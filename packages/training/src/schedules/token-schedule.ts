/** A quantity that may change in the course of training; training time is counted in (real, unpadded) tokens. */

/** A constant, or a pure function of the tokens seen so far by all ranks together. */
export type TokenSchedule = number | ((tokens: number) => number);

export function scheduleValue(schedule: TokenSchedule, tokens: number): number {
  return typeof schedule === "number" ? schedule : schedule(tokens);
}
