/** What messages say of inputs that are too long. A field that is absent is false: unlike over HTTP, nothing is cut unless it is asked for. */
import { ServeError } from "../errors.ts";
import type { TruncationFields } from "../service.ts";

export interface TruncationMessage {
  readonly truncate: boolean;
  /** 0 is right, 1 left. */
  readonly truncation_direction: number;
}

/** @throws ServeError for a side that there is not */
export function truncationOf({ truncate, truncation_direction: direction }: TruncationMessage): TruncationFields {
  if (direction === 0) return { truncate, side: "right" };
  if (direction === 1) return { truncate, side: "left" };
  throw new ServeError("Validation", `\`truncation_direction\` should be 0 (right) or 1 (left), got ${direction}`);
}
