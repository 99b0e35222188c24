/** How well labels of one's own fit a text, by a model of natural language inference. */
import type { WorkerModel } from "@modernbert-ts/pipelines/worker";
import { element, labelled } from "../dom.ts";
import { percent } from "../format.ts";
import { bar, createAsker } from "./tab.ts";
import type { PageEvents, Tab } from "./tab.ts";

export function createZeroShotTab(events: PageEvents): Tab {
  const text = element("textarea", {
    id: "premise",
    rows: 3,
    spellcheck: false,
    value: "The parcel came two weeks late, and the box was open.",
  });
  const labels = element("input", { id: "own-labels", type: "text", value: "complaint, praise, question" });
  const scores = element("ol", { id: "own-scores" });
  let model: WorkerModel;

  const { ask, rest, cancel, line } = createAsker(
    events,
    async (input: { readonly text: string; readonly labels: readonly string[] }, signal) => {
      const { answers, cost } = await model.run("zero-shot", [input], { names: ["the text"] }, { signal });
      const [answer] = answers;
      return { output: answer!, cost, heard: `${answer!.labels[0]}, ${percent(answer!.scores[0]!)}` };
    },
    (answer) => {
      const rows = answer.labels.map((label, at) => bar("div", answer.scores[at]!, label, percent(answer.scores[at]!)));
      scores.replaceChildren(...rows.map((row) => element("li", {}, row)));
    },
  );

  function changed(): void {
    const own = labels.value.split(",").map((label) => label.trim());
    const input = { text: text.value.trim(), labels: [...new Set(own.filter((label) => label !== ""))] };
    if (input.text !== "" && input.labels.length > 0) return ask(input);
    scores.replaceChildren();
    rest("Write a text and labels, with commas between them");
  }
  text.addEventListener("input", changed);
  labels.addEventListener("input", changed);

  return {
    id: "zero-shot",
    title: "Zero-shot",
    unable({ tasks, head, labels: classes }) {
      if (!tasks.includes("zero-shot"))
        return `This model knows no labels of your own: it has no sequence-classification head (its head is ${head}).`;
      if (classes.some((label) => /^entail/i.test(label))) return undefined;
      return "This model knows no labels of your own: that takes one trained on natural language inference, with a class entailment.";
    },
    panel: element(
      "div",
      {},
      labelled(text, "A text to sort"),
      labelled(labels, "Your labels, with commas between them"),
      line,
      element("div", { className: "answers" }, scores),
    ),
    open(next) {
      model = next;
      changed();
    },
    close: cancel,
  };
}
