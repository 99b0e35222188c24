/** What a tab is, and what all that compute share: answers that follow typing, a line on how it went, one short announcement. */
import type { Cost, ModelReport, WorkerModel } from "@modernbert-ts/pipelines/worker";
import { element, messageOf } from "../dom.ts";
import { costText } from "../format.ts";
import { latest } from "../latest.ts";

export interface Tab {
  readonly id: string;
  readonly title: string;
  /** Why a model has no use for it, in a sentence; undefined where it has. */
  unable(report: ModelReport): string | undefined;
  readonly panel: HTMLElement;
  /** Is called when the tab is shown with a model that it has not had before. */
  open(model: WorkerModel): void;
  /** Gives up what is being computed. */
  close(): void;
}

/** What a tab tells the page. */
export interface PageEvents {
  onCost(cost: Cost): void;
  /** For those who hear the page; short. */
  announce(text: string): void;
}

export interface Shown<Output> {
  /** What is written before the time that it took. */
  readonly summary?: string;
  readonly heard: string;
  readonly output: Output;
}

export interface Answered<Output> extends Shown<Output> {
  readonly cost: Cost;
}

export interface Asker<Input> {
  readonly line: HTMLParagraphElement;
  ask(input: Input): void;
  /** Forgets what was asked and says something instead. */
  rest(text: string): void;
  cancel(): void;
}

const pause = 120;

/** Runs `run` on what was asked last and shows its answer; errors stand in the line. */
export function createAsker<Input, Output>(
  { onCost, announce }: PageEvents,
  run: (input: Input, signal: AbortSignal) => Promise<Answered<Output>>,
  show: (output: Output) => void,
): Asker<Input> {
  const line = element("p", { className: "quiet line" });
  const work = latest(
    pause,
    (input: Input, signal): Promise<Answered<Output> | Error> =>
      run(input, signal).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error)))),
    (answer) => {
      line.classList.toggle("bad", answer instanceof Error);
      if (answer instanceof Error) {
        line.textContent = messageOf(answer);
        return announce(line.textContent);
      }
      show(answer.output);
      line.textContent = [answer.summary, costText(answer.cost)].filter(Boolean).join(" · ");
      announce(answer.heard);
      onCost(answer.cost);
    },
  );
  return {
    line,
    ask: work.ask,
    cancel: work.cancel,
    rest(text) {
      work.cancel();
      line.classList.remove("bad");
      line.textContent = text;
    },
  };
}

/** A bar behind a name and a number, as long as its share. */
export function bar<Tag extends "button" | "div">(tag: Tag, share: number, name: string, number: string) {
  const made = element(
    tag,
    { className: "bar" } as Partial<HTMLElementTagNameMap[Tag]>,
    element("span", { className: "word", textContent: name }),
    element("span", { className: "share", textContent: number }),
  );
  made.style.setProperty("--share", String(Math.max(0, Math.min(1, share))));
  return made;
}
