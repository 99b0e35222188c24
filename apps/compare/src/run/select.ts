/** Which sections of a level are asked for. */
import { suggestionFor } from "@modernbert-ts/training";
import { CompareError } from "../errors.ts";
import type { Level } from "../level.ts";
import type { Section } from "../sections/section.ts";

/** In the order of the report. @param names all that the level has where undefined. @throws CompareError on a name that is no section of the level. */
export function selectSections(
  all: readonly Section[],
  level: Level,
  names: readonly string[] | undefined,
): readonly Section[] {
  for (const name of names ?? []) {
    const section = all.find((each) => each.name === name);
    if (!section) throw unknownSection(name, all);
    if (section.minutes[level] === undefined) {
      const others = Object.keys(section.minutes).join(" or ");
      throw new CompareError(`[compare] expected a section of level ${level}, got ${name}: it is one of ${others}`);
    }
  }
  return all.filter(({ name, minutes }) => minutes[level] !== undefined && (names?.includes(name) ?? true));
}

function unknownSection(name: string, all: readonly Section[]): CompareError {
  const known = all.map((section) => section.name);
  const near = suggestionFor(name, known);
  const advice = near === undefined ? "choose among them" : `did you mean ${near}?`;
  return new CompareError(
    `[compare] expected sections among ${known.join(", ")}, got ${JSON.stringify(name)}: ${advice}`,
  );
}
