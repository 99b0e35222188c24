/** Masks filled while a sentence is typed: for each mask the likely words, each a button that puts it there. */
import type { MaskPrediction } from "@modernbert-ts/pipelines/browser";
import { byId, element } from "../dom.ts";
import type { FillMaskAnswer, ModelReport } from "../engine/protocol.ts";
import { cost as costText, percent } from "../format.ts";

export interface FillView {
  /** Makes the card ready for a model, or says why it has no use for it. */
  showModel(report: ModelReport): void;
  showAnswer(answer: FillMaskAnswer): void;
  showState(text: string): void;
}

const example = (mask: string): string => `The capital of France is ${mask}.`;

/** `ask` hears the sentence whenever it changes and has a mask; undefined when it has none. */
export function createFillView(ask: (text: string | undefined) => void): FillView {
  const section = byId("fill", HTMLElement);
  const text = byId("text", HTMLTextAreaElement);
  const state = byId("fill-state", HTMLSpanElement);
  const predictions = byId("predictions", HTMLDivElement);
  let mask = "[MASK]";

  function changed(): void {
    if (text.value.includes(mask)) return ask(text.value);
    ask(undefined);
    predictions.replaceChildren();
    state.textContent = `Put ${mask} where a word is wanted`;
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

  text.addEventListener("input", changed);
  byId("insert", HTMLButtonElement).addEventListener("click", () => {
    text.setRangeText(mask, text.selectionStart, text.selectionEnd, "end");
    text.focus();
    changed();
  });

  return {
    showModel(report) {
      section.hidden = report.mask === undefined;
      if (report.mask === undefined) return;
      if (text.value === "" || text.value === example(mask)) text.value = example(report.mask);
      mask = report.mask;
      for (const place of section.querySelectorAll(".mask")) place.textContent = mask;
      changed();
    },
    showAnswer({ masks, cost }) {
      const several = masks.length > 1;
      predictions.replaceChildren(
        ...masks.map((words, index) =>
          element(
            "div",
            {},
            ...(several ? [element("h3", { textContent: `Mask ${index + 1}` })] : []),
            element("ol", {}, ...words.map((word) => line(word, () => fill(index, word.token_str)))),
          ),
        ),
      );
      const best = masks.map(
        ([word], index) =>
          `${several ? `Mask ${index + 1}: ` : ""}${visible(word!.token_str)}, ${percent(word!.score)}. `,
      );
      state.replaceChildren(element("span", { className: "heard", textContent: best.join("") }), costText(cost));
    },
    showState(message) {
      state.textContent = message;
    },
  };
}

function line({ token_str: word, score }: MaskPrediction, onChoose: () => void): HTMLLIElement {
  const button = element(
    "button",
    { type: "button", title: "Put it into the sentence", onclick: onChoose },
    element("span", { className: "word", textContent: visible(word) }),
    element("span", { className: "share", textContent: percent(score) }),
  );
  button.style.setProperty("--share", String(score));
  return element("li", {}, button);
}

/** A token as people read it: without its leading space, blanks shown. */
function visible(token: string): string {
  const text = token.replace(/^ (?=\S)/, "");
  return text.trim() === "" ? JSON.stringify(text) : text;
}
