/** Records that cannot be read: the first ends reading, or all are counted and passed over. */
import { DataError } from "../../errors.ts";

export interface Fault {
  /** Path and line. */
  readonly place: string;
  readonly expected: string;
  readonly found: string;
}

/** How many places are kept for people to look at. */
const kept = 5;

export class Faults {
  readonly #passOver: boolean;
  count = 0;
  /** The first of them. */
  readonly places: string[] = [];

  constructor(policy: "refuse" | "skip") {
    this.#passOver = policy === "skip";
  }

  /** @throws DataError `invalid` where bad records are refused. */
  add({ place, expected, found }: Fault): void {
    if (!this.#passOver)
      throw new DataError(
        "invalid",
        "TextSource",
        `expected ${expected}, got ${found} at ${place}; repair or remove it, or skip bad records`,
      );
    this.count++;
    if (this.places.length < kept) this.places.push(`${place} (${found})`);
  }
}
