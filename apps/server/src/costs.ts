/** What an answer cost: characters, tokens, milliseconds. */
import type { Timed } from "./batching/scheduler.ts";
import type { Input } from "./inputs/read-inputs.ts";

export interface Costs {
  readonly characters: number;
  readonly tokens: number;
  /** Milliseconds: of all inputs, and the means over inputs. */
  readonly tokenization: number;
  readonly queue: number;
  readonly inference: number;
}

export function costsOf(
  inputs: readonly Input[],
  sequences: readonly Int32Array[],
  tokenization: number,
  timed: readonly Timed<unknown>[],
): Costs {
  return {
    characters: sum(inputs.map(lengthOf)),
    tokens: sum(sequences.map((ids) => ids.length)),
    tokenization,
    queue: sum(timed.map(({ queued }) => queued)) / timed.length,
    inference: sum(timed.map(({ computed }) => computed)) / timed.length,
  };
}

/** Code points of a text, ids of a list. */
function lengthOf(input: Input): number {
  if (typeof input !== "string") return input.length;
  return input.length - (input.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
