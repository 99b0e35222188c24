/** How the tokenizer splits a text: its tokens in place, and their ids and offsets in a table. */
import type { TokenView, WorkerModel } from "@modernbert-ts/pipelines/worker";
import { element, labelled, messageOf } from "../dom.ts";
import { plural } from "../format.ts";
import { latest } from "../latest.ts";
import type { PageEvents, Tab } from "./tab.ts";

/** Rows beyond these would only slow the page down. */
const mostShown = 2000;

export function createTokensTab({ announce }: PageEvents): Tab {
  const text = element("textarea", {
    id: "to-tokenize",
    rows: 3,
    spellcheck: false,
    value: "Tokenization isn't splitting at spaces: naïve, 2,048 and 🙂 show it.",
  });
  const line = element("p", { className: "quiet line" });
  const chips = element("p", { id: "chips", className: "chips" });
  const table = element("div", { className: "scroll tokens", tabIndex: 0 });
  table.setAttribute("role", "region");
  table.setAttribute("aria-label", "Tokens");
  let model: WorkerModel;

  const work = latest(
    120,
    (value: string, signal) =>
      model.tokenize(value, { signal }).then(
        (tokens) => ({ value, tokens }),
        (error: unknown) => messageOf(error),
      ),
    (answer) => {
      line.classList.toggle("bad", typeof answer === "string");
      if (typeof answer === "string") {
        line.textContent = answer;
        return announce(answer);
      }
      show(answer.value, answer.tokens);
    },
  );

  function show(value: string, tokens: readonly TokenView[]): void {
    const added = tokens.filter(({ place }) => !place).length;
    const cut = tokens.length > mostShown ? ` · the first ${mostShown} are shown` : "";
    const most = model.report.maxLength;
    const long = tokens.length > most ? ` · more than the ${most.toLocaleString("en")} that the model takes` : "";
    line.textContent = `${plural(tokens.length, "token")}, ${added} of them added by the tokenizer · ${plural([...value].length, "character")}${long}${cut}`;
    const shown = tokens.slice(0, mostShown);
    chips.replaceChildren(...shown.map((token, at) => chip(value, token, [shown[at - 1], shown[at + 1]])));
    table.replaceChildren(tableOf(value, shown));
    announce(plural(tokens.length, "token"));
  }

  text.addEventListener("input", () => work.ask(text.value));

  return {
    id: "tokens",
    title: "Tokens",
    unable: () => undefined,
    panel: element("div", {}, labelled(text, "A text to split into tokens"), line, chips, table),
    open(next) {
      model = next;
      work.ask(text.value);
    },
    close: work.cancel,
  };
}

function chip(
  text: string,
  { id, token, place }: TokenView,
  neighbours: readonly (TokenView | undefined)[],
): HTMLSpanElement {
  const title = `${token}, id ${id}`;
  if (!place) return element("span", { className: "chip added", title, textContent: token });
  // Tokens that share a character are shown as the vocabulary writes their bytes.
  const shared = neighbours.some((other) => other?.place && place[0] < other.place[1] && other.place[0] < place[1]);
  return element("span", { className: "chip", title, textContent: shared ? token : blanks(text.slice(...place)) });
}

/** Line breaks would break the row of tokens. */
function blanks(text: string): string {
  return text.replaceAll("\n", "⏎").replaceAll("\t", "⇥");
}

function tableOf(text: string, tokens: readonly TokenView[]): HTMLTableElement {
  const rows = tokens.map(({ id, token, place }, at) =>
    element(
      "tr",
      {},
      element("td", { textContent: String(at) }),
      element("td", { className: "mono", textContent: token }),
      element("td", { textContent: String(id) }),
      element("td", { textContent: place ? `${place[0]}–${place[1]}` : "added" }),
      element("td", { className: "mono", textContent: place ? JSON.stringify(text.slice(...place)) : "" }),
    ),
  );
  const heads = ["Position", "Token", "Id", "Offsets", "Text"];
  return element(
    "table",
    {},
    element("caption", { textContent: "Offsets count UTF-16 units, as strings of JavaScript do" }),
    element("thead", {}, element("tr", {}, ...heads.map((name) => element("th", { scope: "col", textContent: name })))),
    element("tbody", {}, ...rows),
  );
}
