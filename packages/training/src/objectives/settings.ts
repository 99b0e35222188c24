/** What an objective lets people set, as data: configurations are checked, explained and filled from here. */

import { DataError } from "../errors.ts";
import type { ScheduleStep } from "../schedules/steps.ts";
import type { SettingValue, SettingValues } from "../setting-values.ts";

export type { SettingValue, SettingValues };

export type Setting =
  | {
      /** A share, above 0 and at most 1; a `schedule` may also be a list of steps. */
      readonly kind: "share" | "schedule";
      readonly default: number;
      /** One sentence for the commented configuration. */
      readonly description: string;
    }
  | { readonly kind: "switch"; readonly default: boolean; readonly description: string }
  | {
      readonly kind: "choice";
      readonly choices: readonly [string, ...string[]];
      readonly default: string;
      readonly description: string;
    }
  /** A number of at least 0. */
  | { readonly kind: "number"; readonly default: number; readonly description: string }
  /** A whole number of at least 1. */
  | { readonly kind: "count"; readonly default: number; readonly description: string }
  | { readonly kind: "counts"; readonly default: readonly number[]; readonly description: string };

export interface ObjectiveSettings {
  /** The section of the configuration: "masking". */
  readonly section: string;
  readonly description: string;
  readonly fields: Readonly<Record<string, Setting>>;
  /** Fields of the section `evaluation`, each in the place of one of `fields` when a model is scored. */
  readonly evaluation: Readonly<Record<string, Setting & { readonly replaces: string }>>;
}

/** The value of a share, a number or a count. */
export function numberOf(values: SettingValues, name: string): number {
  return valueOf(values, name, "a number", (value) => (typeof value === "number" ? value : undefined));
}

/** The value of a switch. */
export function switchOf(values: SettingValues, name: string): boolean {
  return valueOf(values, name, "a boolean", (value) => (typeof value === "boolean" ? value : undefined));
}

/** The value of a choice: one of its `choices`. */
export function choiceOf<Choice extends string>(
  values: SettingValues,
  name: string,
  choices: readonly Choice[],
): Choice {
  return valueOf(values, name, `one of ${choices.join(", ")}`, (value) => choices.find((each) => each === value));
}

export function countsOf(values: SettingValues, name: string): readonly number[] {
  return valueOf(values, name, "a list of numbers", (value) =>
    Array.isArray(value) ? (value as readonly number[]) : undefined,
  );
}

/** The steps of a schedule; one where it is constant. */
export function stepsOf(values: SettingValues, name: string): readonly ScheduleStep[] {
  return valueOf(values, name, "a number or steps", (value) => {
    if (typeof value === "number") return [{ from: 0, value }];
    return Array.isArray(value) ? (value as readonly ScheduleStep[]) : undefined;
  });
}

function valueOf<T>(
  values: SettingValues,
  name: string,
  expected: string,
  take: (value: SettingValue | undefined) => T | undefined,
): T {
  const taken = take(values[name]);
  if (taken !== undefined) return taken;
  throw new DataError("invalid", "objective", `expected ${expected} for ${name}, got ${String(values[name])}`);
}

/** The default of every field. */
export function defaultValues({ fields }: ObjectiveSettings): SettingValues {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.default]));
}
