/** What can be had of a word alone: the tag that it has most often in the training data, and for unknown words the most frequent of all. */
import type { ExampleRow } from "../../data/examples/example-row.ts";
import type { ExampleStore } from "../../data/examples/example-store.ts";
import type { Batch } from "../../data/packing/batch.ts";
import type { Baseline } from "../objective.ts";

export function wordBaseline(store: ExampleStore, batches: Iterable<Batch<ExampleRow>>): Baseline {
  const all = new Map<number, number>();
  const ofWord = new Map<string, Map<number, number>>();
  for (let example = 0; example < store.documents; example++) {
    for (const [word, tag] of taggedWords(store.sequences(example)[0]!, store.values(example))) {
      let tags = ofWord.get(word);
      if (!tags) ofWord.set(word, (tags = new Map()));
      for (const counts of [tags, all]) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    }
  }
  const known = new Map([...ofWord].map(([word, tags]) => [word, mostFrequent(tags)]));
  const other = mostFrequent(all);
  let [hits, words] = [0, 0];
  for (const { rows } of batches) {
    for (const { ids, cuSeqlens, values } of rows) {
      for (const [at, own] of values.entries()) {
        for (const [word, tag] of taggedWords(ids.subarray(cuSeqlens[at], cuSeqlens[at + 1]), own)) {
          words++;
          if ((known.get(word) ?? other) === tag) hits++;
        }
      }
    }
  }
  return { name: "most frequent tag of the word", of: "accuracy", value: hits / words };
}

/** A word as its tokens, those from a scored one to the next; the last token of a text is [SEP]. */
function* taggedWords(ids: Int32Array, tags: Float32Array): Generator<readonly [word: string, tag: number]> {
  let first = -1;
  for (let at = 0; at < ids.length; at++) {
    const last = at === ids.length - 1;
    if (first >= 0 && (tags[at]! >= 0 || last)) yield [ids.subarray(first, at).join(), tags[first]!];
    if (tags[at]! >= 0) first = at;
  }
}

function mostFrequent(counts: ReadonlyMap<number, number>): number {
  let [best, most] = [-1, 0];
  for (const [tag, count] of counts) if (count > most) [best, most] = [tag, count];
  return best;
}
