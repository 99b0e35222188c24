/** The decision model of the provider: answers of `decide` of pipelines in the SDK's words, and what is refused. */
import { decide, openPipeline } from "@modernbert-ts/pipelines";
import { expect, test } from "vitest";
import { folderOf, rows } from "../../pipelines/test/support/model-table.ts";
import { createModernBert } from "../src/index.ts";

test("choices, scores and statements", async () => {
  const source = await folderOf(rows.find(({ task }) => task === "decide")!);
  await using provider = createModernBert({ backend: "cpu" });
  const model = provider.decisionModel(source, { truncate: true });
  expect(model.supportedQuestionTypes).toEqual(["choice", "score", "boolean"]);
  const state = [
    { type: "text", text: "a dog ran" },
    { type: "text", text: "the cat sat" },
  ] as const;
  const { answers, warnings } = await model.doDecide({
    state,
    questions: {
      who: { type: "choice", instructions: "which?", criteria: { dog: "it ran", cat: null } },
      far: { type: "score", instructions: "how?", criteria: ["low", "mid", "high"] },
      ran: { type: "boolean", instructions: "ran" },
    },
  });
  await using pipeline = await openPipeline(source, { backend: "cpu" });
  const questions = {
    who: { type: "choice", instructions: "which?", criteria: { dog: "it ran", cat: null } },
    far: { type: "score", instructions: "how?", criteria: ["low", "mid", "high"] },
    ran: { type: "noul", instructions: "ran" },
  } as const;
  const [wanted] = await decide(pipeline, [{ state: "a dog ran\nthe cat sat", questions }], { truncate: true });
  const { who, far, ran } = wanted!;
  if (who?.type !== "choice" || far?.type !== "score" || ran?.type !== "noul") throw new Error("other types");
  expect(answers).toEqual({
    who: { type: "choice", choice: who.choice, probabilities: who.probabilities },
    far: { type: "score", score: far.score, probabilities: far.probabilities },
    ran: { type: "boolean", probability: ran.noul },
  });
  expect(warnings.every(({ type }) => type === "other")).toBe(true);

  await expect(
    model.doDecide({ state, questions: { a: { type: "boolean", criteria: { true: "x" } } } }),
  ).rejects.toThrow("[questions.a.instructions] expected instructions, got none");
  await expect(model.doDecide({ state, questions: { a: { type: "box", instructions: "where" } } })).rejects.toThrow(
    "this model sees no images",
  );
});
