/** Where words begin, from what is known of each token alone. */

/** What a token may be at its two ends, as bits. */
export const wordEdges = {
  /** Goes on with the word of the token before it. */
  continues: 1,
  /** Ends inside a word, which the token behind it may go on with. */
  open: 2,
} as const;

/** Whether `id` belongs to the word of the token before it. @param edges bits of {@link wordEdges} by id. */
export function goesOn(edges: Uint8Array, before: number, id: number): boolean {
  return (edges[id]! & wordEdges.continues) !== 0 && (edges[before]! & wordEdges.open) !== 0;
}
