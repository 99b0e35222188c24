/** Tasks that compute several sequences for one text: what is computed, and how its outputs become the text's answer. */
import type { Task, TextSide } from "./task.ts";

export interface InParts<Output, Answer> {
  /** What is to be computed, to be gone through once. */
  readonly queue: Iterable<Int32Array>;
  /** One answer per text, from one output per sequence of the queue. */
  answers(outputs: readonly Output[]): Answer[];
}

/** What a task computes for texts. Without `parts` it is their sequences, and outputs are answers. */
export function inParts<Options, Output, Answer>(
  { parts }: Task<Options, Output, Answer>,
  text: TextSide,
  sequences: readonly Int32Array[],
): InParts<Output, Answer> {
  if (!parts) return { queue: sequences, answers: (outputs) => [...outputs] as readonly unknown[] as Answer[] };
  const counts: number[] = [];
  function* queue(): Generator<Int32Array> {
    for (const sequence of sequences) {
      let count = 0;
      for (const part of parts!.split(text, sequence)) {
        count++;
        yield part;
      }
      counts.push(count);
    }
  }
  return {
    queue: queue(),
    answers(outputs) {
      let at = 0;
      return sequences.map((sequence, index) => parts.join(text, sequence, outputs.slice(at, (at += counts[index]!))));
    },
  };
}
