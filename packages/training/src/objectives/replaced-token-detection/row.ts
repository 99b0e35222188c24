/** Rows of replaced-token detection: masked ones in which all tokens but special ones are scored. */
import type { MaskedRow } from "../masked-lm/mask.ts";

export interface DetectionRow extends MaskedRow {
  /** [T], -100 where a token is special, 0 elsewhere. */
  readonly unscored: Int32Array;
  /** How many tokens are not special. */
  readonly scored: number;
}

/** @param special by id. */
export function detectionRow(row: MaskedRow, special: ReadonlySet<number>): DetectionRow {
  const unscored = row.ids.map((id, at) => (special.has(row.labels[at]! >= 0 ? row.labels[at]! : id) ? -100 : 0));
  return { ...row, unscored, scored: unscored.reduce((sum, each) => sum + Number(each === 0), 0) };
}
