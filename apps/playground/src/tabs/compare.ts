/** Texts, one a line, and the table of how alike they are. */
import type { WorkerModel } from "@modernbert-ts/pipelines/worker";
import { element, labelled, linesOf, setMessage } from "../dom.ts";
import { createAsker } from "./tab.ts";
import type { PageEvents, Tab } from "./tab.ts";
import { cosines, vectorNote } from "./vectors.ts";

const mostTexts = 16;
const example = [
  "The cat sleeps on the sofa.",
  "A kitten is napping on the couch.",
  "Stocks fell sharply on Monday.",
  "Share prices dropped at the start of the week.",
];

export function createCompareTab(events: PageEvents): Tab {
  const lines = element("textarea", { id: "lines", rows: 4, spellcheck: false, value: example.join("\n") });
  const cut = element("p", { className: "quiet", id: "compare-cut", hidden: true });
  const matrix = element("div", { id: "matrix", className: "scroll", tabIndex: 0, hidden: true });
  matrix.setAttribute("role", "region");
  matrix.setAttribute("aria-label", "Similarity matrix");
  const note = element("p", { className: "quiet" });
  let model: WorkerModel;

  const { ask, rest, cancel, line } = createAsker(
    events,
    async (texts: readonly string[], signal) => {
      const names = texts.map((_, at) => `text ${at + 1}`);
      const { answers, cost } = await model.run("embed", texts, { normalize: true, names }, { signal });
      const values = cosines(answers, answers);
      const summary = closest(values);
      return { output: { texts, values }, cost, summary, heard: summary };
    },
    ({ texts, values }) => {
      matrix.replaceChildren(table(texts, values));
      matrix.hidden = false;
    },
  );

  function changed(): void {
    const texts = linesOf(lines.value);
    const some = texts.length > mostTexts;
    setMessage(cut, some ? `The first ${mostTexts} of ${texts.length} texts` : undefined);
    if (texts.length > 1) return ask(texts.slice(0, mostTexts));
    matrix.hidden = true;
    rest("Write at least two texts, each on its own line");
  }
  lines.addEventListener("input", changed);

  return {
    id: "compare",
    title: "Compare",
    unable: () => undefined,
    panel: element("div", {}, labelled(lines, "One text per line"), cut, line, matrix, note),
    open(next) {
      model = next;
      setMessage(note, vectorNote(next.report));
      changed();
    },
    close: cancel,
  };
}

function table(texts: readonly string[], values: readonly (readonly number[])[]): HTMLTableElement {
  // Cosines of one model lie close together: the shade runs from the least of these to 1.
  const least = Math.min(...values.flat());
  const cell = (cosine: number): HTMLTableCellElement => {
    const made = element("td", { textContent: cosine.toFixed(2) });
    made.style.setProperty("--share", String(least < 1 ? (cosine - least) / (1 - least) : 1));
    return made;
  };
  const head = texts.map((title, at) => element("th", { scope: "col", title, textContent: String(at + 1) }));
  const rows = texts.map((title, at) => {
    const number = element("span", { className: "number", textContent: String(at + 1) });
    const heading = element("th", { scope: "row", title }, number, element("span", { textContent: title }));
    return element("tr", {}, heading, ...values[at]!.map(cell));
  });
  return element(
    "table",
    { className: "matrix" },
    element("caption", { textContent: "Cosine of the embeddings" }),
    element("thead", {}, element("tr", {}, element("td"), ...head)),
    element("tbody", {}, ...rows),
  );
}

function closest(values: readonly (readonly number[])[]): string {
  let best = { row: 0, column: 1 };
  const at = ({ row, column }: typeof best): number => values[row]![column]!;
  for (let row = 0; row < values.length; row++)
    for (let column = row + 1; column < values.length; column++)
      if (at({ row, column }) > at(best)) best = { row, column };
  return `Closest: ${best.row + 1} and ${best.column + 1}, ${at(best).toFixed(2)}`;
}
