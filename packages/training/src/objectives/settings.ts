/** What an objective lets people set, as data: configurations are checked, explained and filled from here. */

import { DataError } from "../errors.ts";

export type Setting =
  | {
      /** A share, above 0 and at most 1. */
      readonly kind: "share";
      readonly default: number;
      /** One sentence for the commented configuration. */
      readonly description: string;
    }
  | { readonly kind: "switch"; readonly default: boolean; readonly description: string };

/** Values by the names of fields. */
export type SettingValues = Readonly<Record<string, number | boolean>>;

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

function valueOf(values: SettingValues, name: string, type: "number" | "boolean"): number | boolean {
  const value = values[name];
  if (typeof value === type) return value!;
  throw new DataError("invalid", "objective", `expected a ${type} for ${name}, got ${String(value)}`);
}

/** The default of every field. */
export function defaultValues({ fields }: ObjectiveSettings): SettingValues {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.default]));
}
