/** What differs between the settings that a checkpoint was saved with and those that a run goes on with. */

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

/** Leaves as JSON by dotted name. */
export function fieldsOf(value: unknown, name = ""): Map<string, string> {
  if (value === undefined) return new Map();
  if (value === null || typeof value !== "object" || Array.isArray(value))
    return new Map([[name, JSON.stringify(value)]]);
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [...fieldsOf(inner, name === "" ? key : `${name}.${key}`)]),
  );
}
