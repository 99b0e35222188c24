/** A labelled example once it is tokenized: sequences that belong together, and the numbers that are learned of them. */

export interface Example {
  /** Token ids of each; at least one, none of them empty. */
  readonly sequences: readonly Int32Array[];
  /** Labels, targets, positions: what they mean is the objective's. */
  readonly values: readonly number[];
  /** What an evaluation needs besides and no device does: plain data. */
  readonly note?: unknown;
  /** Whether a text lost its end. */
  readonly cut: boolean;
}
