/** What an objective lets people set, in the configuration: its section, and its fields of `evaluation`. */
import type { Objective, Setting, SettingValues } from "@modernbert-ts/training";
import { z } from "zod";

type Fields = Readonly<Record<string, z.ZodType>>;

/** The section by its name; nothing where there is nothing to set. */
export function settingsSection({ settings: { section, description, fields } }: Objective): Fields {
  if (Object.keys(fields).length === 0) return {};
  return { [section]: z.strictObject(settingsFields(fields)).prefault({}).describe(description) };
}

export function settingsFields(fields: Readonly<Record<string, Setting>>): Fields {
  return Object.fromEntries(Object.entries(fields).map(([name, setting]) => [name, fieldOf(setting)]));
}

function fieldOf(setting: Setting): z.ZodType {
  const { description } = setting;
  switch (setting.kind) {
    case "share":
      return z.number().gt(0).max(1).default(setting.default).describe(description);
    case "switch":
      return z.boolean().default(setting.default).describe(description);
    case "choice":
      return z.enum(setting.of).default(setting.default).describe(description);
    case "number":
      return z.number().min(0).default(setting.default).describe(description);
    case "count":
      return z.int().min(1).default(setting.default).describe(description);
    case "counts":
      return z
        .array(z.int().min(1))
        .default([...setting.default])
        .describe(description);
    default:
      throw new Error(`internal: unknown setting ${String(setting satisfies never)}`);
  }
}

/** @param config a checked one (`TrainerConfig`). @returns the values of its fields, for training and for evaluation. */
export function settingsOf(
  config: object,
  { settings: { section, evaluation } }: Pick<Objective, "settings">,
): { readonly training: SettingValues; readonly evaluation: SettingValues } {
  const sections = config as Readonly<Record<string, SettingValues | undefined>>;
  const training = sections[section] ?? {};
  const replaced = Object.entries(evaluation).map(([name, { replaces }]) => [replaces, sections["evaluation"]![name]!]);
  return { training, evaluation: { ...training, ...(Object.fromEntries(replaced) as SettingValues) } };
}
