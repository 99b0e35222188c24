/** Records of words with a tag each. The first token of a word carries its tag, the others are not scored. */
import { sequenceOf } from "../../data/examples/example.ts";
import type { Encoding } from "@modernbert-ts/tokenizer";
import type { ExampleReading } from "../../data/examples/read-examples.ts";
import { classFinder } from "../../data/examples/labels.ts";
import { RecordError } from "../../data/examples/record-fields.ts";

/** Of a token that is not scored. */
export const UNSCORED = -100;

export const tokenReading: ExampleReading = {
  fields: {
    words: { default: "tokens", description: "A list of words; they are put together with a blank between them." },
    tags: { default: "tags", description: "A list with a tag for each word: names, or numbers of named labels." },
  },
  labelsOf: (record) => record.labels("tags"),
  reader({ tokenizer, maxLength, labels }) {
    const find = classFinder(labels);
    return (record) => {
      const words = record.texts("words");
      const tags = record.labels("tags").map(find);
      if (words.length === 0) throw new RecordError("at least one word", "none");
      if (words.length !== tags.length)
        throw new RecordError(`a tag for each of ${words.length} words`, `${tags.length} tags`);
      const encoding = tokenizer.encode(words.join(" "), {
        offsets: "utf16",
        truncation: { maxLength },
        padding: false,
      });
      const firsts = firstTokens(encoding, words);
      const values = Array.from(encoding.ids, () => UNSCORED);
      for (const [word, token] of firsts.entries()) if (token !== undefined) values[token] = tags[word]!;
      const cut = encoding.overflowing.length > 0;
      const lost = firsts.findIndex((token) => token === undefined);
      if (lost >= 0 && !cut) throw new RecordError("words with a token each", `${JSON.stringify(words[lost])}`);
      return [{ sequences: [sequenceOf(encoding)], values, cut }];
    };
  },
};

/** The first token of each word: the first whose last character lies in it. undefined for a word that was cut off. */
export function firstTokens({ ids, offsets, sequenceIds }: Encoding, words: readonly string[]): (number | undefined)[] {
  let end = -1;
  const ends = words.map(({ length }) => (end += length + 1));
  const firsts: (number | undefined)[] = words.map(() => undefined);
  let word = 0;
  for (let token = 0; token < ids.length; token++) {
    const [from, to] = [offsets![2 * token]!, offsets![2 * token + 1]!];
    if (sequenceIds[token] !== 0 || from === to) continue;
    while (word < words.length && ends[word]! < to) word++;
    firsts[word] ??= token;
  }
  return firsts;
}
