/** The decision model in the real @langchain/core: answers of pipelines, states of messages, a chain and its events, and what is refused. */
import { BaseDecisionModel } from "@langchain/core/decisions";
import { AIMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import { RunnableLambda } from "@langchain/core/runnables";
import { decide, openPipeline } from "@modernbert-ts/pipelines";
import { expect, test } from "vitest";
import { folderOf, rows } from "../../pipelines/test/support/model-table.ts";
import { ModernBertDecisionModel } from "../src/index.ts";
import { jsonState } from "../src/state.ts";

const source = await folderOf(rows.find(({ task }) => task === "decide")!);
const questions = {
  who: { type: "choice", instructions: "which?", criteria: { dog: "it ran", cat: null } },
  far: { type: "score", instructions: "how?", criteria: ["low", "mid", "high"] },
  ran: { type: "noul", instructions: "ran" },
} as const;
const asked = {
  who: { ...questions.who, criteria: { ...questions.who.criteria } },
  far: { ...questions.far, criteria: [...questions.far.criteria] },
  ran: questions.ran,
};

test("choices, scores and statements about a text and about messages", async () => {
  await using model = new ModernBertDecisionModel({ model: source, backend: "cpu", truncate: true });
  expect(model).toBeInstanceOf(BaseDecisionModel);
  await using pipeline = await openPipeline(source, { backend: "cpu" });
  const messages = [new HumanMessage("a dog ran"), new AIMessage("the cat sat")];
  const written = [
    { role: "user", content: "a dog ran" },
    { role: "assistant", content: "the cat sat" },
  ];
  const [ofText, ofMessages] = await decide(
    pipeline,
    [
      { state: "a dog ran", questions },
      { state: written, questions },
    ],
    { truncate: true },
  );
  const answered = await model.invoke({ state: "a dog ran", questions: asked });
  expect(answered.answers).toEqual(ofText);
  expect(answered.choices.who.choice).toBe(ofText!["who"]?.type === "choice" && ofText!["who"].choice);
  expect(answered.model).toBe(source);
  expect(ofMessages).not.toEqual(ofText);

  const inputs = ["a dog ran", messages].map((state) => ({ state, questions: asked }));
  expect((await model.batch(inputs)).map(({ answers }) => answers)).toEqual([ofText, ofMessages]);
});

test("stands in a chain, whose events name it", async () => {
  await using model = new ModernBertDecisionModel({ model: source, backend: "cpu", truncate: true });
  const chain = RunnableLambda.from((state: string) => ({ state, questions: asked })).pipe(model);
  const ends = [];
  for await (const event of chain.streamEvents("a dog ran", { version: "v2" })) {
    if (event.event === "on_llm_end") ends.push(event);
  }
  expect(ends).toMatchObject([
    { name: "ModernBertDecisionModel", metadata: { ls_provider: "modernbert", ls_model_name: source } },
  ]);
});

test("refuses boxes, media, states too long and models of another kind, and stops at the signal", async () => {
  await using model = new ModernBertDecisionModel({ model: source, backend: "cpu" });
  const state = "a dog ran";
  await expect(model.invoke({ state, questions: { it: { type: "box", instructions: "where?" } } })).rejects.toThrow(
    'expected a choice, score or noul, got a box in question "it"',
  );
  await expect(model.invoke({ state, questions: {} })).rejects.toThrow("at least one question");
  await expect(model.invoke({ state: "a dog ran ".repeat(2000), questions: asked })).rejects.toThrow(
    'in question "who" of the state',
  );
  const stopped = AbortSignal.abort(new Error("enough"));
  await expect(model.invoke({ state, questions: asked }, { signal: stopped })).rejects.toThrow("enough");

  const embedder = await folderOf(rows.find(({ task }) => task === "embed")!);
  await using wrong = new ModernBertDecisionModel({ model: embedder, backend: "cpu" });
  await expect(wrong.invoke({ state, questions: asked })).rejects.toThrow("expected a model with head");
});

test("messages at any depth are JSON, with names and tool calls; what is no text is refused", () => {
  const call = new AIMessage({ content: "", tool_calls: [{ name: "weather", args: { town: "Rome" }, id: "1" }] });
  const state = {
    at: 3,
    talk: [
      new SystemMessage("be kind"),
      new HumanMessage({
        content: [
          { type: "text", text: "how " },
          { type: "text", text: "warm?" },
        ],
        name: "Ada",
      }),
      call,
      new ToolMessage({ content: "20 degrees", tool_call_id: "1" }),
      new ChatMessage("hm", "moderator"),
    ],
  };
  expect(jsonState(state)).toEqual({
    at: 3,
    talk: [
      { role: "system", content: "be kind" },
      { role: "user", name: "Ada", content: "how warm?" },
      { role: "assistant", content: "", tool_calls: [{ name: "weather", args: { town: "Rome" } }] },
      { role: "tool", content: "20 degrees" },
      { role: "moderator", content: "hm" },
    ],
  });
  expect(jsonState({ type: "image", of: "a dog" })).toEqual({ type: "image", of: "a dog" });
  const image = { type: "image", url: "https://example.org/dog.png" };
  expect(() => jsonState([{ shown: image }])).toThrow("got a block of type image");
  expect(() => jsonState(new HumanMessage({ content: [image] }))).toThrow("got a block of type image in a message");
  const thought = new AIMessage({ content: [{ type: "reasoning", reasoning: "hm" }] });
  expect(() => jsonState(thought)).toThrow("got a block of type reasoning in a message");
});
