/** What an answer cost: characters, tokens, milliseconds. */
import type { Timed } from "./batching/scheduler.ts";

export interface Costs {
  readonly characters: number;
  readonly tokens: number;
  /** Milliseconds: of all inputs, and the means over inputs. */
  readonly tokenization: number;
  readonly queue: number;
  readonly inference: number;
}

export function costsOf(
  inputs: readonly unknown[],
  tokens: number,
  tokenization: number,
  timed: readonly Timed<unknown>[],
): Costs {
  return {
    characters: sum(inputs.map(lengthOf)),
    tokens,
    tokenization,
    queue: sum(timed.map(({ queued }) => queued)) / timed.length,
    inference: sum(timed.map(({ computed }) => computed)) / timed.length,
  };
}

/** Code points of all texts in an input, ids of a list of token ids. */
function lengthOf(input: unknown): number {
  if (input instanceof Int32Array) return input.length;
  if (typeof input === "object" && input !== null) return sum(Object.values(input).map(lengthOf));
  if (typeof input !== "string") return 0;
  return input.length - (input.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
