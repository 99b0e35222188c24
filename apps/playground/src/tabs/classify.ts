/** All labels of a text with their probabilities. */
import type { WorkerModel } from "@modernbert-ts/pipelines/worker";
import { element, labelled } from "../dom.ts";
import { percent } from "../format.ts";
import { bar, createAsker } from "./tab.ts";
import type { PageEvents, Tab } from "./tab.ts";

export function createClassifyTab(events: PageEvents): Tab {
  const text = element("textarea", {
    id: "to-classify",
    rows: 3,
    spellcheck: false,
    value: "I have waited three weeks, and nobody answers my letters.",
  });
  const labels = element("ol", { id: "labels" });
  let model: WorkerModel;

  const { ask, rest, cancel, line } = createAsker(
    events,
    async (value: string, signal) => {
      const { answers, cost } = await model.run("classify", [value], { names: ["the text"] }, { signal });
      const [best] = answers[0]!;
      return { output: answers[0]!, cost, heard: best ? `${best.label}, ${number(best.score)}` : "" };
    },
    (scores) =>
      labels.replaceChildren(
        ...scores.map(({ label, score }) => element("li", {}, bar("div", score, label, number(score)))),
      ),
  );

  function changed(): void {
    if (text.value.trim() !== "") return ask(text.value);
    labels.replaceChildren();
    rest("Write a text");
  }
  text.addEventListener("input", changed);

  return {
    id: "classify",
    title: "Classify",
    unable: ({ tasks, head }) =>
      tasks.includes("classify")
        ? undefined
        : `This model cannot classify texts: it has no sequence-classification head (its head is ${head}).`,
    panel: element(
      "div",
      {},
      labelled(text, "A text to classify"),
      line,
      element("div", { className: "answers" }, labels),
    ),
    open(next) {
      model = next;
      changed();
    },
    close: cancel,
  };
}

/** A probability, or what a regression gives. */
function number(score: number): string {
  return score >= 0 && score <= 1 ? percent(score) : score.toFixed(2);
}
