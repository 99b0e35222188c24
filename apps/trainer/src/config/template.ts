/** The commented example that `modernbert-train init` writes, made from the schema: every field, its default, its explanation. */
import type { Objective } from "@modernbert-ts/training";
import { stringify } from "yaml";
import { configJsonSchema } from "./read-config.ts";
import type { FieldSchema } from "./read-config.ts";

/** A valid configuration file; optional fields stand in it as comments. */
export function configTemplate(objective: Objective, dataPath: string = "data/corpus"): string {
  const lines = [
    "# Configuration of `modernbert-train run`. Values are the defaults unless a comment says otherwise.",
    "",
  ];
  const given: Readonly<Record<string, unknown>> = {
    objective: objective.name,
    "data.path": dataPath,
    "data.train": [`${dataPath}/train.jsonl`],
    "data.validation": [`${dataPath}/validation.jsonl`],
  };
  for (const [name, field] of Object.entries(configJsonSchema(objective).properties ?? {}))
    lines.push(...fieldLines(name, field, given), "");
  return lines.join("\n");
}

/** @param given values that stand in place of defaults, by dotted name. */
function fieldLines(path: string, field: FieldSchema, given: Readonly<Record<string, unknown>>): string[] {
  const [name, ...above] = path.split(".").reverse() as [string, ...string[]];
  const indent = "  ".repeat(above.length);
  const comment = field.description === undefined ? [] : [`${indent}# ${field.description}`];
  if (field.properties) {
    const inner = Object.entries(field.properties);
    return [
      ...comment,
      `${indent}${name}:`,
      ...inner.flatMap(([key, each]) => fieldLines(`${path}.${key}`, each, given)),
    ];
  }
  const value = given[path] ?? field.default;
  return [...comment, `${indent}${value === undefined ? `# ${name}:` : inOneLine(name, value)}`];
}

function inOneLine(name: string, value: unknown): string {
  return typeof value === "object"
    ? `${name}: ${stringify(value, { collectionStyle: "flow" }).trim()}`
    : stringify({ [name]: value }).trim();
}
