/** Labels of the words of a text, shown in their places. */
import type { Entity } from "@modernbert-ts/pipelines/browser";
import type { WorkerModel } from "@modernbert-ts/pipelines/worker";
import { element, labelled } from "../dom.ts";
import { percent, plural } from "../format.ts";
import { createAsker } from "./tab.ts";
import type { PageEvents, Tab } from "./tab.ts";

/** A hue for each label, far apart whatever their number. */
const hueOf = (at: number): number => Math.round(at * 137.5) % 360;

export function createEntitiesTab(events: PageEvents): Tab {
  const text = element("textarea", {
    id: "to-label",
    rows: 3,
    spellcheck: false,
    value: "Ada Lovelace wrote to Charles Babbage from London, and he answered from Turin in the autumn of 1840.",
  });
  const marked = element("p", { id: "entities-text", className: "marked" });
  let model: WorkerModel;

  const { ask, rest, cancel, line } = createAsker(
    events,
    async (value: string, signal) => {
      const options = { aggregationStrategy: "first", names: ["the text"] } as const;
      const { answers, cost } = await model.run("token-classification", [value], options, { signal });
      const found = plural(answers[0]!.length, "label");
      return { output: { value, entities: answers[0]! }, cost, summary: found, heard: found };
    },
    ({ value, entities }) => marked.replaceChildren(...highlighted(value, entities, model.report.labels)),
  );

  function changed(): void {
    if (text.value.trim() !== "") return ask(text.value);
    marked.replaceChildren();
    rest("Write a text");
  }
  text.addEventListener("input", changed);

  return {
    id: "entities",
    title: "Entities",
    unable: ({ tasks, head }) =>
      tasks.includes("token-classification")
        ? undefined
        : `This model cannot label words: it has no token-classification head (its head is ${head}).`,
    panel: element("div", {}, labelled(text, "A text whose words get labels"), line, marked),
    open(next) {
      model = next;
      changed();
    },
    close: cancel,
  };
}

/** The text with its entities in marks; what lies between stays as it is. */
function highlighted(text: string, entities: readonly Entity[], labels: readonly string[]): (Node | string)[] {
  const kinds = [...new Set(labels.map(kindOf))];
  let at = 0;
  const parts = entities.flatMap((entity) => {
    // Tokens bring the blank before them along.
    const start = entity.end - text.slice(entity.start, entity.end).trimStart().length;
    const before = text.slice(at, start);
    at = entity.end;
    const label = labelOf(entity);
    const made = element(
      "mark",
      { title: `${label}, ${percent(entity.score)}` },
      element("span", { textContent: text.slice(start, entity.end) }),
      element("small", { textContent: label }),
    );
    made.style.setProperty("--hue", String(hueOf(kinds.indexOf(kindOf(label)))));
    return [before, made];
  });
  return [...parts, text.slice(at)];
}

/** B-PER and I-PER are of one kind. */
function kindOf(label: string): string {
  return label.replace(/^[BI]-/, "");
}

/** Of a group, or of a word by itself. */
function labelOf(entity: Entity): string {
  return entity.entity_group ?? entity.entity ?? "";
}
