/** What an answer cost, as TEI's message: times in nanoseconds. */
import type { Costs } from "../costs.ts";

export interface CostMetadata {
  readonly compute_chars: number;
  readonly compute_tokens: number;
  readonly total_time_ns: number;
  readonly tokenization_time_ns: number;
  readonly queue_time_ns: number;
  readonly inference_time_ns: number;
}

const nanoseconds = (ms: number): number => Math.max(0, Math.round(ms * 1e6));

/** @param started what `performance.now()` said when the request came */
export function metadataOf(
  { characters, tokens, tokenization, queue, inference }: Costs,
  started: number,
): CostMetadata {
  return {
    compute_chars: characters,
    compute_tokens: tokens,
    total_time_ns: nanoseconds(performance.now() - started),
    tokenization_time_ns: nanoseconds(tokenization),
    queue_time_ns: nanoseconds(queue),
    inference_time_ns: nanoseconds(inference),
  };
}
