/** How much is measured: what is shown on a stage, an evening's answer, and all of it. */

export const levels = ["quick", "standard", "full"] as const;
export type Level = (typeof levels)[number];

/** What the sections of a level may take together on two cores, in minutes; the full level has no bound. */
export const budgetMinutes: Readonly<Record<Level, number>> = { quick: 5, standard: 25, full: Infinity };

export const seedsOf: Readonly<Record<Level, readonly number[]>> = { quick: [1], standard: [1], full: [1, 2, 3] };
