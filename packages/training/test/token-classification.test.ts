import { assert, array, constantFrom, property } from "fast-check";
import { expect, test } from "vitest";
import { entitiesOf, entityScores } from "../src/metrics/entities.ts";
import { tokenClassificationObjective as objective } from "../src/objectives/token-classification/objective.ts";
import { firstTokens } from "../src/objectives/token-classification/reading.ts";
import { batches, expectExactResume, label, scoreOf, smallModel, tokenizer, trainSteps } from "./support/labelled.ts";

const tags: Readonly<Record<string, string>> = { cat: "B-ANIMAL", dog: "B-ANIMAL", red: "B-COLOUR", big: "I-COLOUR" };
const records = Array.from({ length: 36 }, (_, at) => {
  const tokens = ["the", at % 3 ? "red" : "small", at % 2 ? "cat" : "dog", "sleeps", at % 5 ? "not" : "fish"];
  return { tokens, tags: tokens.map((word) => tags[word] ?? "O") };
});

test("learns tags, and says so by the accuracy of words and the F1 of entities", async () => {
  const labelled = await label(objective, records);
  const model = smallModel(objective, labelled);
  await trainSteps(objective, model, labelled, 25, 0.02);
  const { metrics, weight } = await scoreOf(objective, model, labelled);
  expect(weight).toBe(36 * 5);
  expect(metrics).toEqual({ accuracy: 1, f1: 1, precision: 1, recall: 1 });
});

test("the first token of each word carries its tag, whatever the words are made of", () => {
  const word = array(constantFrom("a", "b", "é", "ß", "漢", "😀", "-", "'", ".", "7"), { minLength: 1, maxLength: 6 });
  assert(
    property(array(word, { minLength: 1, maxLength: 8 }), (letters) => {
      const words = letters.map((each) => each.join(""));
      const encoding = tokenizer.encode(words.join(" "), { offsets: "utf16", padding: false });
      const firsts = firstTokens(encoding, words);
      // The tokens from one first to the next are those of the word with its blank.
      const ends = [...firsts.slice(1), encoding.length - 1] as number[];
      for (const [at, first] of firsts.entries())
        expect(tokenizer.decode([...encoding.ids.subarray(first, ends[at])]).trim()).toBe(words[at]);
    }),
  );
});

test("words that were cut off are not scored", async () => {
  const { data, cut } = await label(objective, records, {}, { maxLength: 6 });
  expect(cut).toBe(36);
  expect([...data.store.values(0)].filter((tag) => tag >= 0).length).toBeLessThan(5);
});

test.each([
  [{ tokens: ["a", "b"], tags: ["O"] }, "expected a tag for each of 2 words, got 1 tags"],
  [{ tokens: "a b", tags: ["O"] }, 'expected a list of texts in field "tokens", got "a b"'],
  [{ tokens: ["a", 3], tags: ["O", "O"] }, 'expected a list of texts in field "tokens"[1], got 3'],
  [{ tokens: ["a"], tags: ["B-X"] }, 'expected one of the labels O, B-ANIMAL, got "B-X"'],
  [{ tokens: [], tags: [] }, "expected at least one word, got none"],
])("%j is refused with its place", async (record, message) => {
  const reading = label(objective, [records[0]!, record], {}, { labels: ["O", "B-ANIMAL"] });
  await expect(reading).rejects.toThrow(/records\.jsonl:\d/);
  await expect(label(objective, [record], {}, { labels: ["O", "B-ANIMAL"] })).rejects.toThrow(message);
});

test("its loader goes on bit for bit", () => expectExactResume(objective, records));

test("baselines: the tag of each word, and of all words", async () => {
  const ambiguous = [
    { tokens: ["a", "cat", "runs"], tags: ["D", "N", "V"] },
    { tokens: ["a", "cat", "runs"], tags: ["D", "N", "N"] },
    { tokens: ["a", "dog", "runs"], tags: ["D", "N", "V"] },
  ];
  const labelled = await label(objective, ambiguous);
  const loader = objective.loader(labelled.data, { ...batches, epochs: 1 }, labelled.values);
  const [, all, word] = objective.baselines(labelled.data, [loader.next(0)!], labelled.values);
  expect([all!.value, word!.value]).toEqual([4 / 9, 8 / 9]);
});

/** Worked out by hand after the rules of conlleval. */
test.each([
  ["B-A I-A O", "A:0-1"],
  ["I-A I-A", "A:0-1"],
  ["B-A B-A", "A:0-0 A:1-1"],
  ["B-A I-B", "A:0-0 B:1-1"],
  ["I-A I-B I-B", "A:0-0 B:1-2"],
  ["O I-A O B-A", "A:1-1 A:3-3"],
  ["B-A E-A I-A", "A:0-1 A:2-2"],
  ["S-A I-A", "A:0-0 A:1-1"],
  ["B-A S-A E-A", "A:0-0 A:1-1 A:2-2"],
  ["B-A-B I-A-B", "A-B:0-1"],
])("entities of %s", (sequence, wanted) => {
  const found = entitiesOf(sequence.split(" ")).map(({ type, first, last }) => `${type}:${first}-${last}`);
  expect(found.join(" ")).toBe(wanted);
});

test("F1 of entities: type and borders must be right", () => {
  const wanted = ["B-A", "I-A", "O", "B-B", "B-A"];
  const predicted = ["B-A", "I-A", "O", "B-A", "O"];
  const { precision, recall, f1 } = entityScores([[wanted, predicted]]);
  expect([precision, recall]).toEqual([1 / 2, 1 / 3]);
  expect(f1).toBeCloseTo(0.4, 12);
});
