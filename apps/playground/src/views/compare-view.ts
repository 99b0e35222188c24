/** Texts, one a line, and the table of how alike they are. */
import { byId, element } from "../dom.ts";
import type { SimilarityAnswer } from "../engine/protocol.ts";
import { cost as costText } from "../format.ts";

export interface CompareView {
  showModel(): void;
  showAnswer(texts: readonly string[], answer: SimilarityAnswer): void;
  showState(text: string): void;
}

const mostTexts = 16;
const example = ["The cat sleeps on the sofa.", "A kitten is napping on the couch.", "Stocks fell sharply on Monday."];

/** `ask` hears the texts whenever they change and are two or more; undefined when there is nothing to compare. */
export function createCompareView(ask: (texts: readonly string[] | undefined) => void): CompareView {
  const lines = byId("lines", HTMLTextAreaElement);
  const state = byId("compare-state", HTMLParagraphElement);
  const matrix = byId("matrix", HTMLDivElement);
  lines.value = example.join("\n");

  function changed(): void {
    const texts = lines.value
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "");
    const enough = texts.length > 1;
    ask(enough ? texts.slice(0, mostTexts) : undefined);
    if (!enough) matrix.hidden = true;
    state.textContent = enough
      ? texts.length > mostTexts
        ? `The first ${mostTexts} of ${texts.length} texts`
        : ""
      : "Write at least two texts, each on its own line";
  }
  lines.addEventListener("input", changed);

  return {
    showModel() {
      byId("compare", HTMLElement).hidden = false;
      changed();
    },
    showAnswer(texts, { cosines, cost }) {
      matrix.replaceChildren(table(texts, cosines));
      matrix.hidden = false;
      state.textContent = `${closest(texts, cosines)} · ${costText(cost)}`;
    },
    showState(message) {
      state.textContent = message;
    },
  };
}

function table(texts: readonly string[], cosines: Float32Array): HTMLTableElement {
  const { length } = texts;
  // Cosines of one model lie close together: the shade runs from the least of these to 1.
  const least = Math.min(...cosines);
  const heading = (scope: "col" | "row", index: number): HTMLTableCellElement =>
    element("th", {
      scope,
      title: texts[index]!,
      textContent: scope === "row" ? `${index + 1}  ${texts[index]!}` : String(index + 1),
    });
  const cell = (row: number, column: number): HTMLTableCellElement => {
    const cosine = cosines[row * length + column]!;
    const made = element("td", { textContent: cosine.toFixed(2) });
    made.style.setProperty("--share", String(least < 1 ? (cosine - least) / (1 - least) : 1));
    return made;
  };
  const columns = texts.map((_, index) => index);
  return element(
    "table",
    {},
    element("caption", { textContent: "Cosine of the embeddings" }),
    element("thead", {}, element("tr", {}, element("td"), ...columns.map((column) => heading("col", column)))),
    element(
      "tbody",
      {},
      ...columns.map((row) => element("tr", {}, heading("row", row), ...columns.map((column) => cell(row, column)))),
    ),
  );
}

function closest({ length }: readonly string[], cosines: Float32Array): string {
  let best = [0, 1] as readonly [number, number];
  for (let row = 0; row < length; row++)
    for (let column = row + 1; column < length; column++)
      if (cosines[row * length + column]! > cosines[best[0] * length + best[1]]!) best = [row, column];
  return `Closest: ${best[0] + 1} and ${best[1] + 1}, ${cosines[best[0] * length + best[1]]!.toFixed(2)}`;
}
