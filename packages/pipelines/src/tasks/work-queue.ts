/** The sequences of many inputs as one queue, and their outputs as the inputs' answers. */
import type { Sequence } from "@modernbert-ts/encoder";
import type { Work } from "./task.ts";

export interface WorkQueue<Output, Answer> {
  /** What is to be computed, to be gone through once. */
  readonly sequences: Iterable<Sequence>;
  /** One answer per input, from one output per sequence of the queue. */
  answers(outputs: readonly Output[]): Answer[];
}

export function workQueue<Output, Answer>(works: readonly Work<Output, Answer>[]): WorkQueue<Output, Answer> {
  const counts: number[] = [];
  function* sequences(): Generator<Sequence> {
    for (const work of works) {
      let count = 0;
      for (const sequence of work.sequences) {
        count++;
        yield sequence;
      }
      counts.push(count);
    }
  }
  return {
    sequences: sequences(),
    answers(outputs) {
      let at = 0;
      return works.map((work, index) => work.join(outputs.slice(at, (at += counts[index]!))));
    },
  };
}
