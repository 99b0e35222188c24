/** Which records are held out, decided by the letters of their text alone, so that copies are never on both sides. */
import { createHash } from "node:crypto";

export interface Parts<T> {
  readonly train: readonly T[];
  readonly heldOut: readonly T[];
}

/** Each text once, however it is spaced, cased and punctuated; texts without letters are left out. @param share held out, of 1. */
export function splitByLetters<T>(records: readonly T[], share: number, textOf: (record: T) => string): Parts<T> {
  const parts: { train: T[]; heldOut: T[] } = { train: [], heldOut: [] };
  const seen = new Set<string>();
  for (const record of records) {
    const letters = textOf(record)
      .toLowerCase()
      .replace(/[^a-z]/g, "");
    const hash = createHash("sha256").update(letters).digest();
    const key = hash.toString("hex");
    if (letters === "" || seen.has(key)) continue;
    seen.add(key);
    parts[hash.readUInt32BE(0) < share * 2 ** 32 ? "heldOut" : "train"].push(record);
  }
  return parts;
}
