/** The tokens of one text on the host. */

/** Token ids [T], special ones included; with the type of each token where these are not all 0. */
export type Sequence = Int32Array | TypedSequence;

export interface TypedSequence {
  /** [T] */
  readonly ids: Int32Array;
  /** [T] */
  readonly typeIds: Int32Array;
}

/** Token ids [T]. */
export function idsOf<Ids extends ArrayLike<number> = Int32Array>(sequence: Ids | TypedSequence): Ids | Int32Array {
  return "typeIds" in sequence ? sequence.ids : sequence;
}

/** The same part of ids and types, [start, end); no copy. */
export function partOf(sequence: Sequence, start: number, end?: number): Sequence {
  if (!("typeIds" in sequence)) return sequence.subarray(start, end);
  return { ids: sequence.ids.subarray(start, end), typeIds: sequence.typeIds.subarray(start, end) };
}
