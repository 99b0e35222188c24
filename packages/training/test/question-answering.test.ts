import { expect, test } from "vitest";
import { normaliseAnswer, squadScores } from "../src/metrics/squad.ts";
import { multipleChoiceObjective } from "../src/objectives/multiple-choice/objective.ts";
import { bestSpan } from "../src/objectives/question-answering/best-span.ts";
import { questionAnsweringObjective as objective } from "../src/objectives/question-answering/objective.ts";
import type { WindowNote } from "../src/objectives/question-answering/reading.ts";
import { expectExactResume, label, scoreOf, smallModel, trainSteps } from "./support/labelled.ts";

const animals = ["cat", "dog", "bird", "fish"];
const records = Array.from({ length: 24 }, (_, at) => {
  const animal = animals[at % 4]!;
  const context = `the ${at % 3 ? "big" : "small"} red ${animal} ${at % 2 ? "runs" : "sleeps"}`;
  return {
    question: "who",
    context,
    answers: { text: [`${animal}`, `red ${animal}`], answer_start: [context.indexOf(animal), context.indexOf("red")] },
  };
});

test("learns where answers are, and says so by exact match and F1", async () => {
  const labelled = await label(objective, records);
  const model = smallModel(objective, labelled);
  const losses = await trainSteps(objective, model, labelled, 15, 0.02);
  expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!);
  const { metrics, weight } = await scoreOf(objective, model, labelled);
  expect(weight).toBe(24);
  expect(metrics["exactMatch"]).toBeGreaterThan(0.7);
  expect(metrics["f1"]).toBeGreaterThanOrEqual(metrics["exactMatch"]!);
});

test("a long text becomes overlapping windows; the answer is found in those that hold all of it", async () => {
  const filler = "the bird sleeps ".repeat(12);
  const context = `${filler}😀 the small cat eats ${filler}`;
  // The emoji is one character and two UTF-16 units.
  const answers = { text: ["small cat"], answer_start: [context.indexOf("small") - 1] };
  const { data, cut } = await label(
    objective,
    [{ question: "who eats", context, answers }],
    { doc_stride: 8 },
    { maxLength: 32 },
  );
  const { store } = data;
  expect([store.documents > 3, cut]).toEqual([true, 0]);
  const found: string[] = [];
  for (let window = 0; window < store.documents; window++) {
    const [first, last] = store.values(window) as unknown as [number, number];
    const { offsets } = store.note(window) as WindowNote;
    expect(store.length(window)).toBeLessThanOrEqual(32);
    if (first > 0) found.push(context.slice(offsets[2 * first], offsets[2 * last + 1]).trim());
    else expect(last).toBe(0);
  }
  expect(found.length).toBeGreaterThan(0);
  expect(new Set(found)).toEqual(new Set(["small cat"]));
});

test("a question without an answer wants the first token", async () => {
  const { data } = await label(objective, [{ ...records[0]!, answers: { text: [], answer_start: [] } }]);
  expect([...data.store.values(0)]).toEqual([0, 0]);
});

test.each([
  [{ text: ["cow"], answer_start: [0] }, 'expected the answer "cow" at character 0 of the context, got "the"'],
  [{ text: ["cat"], answer_start: [] }, "expected answers with lists text and answer_start of one length"],
  ["cat", "expected answers with lists text and answer_start"],
])("answers %j are refused with their place", async (answers, message) => {
  await expect(label(objective, [{ ...records[0]!, answers }])).rejects.toThrow(message);
  await expect(label(objective, [{ ...records[0]!, answers }])).rejects.toThrow(/records\.jsonl:1/);
});

test("its loader goes on bit for bit", () => expectExactResume(objective, records));

test("the best span ends where it begins or later, is short enough, and lies in the text", () => {
  const offsets = Int32Array.of(-1, -1, -1, -1, 0, 3, 4, 7, 8, 11, -1, -1);
  const logits = Float32Array.of(1, 1, 9, 9, 2, 0, 5, 1, 0, 4, 9, 9);
  expect(bestSpan({ offsets, logits }, 30)).toEqual({ span: { score: 9, from: 4, to: 11 }, none: 2 });
  expect(bestSpan({ offsets, logits }, 1).span).toEqual({ score: 6, from: 4, to: 7 });
});

/** By the rules of SQuAD's own script, by hand. */
test.each([
  ["The Cat!", ["a cat"], 1, 1],
  ["big red cat", ["red cat", "fish"], 0, 0.8],
  ["cat cat", ["cat"], 0, 2 / 3],
  ["", [], 1, 1],
  ["cat", [], 0, 0],
  ["", ["cat"], 0, 0],
])("%j for %j", (predicted, answers, exact, f1) => {
  const scores = squadScores(predicted, answers);
  expect([scores.exact, scores.f1]).toEqual([exact, expect.closeTo(f1, 12)]);
});

test("answers are compared without punctuation, articles and case", () => {
  expect(normaliseAnswer(" An U.S. theatre,  the End")).toBe("us theatre end");
});

test("multiple choice: learns which choice is right", async () => {
  const questions = Array.from({ length: 24 }, (_, at) => {
    const choices = [0, 1, 2].map((n) => `the ${animals[(at + n) % 4]!} ${n === at % 3 ? "eats" : "is not"}`);
    return { question: "what", choices, label: at % 2 ? at % 3 : choices[at % 3]! };
  });
  const labelled = await label(multipleChoiceObjective, questions);
  const model = smallModel(multipleChoiceObjective, labelled);
  const losses = await trainSteps(multipleChoiceObjective, model, labelled, 12, 0.02);
  expect(losses[0]).toBeGreaterThan(0.8);
  const { metrics } = await scoreOf(multipleChoiceObjective, model, labelled);
  expect(metrics["accuracy"]).toBeGreaterThan(0.8);
});

test.each([
  [{ question: "q", choices: ["a", "b"], label: 2 }, 'expected a choice from 0 to 1, got "2"'],
  [{ question: "q", choices: ["a"], label: 0 }, "expected at least 2 choices, got 1"],
  [{ question: "q", choices: ["a", "b", "c"], label: 0 }, "expected 2 choices, as in the first record, got 3"],
])("multiple choice: %j is refused", async (record, message) => {
  const first = { question: "q", choices: ["a", "b"], label: 0 };
  await expect(label(multipleChoiceObjective, [first, record])).rejects.toThrow(message);
});
