/** What a person sees while a model trains: one moving bar on a terminal, a plain line every few seconds anywhere else. */
import type { MetricDefinition, StepEvent, TrainingEvent } from "@modernbert-ts/training";
import { SingleBar } from "cli-progress";
import { formatCount, formatDuration, formatPercent } from "./format.ts";
import { describeScore } from "./metrics.ts";

export interface ProgressOptions {
  readonly totalTokens: number;
  /** What the objective watches beside the loss. */
  readonly metrics?: readonly MetricDefinition[];
  /** Where training goes on. */
  readonly startTokens?: number;
  readonly stream?: NodeJS.WriteStream;
  /** Seconds between plain lines (default 10). */
  readonly lineEvery?: number;
}

export interface Progress {
  readonly onEvent: (event: TrainingEvent) => void;
  /** Prints a line of its own. */
  readonly note: (line: string) => void;
  readonly stop: () => void;
}

const smoothingSteps = 20;

export function createProgress(options: ProgressOptions): Progress {
  const { stream = process.stderr } = options;
  return stream.isTTY ? barProgress(options, stream) : lineProgress(options, stream);
}

function barProgress(
  { totalTokens, startTokens = 0, metrics = [] }: ProgressOptions,
  stream: NodeJS.WriteStream,
): Progress {
  const recent = recentSteps(totalTokens);
  const bar = new SingleBar({
    stream,
    hideCursor: true,
    barsize: 24,
    format: "{bar} {percentage}% {done} | {status}",
    barCompleteChar: "█",
    barIncompleteChar: "░",
    linewrap: false,
  });
  bar.start(totalTokens, startTokens, { done: formatCount(startTokens), status: "" });
  let last = startTokens;
  const note = (line: string): void => {
    if (!bar.isActive) {
      stream.write(`${line}\n`);
      return;
    }
    stream.write(`\r\u001B[K${line}\n`);
    bar.update(last);
  };
  return {
    note,
    onEvent(event) {
      if (event.kind === "step") {
        last = Math.min(event.tokens, totalTokens);
        bar.update(last, { done: `${formatCount(event.tokens)} tokens`, status: recent(event) });
      } else {
        const line = eventLine(event, metrics);
        if (line) note(line);
      }
    },
    stop: () => bar.stop(),
  };
}

function lineProgress(
  { totalTokens, lineEvery = 10, metrics = [] }: ProgressOptions,
  stream: NodeJS.WriteStream,
): Progress {
  const recent = recentSteps(totalTokens);
  let lastLine = Number.NEGATIVE_INFINITY;
  const note = (line: string): void => void stream.write(`${line}\n`);
  return {
    note,
    onEvent(event) {
      if (event.kind !== "step") {
        const line = eventLine(event, metrics);
        if (line) note(line);
        return;
      }
      const status = recent(event);
      if (event.seconds - lastLine < lineEvery && event.tokens < totalTokens) return;
      lastLine = event.seconds;
      note(`step ${event.step} | ${formatCount(event.tokens)} of ${formatCount(totalTokens)} tokens | ${status}`);
    },
    stop: () => undefined,
  };
}

function eventLine(event: TrainingEvent, metrics: readonly MetricDefinition[]): string | undefined {
  switch (event.kind) {
    case "evaluation":
      return `step ${event.step} | held-out ${describeScore(event, metrics)}`;
    case "checkpoint":
      return `step ${event.step} | saved ${event.path}`;
    case "step":
      return undefined;
    default:
      return event satisfies never;
  }
}

/** Means over the last steps, so that the numbers can be read. */
function recentSteps(totalTokens: number): (event: StepEvent) => string {
  const steps: StepEvent[] = [];
  let skipped = 0;
  return (event) => {
    if (event.skipped) skipped++;
    if (!event.skipped || steps.length === 0) steps.push(event);
    if (steps.length > smoothingSteps) steps.shift();
    const mean = (value: (step: StepEvent) => number): number =>
      steps.reduce((sum, step) => sum + value(step), 0) / steps.length;
    const tokensPerSecond = 1 / mean((step) => 1 / step.tokensPerSecond);
    const left = Math.max(0, totalTokens - event.tokens) / tokensPerSecond;
    return [
      `loss ${mean(({ loss }) => loss).toFixed(3)}`,
      `${formatCount(tokensPerSecond)} tokens/s`,
      `packing ${formatPercent(mean(({ packingEfficiency }) => packingEfficiency))}`,
      `ETA ${formatDuration(left)}`,
      ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ].join(" | ");
  };
}
