/** What may be written as a document: ids of the vocabulary, in the fewest bytes that hold them all. */
import { DataError } from "../../errors.ts";
import type { TokenDType } from "./shard-format.ts";

export type TokenArray = Uint16Array | Uint32Array;

export function dtypeOf(vocabSize: number): TokenDType {
  return vocabSize <= 2 ** 16 ? "u16" : "u32";
}

export function tokenArray(dtype: TokenDType, length: number): TokenArray {
  return dtype === "u16" ? new Uint16Array(length) : new Uint32Array(length);
}

/** The ids of a document, checked. @throws DataError `invalid` for one of no tokens, or with ids outside the vocabulary. */
export function documentIds(ids: ArrayLike<number>, vocabSize: number): Int32Array {
  if (ids.length === 0)
    throw new DataError("invalid", "TokenShardWriter", "expected a document of at least 1 token, got 0; leave it out");
  if (ids instanceof Int32Array && allBelow(ids, vocabSize)) return ids;
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    if (!(Number.isInteger(id) && id >= 0 && id < vocabSize))
      throw new DataError(
        "invalid",
        "TokenShardWriter",
        `expected token ids in 0..${vocabSize - 1}, got ${id}; the tokenizer and vocabSize do not belong together`,
      );
  }
  return Int32Array.from(ids);
}

/** Whether all are from 0 to below `limit`: no sign bit in them, nor in what is left to the last. */
function allBelow(ids: Int32Array, limit: number): boolean {
  const last = limit - 1;
  let bits = 0;
  for (let i = 0; i < ids.length; i++) bits |= ids[i]! | (last - ids[i]!);
  return bits >= 0;
}
