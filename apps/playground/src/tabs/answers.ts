/** The parts of a text that answer a question. */
import type { Answer } from "@modernbert-ts/pipelines/browser";
import type { WorkerModel } from "@modernbert-ts/pipelines/worker";
import { element, labelled } from "../dom.ts";
import { percent } from "../format.ts";
import { bar, createAsker } from "./tab.ts";
import type { PageEvents, Tab } from "./tab.ts";

export function createAnswersTab(events: PageEvents): Tab {
  const question = element("input", { id: "question", type: "text", value: "Where does the museum stand?" });
  const context = element("textarea", {
    id: "context",
    rows: 4,
    spellcheck: false,
    value:
      "The museum stands by the river, five minutes from the station. From November to March it is open from ten to four.",
  });
  const list = element("ol", { id: "answers" });
  const marked = element("p", { className: "marked" });
  let model: WorkerModel;

  const { ask, rest, cancel, line } = createAsker(
    events,
    async (input: { readonly question: string; readonly context: string }, signal) => {
      const options = { topK: 3, names: ["the text"] };
      const { answers, cost } = await model.run("question-answering", [input], options, { signal });
      const [best] = answers[0]!;
      return { output: { input, answers: answers[0]! }, cost, heard: best ? best.answer : "No answer" };
    },
    ({ input, answers }) => {
      list.replaceChildren(
        ...answers.map(({ answer, score }) => element("li", {}, bar("div", score, answer, percent(score)))),
      );
      marked.replaceChildren(...inPlace(input.context, answers[0]));
    },
  );

  function changed(): void {
    const input = { question: question.value.trim(), context: context.value };
    if (input.question !== "" && input.context.trim() !== "") return ask(input);
    list.replaceChildren();
    marked.replaceChildren();
    rest("Write a question and a text");
  }
  question.addEventListener("input", changed);
  context.addEventListener("input", changed);

  return {
    id: "answer",
    title: "Answer",
    unable: ({ tasks, head }) =>
      tasks.includes("question-answering")
        ? undefined
        : `This model cannot answer questions: it has no question-answering head (its head is ${head}).`,
    panel: element(
      "div",
      {},
      labelled(question, "A question about the text"),
      labelled(context, "The text that has the answer"),
      line,
      element("div", { className: "answers" }, list),
      marked,
    ),
    open(next) {
      model = next;
      changed();
    },
    close: cancel,
  };
}

function inPlace(context: string, best: Answer | undefined): (Node | string)[] {
  if (!best) return [context];
  const mark = element("mark", { textContent: context.slice(best.start, best.end) });
  mark.style.setProperty("--hue", "175");
  return [context.slice(0, best.start), mark, context.slice(best.end)];
}
