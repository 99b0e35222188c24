/** The names of the classes, and which of them a record means. */
import { suggestionFor } from "../../suggestion.ts";
import { RecordError } from "./record-fields.ts";

/** Class names in their order: whole numbers by size, others by their characters. */
export function orderedLabels(names: Iterable<string>): string[] {
  const distinct = [...new Set(names)];
  return distinct.every((name) => /^-?\d+$/.test(name))
    ? distinct.sort((a, b) => Number(a) - Number(b))
    : distinct.sort();
}

/** Name → class; a whole number that is no name is a class itself, as data sets with named classes store them. @throws RecordError */
export function classFinder(labels: readonly string[]): (name: string) => number {
  const classes = new Map(labels.map((name, at) => [name, at]));
  return (name) => {
    const found = classes.get(name) ?? (/^\d+$/.test(name) && Number(name) < labels.length ? Number(name) : undefined);
    if (found !== undefined) return found;
    const known = labels.length > 20 ? `${labels.slice(0, 20).join(", ")}, ...` : labels.join(", ");
    const guess = suggestionFor(name, labels);
    throw new RecordError(
      `one of the labels ${known}`,
      `${JSON.stringify(name)}${guess === undefined ? "" : ` (did you mean ${guess}?)`}`,
    );
  };
}
