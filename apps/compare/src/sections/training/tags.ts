/** Parts of speech read off a frozen model: of each word the vector of its first token. */
import { embedTokens } from "@modernbert-ts/pipelines";
import type { Pipeline } from "@modernbert-ts/pipelines";
import type { Parts } from "../../data/corpora.ts";
import { probe } from "./linear-probe.ts";
import type { Examples } from "./linear-probe.ts";

/** As the trainer's corpora have it. */
interface Sentence {
  readonly tokens: readonly string[];
  readonly tags: readonly string[];
}

/** Share of the held-out words whose tag is right. */
export async function tagAccuracy(pipeline: Pipeline, { train, heldOut }: Parts<Sentence>): Promise<number> {
  const tags = [...new Set(train.flatMap((sentence) => sentence.tags))];
  const examples = (some: readonly Sentence[]): Promise<Examples> => wordVectors(pipeline, some, tags);
  const size = { width: pipeline.info.hiddenSize, classes: tags.length };
  return probe(pipeline.runtime, size, await examples(train), await examples(heldOut));
}

/** What a table of each word's most frequent tag gives, with the most frequent of all for words that it lacks. */
export function frequentTagAccuracy({ train, heldOut }: Parts<Sentence>): number {
  const counts = new Map<string, Map<string, number>>();
  const all = new Map<string, number>();
  for (const { tokens, tags } of train)
    for (const [at, word] of tokens.entries()) {
      const tag = tags[at]!;
      const own = counts.get(word) ?? new Map<string, number>();
      counts.set(word, own.set(tag, (own.get(tag) ?? 0) + 1));
      all.set(tag, (all.get(tag) ?? 0) + 1);
    }
  const usual = most(all);
  const table = new Map([...counts].map(([word, own]) => [word, most(own)]));
  let [right, words] = [0, 0];
  for (const { tokens, tags } of heldOut)
    for (const [at, word] of tokens.entries()) {
      words++;
      if ((table.get(word) ?? usual) === tags[at]) right++;
    }
  return right / words;
}

function most(of: ReadonlyMap<string, number>): string {
  return [...of].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
}

/** Words whose tag the training part lacks have class -1, which no rule tells right. */
async function wordVectors(
  pipeline: Pipeline,
  sentences: readonly Sentence[],
  tags: readonly string[],
): Promise<Examples> {
  const texts = sentences.map(({ tokens }) => tokens.join(" "));
  const states = await embedTokens(pipeline, texts, { truncate: true });
  const width = pipeline.info.hiddenSize;
  const numbers = new Map(tags.map((tag, at) => [tag, at]));
  const vectors: Float32Array[] = [];
  const labels: number[] = [];
  for (const [index, { tokens, tags: own }] of sentences.entries()) {
    const { offsets } = pipeline.tokenizer.encode(texts[index]!, { offsets: "utf16" });
    const { values, ids } = states[index]!;
    let [start, token] = [0, 1];
    for (const [at, word] of tokens.entries()) {
      const end = start + word.length;
      // A token may begin with the blank before its word: the first that ends within the word is the word's.
      while (token < ids.length - 1 && offsets![2 * token + 1]! <= start) token++;
      if (token >= ids.length - 1) break; // cut off
      vectors.push(values.subarray(token * width, (token + 1) * width));
      labels.push(numbers.get(own[at]!) ?? -1);
      start = end + 1;
    }
  }
  const all = new Float32Array(vectors.length * width);
  for (const [at, vector] of vectors.entries()) all.set(vector, at * width);
  return { vectors: all, labels: Int32Array.from(labels) };
}
