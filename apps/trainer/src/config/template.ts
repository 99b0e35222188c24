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
  for (const [name, field] of Object.entries(configJsonSchema(objective).properties ?? {})) {
    if (!field.properties) {
      const chosen = name === "objective" ? { ...field, default: objective.name } : field;
      lines.push(...fieldLines(name, chosen, ""), "");
      continue;
    }
    lines.push(`# ${field.description}`, `${name}:`);
    for (const [key, inner] of Object.entries(field.properties))
      lines.push(...fieldLines(key, key === "path" ? { ...inner, default: dataPath } : inner, "  "));
    lines.push("");
  }
  return lines.join("\n");
}

function fieldLines(name: string, field: FieldSchema, indent: string): string[] {
  const comment = field.description === undefined ? [] : [`${indent}# ${field.description}`];
  const optional = field.default === undefined;
  return [...comment, `${indent}${optional ? `# ${name}:` : stringify({ [name]: field.default }).trim()}`];
}
