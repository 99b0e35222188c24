/** From a YAML file and `--set` overrides to a checked configuration; every mistake becomes one line with its place. */
import { readFileSync } from "node:fs";
import { parse, parseDocument } from "yaml";
import { z } from "zod";
import { UsageError, UserError } from "../errors.ts";
import { maskedLmObjective, objectiveOf, objectives, suggestionFor } from "@modernbert-ts/training";
import type { Objective } from "@modernbert-ts/training";
import { configSchema } from "./config.ts";
import type { TrainerConfig } from "./config.ts";
import { isFields, merge } from "./merge.ts";
import type { Fields } from "./merge.ts";
import { phasesOf } from "./phases.ts";
import type { Phase } from "./phases.ts";

/**
 * @param path undefined: no file, the rest says it all.
 * @param overrides `key.path=value`, the value in YAML.
 * @param base what holds where neither says otherwise: a preset.
 * @throws UserError (file), UsageError (content).
 */
export function readConfig(
  path: string | undefined,
  overrides: readonly string[] = [],
  base: Fields = {},
): TrainerConfig {
  const stated = statedFields(path, overrides);
  return checkConfig(isFields(stated) ? merge(base, stated) : stated, path ?? "the command line");
}

/** The objective that a file and overrides state, before anything else of them is checked. @throws like {@link readConfig}. */
export function statedObjective(path: string | undefined, overrides: readonly string[] = []): Objective {
  return objectiveIn(statedFields(path, overrides));
}

function statedFields(path: string | undefined, overrides: readonly string[]): unknown {
  const text = path === undefined ? "{}" : readText(path);
  const document = parseDocument(text, { prettyErrors: true });
  const [problem] = document.errors;
  if (problem) throw new UsageError(`${path}: ${problem.message.split("\n")[0]!.replace(/:$/, "")}`);
  for (const override of overrides) {
    const [, key, value] = /^([\w.]+)=(.*)$/s.exec(override) ?? [];
    if (key === undefined || value === undefined)
      throw new UsageError(
        `expected --set key.path=value, got ${override}; example: --set optimizer.learning_rate=1e-3`,
      );
    document.setIn(key.split("."), parse(value) as unknown);
  }
  return (document.toJS() ?? {}) as unknown;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new UserError(
      missing
        ? `there is no ${path}: make one with \`modernbert-train init ${path}\``
        : `cannot read ${path}: ${(error as Error).message}`,
    );
  }
}

/** @throws UsageError with one line that names the first wrong fields. */
export function checkConfig(value: unknown, source: string): TrainerConfig {
  const objective = objectiveIn(value);
  const result = configSchema(objective).safeParse(value, { reportInput: true });
  if (result.success) {
    // A phase that cannot be is found before the first begins.
    phasesIn(result.data, source);
    return result.data;
  }
  const { issues } = result.error;
  // With another objective other keys are known.
  const first = issues.filter(({ path }) => path.join() === "objective");
  const problems = (first.length > 0 ? first : issues.slice(0, 3)).map((issue) => explain(issue, objective));
  throw new UsageError(`${source}: ${problems.join("; ")}`);
}

/** The phases of a configuration. @throws UsageError that names the phase. */
export function phasesIn(config: TrainerConfig, source: string = "the configuration"): Phase[] {
  try {
    return phasesOf(config, checkConfig);
  } catch (error) {
    if (config.phases.length === 0 || !(error instanceof UsageError)) throw error;
    throw new UsageError(`${source}: ${error.message}`);
  }
}

/** The one that a configuration names; the first where it names none that there is, which the check then reports. */
function objectiveIn(value: unknown): Objective {
  const { objective } = (value ?? {}) as { readonly objective?: unknown };
  return objectiveOf(String(objective)) ?? maskedLmObjective;
}

function explain(issue: z.core.$ZodIssue, objective: Objective): string {
  const place = issue.path.join(".");
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(key, place, objective)).join("; ");
    case "invalid_value": {
      const guess = typeof issue.input === "string" && suggestionFor(issue.input, issue.values.map(String));
      const choices = issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.join(", ")}`;
      return `${place}: expected ${choices}${guess ? ` (did you mean ${guess}?)` : ""}`;
    }
    default:
      return `${place || "the file"}: ${issue.message
        .replace(/^Invalid input: /, "")
        .replace("received undefined", "got nothing")
        .replace("received", "got")}`;
  }
}

function unknownKey(key: string, place: string, objective: Objective): string {
  const root = configJsonSchema(objective);
  const here = fieldsOf(root, place);
  const owner = objectives.find(({ settings }) =>
    place === "" ? key === settings.section : Object.hasOwn(settings.evaluation, key),
  );
  const guess = suggestionFor(key, here) ?? elsewhere(root, key);
  const wrong = owner && owner !== objective && (place === "" || place === "evaluation");
  const advice = wrong
    ? `it belongs to objective ${owner.name}, this is ${objective.name}`
    : guess
      ? `did you mean ${guess}?`
      : `expected ${here.length === 1 ? "" : "one of "}${here.join(", ")}`;
  return `unknown key ${place ? `${place}.` : ""}${key}: ${advice}`;
}

/** The full path of a field of this name in another section. */
function elsewhere(root: FieldSchema, key: string): string | undefined {
  for (const section of fieldsOf(root, "")) if (fieldsOf(root, section).includes(key)) return `${section}.${key}`;
  return undefined;
}

/** Names of the fields in a section ("" for the top, "data.sources.0" for an item of a list). */
function fieldsOf(root: FieldSchema, section: string): string[] {
  const steps = section === "" ? [] : section.split(".");
  const node = steps.reduce<FieldSchema | undefined>((at, step) => at?.items ?? at?.properties?.[step], root);
  return Object.keys(node?.properties ?? {});
}

/** What of JSON Schema is used here. */
export interface FieldSchema {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly items?: FieldSchema;
  readonly required?: readonly string[];
}

export function configJsonSchema(objective: Objective): FieldSchema {
  return z.toJSONSchema(configSchema(objective), { io: "input" }) as FieldSchema;
}
