/** The commented configuration that `modernbert-train init` writes, made from the schema: every field, its value, its explanation. */
import type { Objective } from "@modernbert-ts/training";
import { stringify } from "yaml";
import { isFields } from "./merge.ts";
import type { Fields } from "./merge.ts";
import { configJsonSchema } from "./read-config.ts";
import type { FieldSchema } from "./read-config.ts";

export interface TemplateOptions {
  /** In the place of defaults. */
  readonly fields?: Fields;
  /** Lines for the top. */
  readonly notes?: readonly string[];
}

/** A valid configuration file; optional fields stand in it as comments. */
export function configTemplate(
  objective: Objective,
  dataPath: string = "data/corpus",
  { fields = {}, notes = [] }: TemplateOptions = {},
): string {
  const lines = [
    `# Configuration of \`modernbert-train run\`. Values are ${notes.length > 0 ? "those of the preset, elsewhere " : ""}the defaults.`,
    ...notes.map((note) => `# ${note}`),
    ...(objective.reading && !(isFields(fields["model"]) && "from" in fields["model"])
      ? ["# Name a pretrained folder in model.from: without it training begins with random weights."]
      : []),
    "",
  ];
  const given: Fields = {
    ...fields,
    objective: objective.name,
    data: {
      ...(isFields(fields["data"]) ? fields["data"] : {}),
      path: dataPath,
      train: [`${dataPath}/train.jsonl`],
      validation: [`${dataPath}/validation.jsonl`],
    },
  };
  for (const [name, field] of Object.entries(configJsonSchema(objective).properties ?? {}))
    lines.push(...fieldLines(name, field, given[name], ""), "");
  return lines.join("\n");
}

/** @param chosen in the place of the default. */
function fieldLines(name: string, field: FieldSchema, chosen: unknown, indent: string): string[] {
  const comment = field.description === undefined ? [] : [`${indent}# ${field.description}`];
  if (field.properties) {
    const stated = isFields(chosen) ? chosen : {};
    const inner = Object.entries(field.properties);
    return [
      ...comment,
      `${indent}${name}:`,
      ...inner.flatMap(([key, each]) => fieldLines(key, each, stated[key], `${indent}  `)),
    ];
  }
  const value = chosen ?? field.default;
  if (value === undefined) return [...comment, `${indent}# ${name}:`];
  const text = stringify({ [name]: value }, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd();
  return [...comment, ...text.split("\n").map((line) => indent + line)];
}
