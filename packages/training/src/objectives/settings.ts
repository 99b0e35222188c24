/** What an objective lets people set, as data: configurations are checked, explained and filled from here. */

import { DataError } from "../errors.ts";
import type { ScheduleStep } from "../schedules/steps.ts";

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
    };

export type SettingValue = number | boolean | string | readonly ScheduleStep[];

/** Values by the names of fields. */
export type SettingValues = Readonly<Record<string, SettingValue>>;

export interface ObjectiveSettings {
  /** The section of the configuration: "masking". */
  readonly section: string;
  readonly description: string;
  readonly fields: Readonly<Record<string, Setting>>;
  /** Fields of the section `evaluation`, each in the place of one of `fields` when a model is scored. */
  readonly evaluation: Readonly<Record<string, Setting & { readonly replaces: string }>>;
}

/** The value of a share. */
export function shareOf(values: SettingValues, name: string): number {
  return valueOf(values, name, "number") as number;
}

/** The value of a switch. */
export function switchOf(values: SettingValues, name: string): boolean {
  return valueOf(values, name, "boolean") as boolean;
}

/** The value of a choice: one of its `choices`. */
export function choiceOf(values: SettingValues, name: string): string {
  return valueOf(values, name, "string") as string;
}

/** The steps of a schedule; one where it is constant. */
export function stepsOf(values: SettingValues, name: string): readonly ScheduleStep[] {
  const value = values[name];
  return Array.isArray(value)
    ? (value as readonly ScheduleStep[])
    : [{ from: 0, value: valueOf(values, name, "number") as number }];
}

function valueOf(values: SettingValues, name: string, type: "number" | "boolean" | "string"): SettingValue {
  const value = values[name];
  if (typeof value === type) return value!;
  throw new DataError("invalid", "objective", `expected a ${type} for ${name}, got ${String(value)}`);
}

/** The default of every field. */
export function defaultValues({ fields }: ObjectiveSettings): SettingValues {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.default]));
}
