/** What an objective lets people set, in the configuration: its section, and its fields of `evaluation`. */
import type { Objective, ScheduleStep, Setting, SettingValue, SettingValues } from "@modernbert-ts/training";
import { suggestionFor } from "@modernbert-ts/training";
import { z } from "zod";
import { UsageError } from "../errors.ts";
import { parseShare } from "./quantity.ts";

type Fields = Readonly<Record<string, z.ZodType>>;

/** The section by its name; nothing where there is nothing to set. */
export function settingsSection({ settings: { section, description, fields } }: Objective): Fields {
  if (Object.keys(fields).length === 0) return {};
  return { [section]: z.strictObject(settingsFields(fields)).prefault({}).describe(description) };
}

export function settingsFields(fields: Readonly<Record<string, Setting>>): Fields {
  return Object.fromEntries(Object.entries(fields).map(([name, setting]) => [name, fieldOf(setting)]));
}

/** For those who need the first values only. */
const longestLength = 2 ** 50;

const share = z.number().gt(0).max(1);
const step = z.strictObject({
  from: z.union([z.number(), z.string()]).refine((value) => parseShare(value, 1) !== undefined),
  value: share,
});

/** Of steps, the first key that none has. */
function strayKey(steps: unknown): string {
  const keys = Array.isArray(steps) ? steps.flatMap((each: unknown) => Object.keys(Object(each) as object)) : [];
  const stray = keys.find((key) => !Object.hasOwn(step.shape, key));
  if (stray === undefined) return "";
  const guess = suggestionFor(stray, Object.keys(step.shape));
  return `, got ${stray}${guess === undefined ? "" : ` (did you mean ${guess}?)`}`;
}

/** A step as people write it: `from` is 0, "60%" or "20B tokens". */
type WrittenStep = z.infer<typeof step>;

function fieldOf(setting: Setting): z.ZodType {
  const { description } = setting;
  switch (setting.kind) {
    case "share":
      return share.default(setting.default).describe(description);
    case "schedule":
      return z
        .union([share, z.array(step).min(1)], {
          error: ({ input }) =>
            `expected a share such as 0.3, or steps such as [{ from: 0, value: 0.3 }, { from: "60%", value: 0.15 }]${strayKey(input)}`,
        })
        .default(setting.default)
        .describe(description);
    case "switch":
      return z.boolean().default(setting.default).describe(description);
    case "choice":
      return z.enum(setting.choices).default(setting.default).describe(description);
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

/**
 * @param config a checked one (`TrainerConfig`). @param total tokens of the phase, which shares are taken of. @param start those before it.
 * @returns the values of its fields, for training and for evaluation. @throws UsageError for steps out of order.
 */
export function settingsOf(
  config: object,
  { settings: { section, fields, evaluation } }: Pick<Objective, "settings">,
  total: number = longestLength,
  start: number = 0,
): { readonly training: SettingValues; readonly evaluation: SettingValues } {
  const sections = config as Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;
  const written = Object.entries(sections[section] ?? {});
  const training = Object.fromEntries(
    written.map(([name, value]) => [
      name,
      fields[name]?.kind === "schedule" ? inTokens(value, `${section}.${name}`, total, start) : (value as SettingValue),
    ]),
  );
  const replaced = Object.entries(evaluation).map(
    ([name, { replaces }]) => [replaces, sections["evaluation"]![name] as SettingValue] as const,
  );
  return { training, evaluation: { ...training, ...Object.fromEntries(replaced) } };
}

/** Steps with their beginnings in tokens; other values as they are. */
function inTokens(value: unknown, field: string, total: number, start: number): SettingValue {
  if (!Array.isArray(value)) return value as SettingValue;
  const steps = (value as readonly WrittenStep[]).map((each): ScheduleStep => ({
    from: parseShare(each.from, total)!,
    value: each.value,
  }));
  for (const [at, { from }] of steps.entries()) {
    const least = at === 0 ? 0 : steps[at - 1]!.from + 1;
    if (from < least || (at === 0 && from > 0))
      throw new UsageError(
        `${field}: expected steps that begin at 0 and rise, got ${(value as readonly WrittenStep[]).map((each) => each.from).join(", ")} of ${total} tokens`,
      );
  }
  return steps.map((each, at) => ({ ...each, from: at === 0 ? 0 : start + each.from }));
}
