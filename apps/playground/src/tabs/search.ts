/** Passages of a text that was pasted, in the order in which they fit a question. */
import type { Cost, WorkerModel } from "@modernbert-ts/pipelines/worker";
import { element, labelled, linesOf, setMessage } from "../dom.ts";
import { plural } from "../format.ts";
import { bar, createAsker } from "./tab.ts";
import type { PageEvents, Tab } from "./tab.ts";
import { cosines, vectorNote } from "./vectors.ts";

const mostPassages = 500;
const mostShown = 8;
const example = {
  query: "When is it open in winter?",
  passages: [
    "The museum stands by the river, five minutes from the station.",
    "From November to March the doors are open from ten to four.",
    "Tickets cost eight euros; children under twelve come in free.",
    "The garden behind the house has roses and two old plane trees.",
    "Dogs wait outside, but there is water for them at the gate.",
  ],
};

export function createSearchTab(events: PageEvents): Tab {
  const query = element("input", { id: "query", type: "text", spellcheck: false, value: example.query });
  const passages = element("textarea", {
    id: "passages",
    rows: 5,
    spellcheck: false,
    value: example.passages.join("\n"),
  });
  const cut = element("p", { className: "quiet", hidden: true });
  const found = element("ol", { id: "found" });
  const note = element("p", { className: "quiet" });
  let model: WorkerModel;
  /** Of passages that were embedded before, so that a new question costs its own tokens only. */
  let known = new Map<string, Float32Array>();

  /** The prompt of that name, where the model has it. */
  const prompt = (promptName: string) => (model.report.prompts.includes(promptName) ? { promptName } : {});

  const { ask, rest, cancel, line } = createAsker(
    events,
    async (input: { readonly query: string; readonly texts: readonly string[] }, signal) => {
      const news = [...new Set(input.texts)].filter((text) => !known.has(text));
      const names = news.map((text) => `passage ${input.texts.indexOf(text) + 1}`);
      const asked = await model.run(
        "embed",
        [input.query],
        { normalize: true, names: ["the question"], ...prompt("query") },
        { signal },
      );
      let { cost } = asked;
      if (news.length > 0) {
        const made = await model.run("embed", news, { normalize: true, names, ...prompt("document") }, { signal });
        for (const [at, text] of news.entries()) known.set(text, made.answers[at]!);
        cost = sum(cost, made.cost);
      }
      known = new Map(input.texts.map((text) => [text, known.get(text)!]));
      const [scores] = cosines(asked.answers, [...known.values()]);
      const ranked = [...known.keys()].map((text, at) => ({ text, score: scores![at]! }));
      ranked.sort((a, b) => b.score - a.score);
      return { output: ranked, cost, summary: plural(ranked.length, "passage"), heard: `Best: ${ranked[0]!.text}` };
    },
    (ranked) => {
      const least = Math.min(...ranked.map(({ score }) => score));
      const shown = ranked.slice(0, mostShown).map(({ text, score }) => {
        const share = least < 1 ? (score - least) / (1 - least) : 1;
        return element("li", {}, bar("div", share, text, score.toFixed(2)));
      });
      found.replaceChildren(...shown);
    },
  );

  function changed(): void {
    const texts = linesOf(passages.value);
    const some = texts.length > mostPassages;
    setMessage(cut, some ? `The first ${mostPassages} of ${texts.length.toLocaleString("en")} passages` : undefined);
    const question = query.value.trim();
    if (question !== "" && texts.length > 0) return ask({ query: question, texts: texts.slice(0, mostPassages) });
    found.replaceChildren();
    rest(question === "" ? "Ask a question" : "Paste a text, each passage on its own line");
  }
  query.addEventListener("input", changed);
  passages.addEventListener("input", changed);

  return {
    id: "search",
    title: "Search",
    unable: () => undefined,
    panel: element(
      "div",
      {},
      labelled(query, "A question"),
      labelled(passages, "A text to search, each passage on its own line"),
      cut,
      line,
      element("div", { className: "answers" }, found),
      note,
    ),
    open(next) {
      model = next;
      setMessage(note, vectorNote(next.report));
      known = new Map();
      changed();
    },
    close: cancel,
  };
}

function sum(a: Cost, b: Cost): Cost {
  return { milliseconds: a.milliseconds + b.milliseconds, tokens: a.tokens + b.tokens, memory: b.memory };
}
