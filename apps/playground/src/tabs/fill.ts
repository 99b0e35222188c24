/** Masks filled while a sentence is typed: for each mask the likely words, each a button that puts it there. */
import type { MaskPrediction } from "@modernbert-ts/pipelines/browser";
import type { WorkerModel } from "@modernbert-ts/pipelines/worker";
import { element, labelled } from "../dom.ts";
import { percent } from "../format.ts";
import { bar, createAsker } from "./tab.ts";
import type { PageEvents, Tab } from "./tab.ts";

const topK = 5;
const example = (mask: string): string => `He opened the ${mask} and walked in.`;

export function createFillTab(events: PageEvents): Tab {
  const text = element("textarea", { id: "text", rows: 2, spellcheck: false });
  const insert = element("button", { type: "button", id: "insert" });
  const label = element("span");
  const predictions = element("div", { id: "predictions", className: "answers" });
  let model: WorkerModel;
  let mask = "";

  const { ask, rest, cancel, line } = createAsker(
    events,
    async (sentence: string, signal) => {
      const options = { topK, names: ["the sentence"] };
      const { answers, cost } = await model.run("fill-mask", [sentence], options, { signal });
      return { output: answers[0]!, cost, heard: heard(answers[0]!) };
    },
    (masks) => predictions.replaceChildren(...masks.map((words, index) => list(words, index, masks.length > 1))),
  );

  function changed(): void {
    if (text.value.includes(mask)) return ask(text.value);
    predictions.replaceChildren();
    rest(`Put ${mask} where a word is wanted`);
  }

  /** Puts a word where the mask at an index stands. A word that brings its own space takes that of the text. */
  function fill(index: number, word: string): void {
    let at = -1;
    for (let i = 0; i <= index; i++) at = text.value.indexOf(mask, at + 1);
    if (at === -1) return;
    const before = text.value.slice(0, at);
    const own = word.startsWith(" ") && (before === "" || /\s$/.test(before));
    text.value = before + (own ? word.trimStart() : word) + text.value.slice(at + mask.length);
    text.focus();
    changed();
  }

  function list(words: readonly MaskPrediction[], index: number, several: boolean): HTMLElement {
    const rows = words.map(({ token_str: word, score }) => {
      const button = bar("button", score, visible(word), percent(score));
      return element(
        "li",
        {},
        Object.assign(button, {
          type: "button",
          title: "Put it into the sentence",
          onclick: () => fill(index, word),
        } as const),
      );
    });
    return element(
      "div",
      {},
      ...(several ? [element("h3", { textContent: `Mask ${index + 1}` })] : []),
      element("ol", {}, ...rows),
    );
  }

  text.addEventListener("input", changed);
  insert.addEventListener("click", () => {
    text.setRangeText(mask, text.selectionStart, text.selectionEnd, "end");
    text.focus();
    changed();
  });

  return {
    id: "fill",
    title: "Fill masks",
    unable({ tasks, head, mask: token }) {
      if (!tasks.includes("fill-mask"))
        return `This model cannot fill masks: it has no masked-LM head (its head is ${head}).`;
      return token === undefined ? "This model cannot fill masks: its tokenizer has no mask token." : undefined;
    },
    panel: element(
      "div",
      {},
      labelled(text, label),
      element("div", { className: "row between" }, insert, line),
      predictions,
    ),
    open(next) {
      model = next;
      const token = next.report.mask!;
      if (text.value === "" || text.value === example(mask)) text.value = example(token);
      mask = token;
      const code = (): HTMLElement => element("code", { className: "mask", textContent: mask });
      label.replaceChildren("A sentence with ", code(), " where a word is wanted");
      insert.replaceChildren("Insert ", code());
      changed();
    },
    close: cancel,
  };
}

/** The best word, or how many masks there are: nobody wants to hear a list. */
function heard(masks: readonly (readonly MaskPrediction[])[]): string {
  const [best] = masks[0] ?? [];
  if (masks.length > 1) return `${masks.length} masks filled`;
  return best ? `${visible(best.token_str)}, ${percent(best.score)}` : "";
}

/** A token as people read it: without its leading space, blanks shown. */
function visible(token: string): string {
  const text = token.replace(/^ (?=\S)/, "");
  return text.trim() === "" ? JSON.stringify(text) : text;
}
