/** What differs between the settings that a checkpoint was saved with and those that a run goes on with. */
import type { TrainerConfig } from "../config/config.ts";
import { UserError } from "../errors.ts";
import { shapeOf } from "../architectures/all.ts";

/** One line a changed field, by its dotted name; nothing when the checkpoint has no settings. */
export function changedSettings(saved: unknown, now: unknown): string[] {
  if (saved === null || typeof saved !== "object") return [];
  const [before, after] = [fieldsOf(saved), fieldsOf(now)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => before.get(name) !== after.get(name))
    .map(
      (name) => `${name} changed: ${before.get(name) ?? "unset"} in the checkpoint, ${after.get(name) ?? "unset"} now`,
    );
}

/** @throws UserError for a model from scratch of another shape. */
export function expectSameShape(saved: unknown, { model }: TrainerConfig): void {
  const { model: before } = (saved ?? {}) as Partial<TrainerConfig>;
  if (before?.preset === undefined || before.from !== undefined || model.from !== undefined) return;
  const now = new Map(Object.entries(shapeOf(model)));
  for (const [field, size] of Object.entries(shapeOf(before)))
    if (now.get(field) !== size)
      throw new UserError(
        `the checkpoint was made with model.${field} = ${size}, got ${now.get(field)}: set it back, or another output for a new run`,
      );
}

/** Leaves as JSON by dotted name. */
export function fieldsOf(value: unknown, name = ""): Map<string, string> {
  if (value === undefined) return new Map();
  if (value === null || typeof value !== "object" || Array.isArray(value))
    return new Map([[name, JSON.stringify(value)]]);
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [...fieldsOf(inner, name === "" ? key : `${name}.${key}`)]),
  );
}
