/** Which files are held out: the same share of every genre, drawn with a seed, whole files only. */
import { epochPermutation } from "@modernbert-ts/training";
import type { BrownFile } from "./brown.ts";

export interface Split {
  readonly train: readonly BrownFile[];
  readonly heldOut: readonly BrownFile[];
}

/** At least one file of every genre is held out. */
export function splitByGenre(files: readonly BrownFile[], share: number, seed: number): Split {
  const heldOut = new Set<BrownFile>();
  for (const genre of new Set(files.map((file) => file.genre))) {
    const own = files.filter((file) => file.genre === genre);
    const order = epochPermutation(own.length, seed, genre.charCodeAt(0));
    for (const index of order.slice(0, Math.max(1, Math.round(share * own.length)))) heldOut.add(own[index]!);
  }
  return { train: files.filter((file) => !heldOut.has(file)), heldOut: files.filter((file) => heldOut.has(file)) };
}
