/** How often something is done in the course of training: every so many steps or tokens. */

export type Interval = { readonly steps: number } | { readonly tokens: number };

interface Clock {
  readonly step: number;
  readonly tokens: number;
}

/** Whether a multiple of the interval was passed between two moments; it depends on nothing else, so a restart keeps the rhythm. */
export function isDue(interval: Interval, before: Clock, after: Clock): boolean {
  if ("steps" in interval) return passed(interval.steps, before.step, after.step);
  return passed(interval.tokens, before.tokens, after.tokens);
}

function passed(every: number, before: number, after: number): boolean {
  return Math.floor(before / every) < Math.floor(after / every);
}
