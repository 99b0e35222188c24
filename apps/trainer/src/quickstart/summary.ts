/** What the quickstart says in the end: a small table, filled blanks, what to try next. */
import type { MaskPrediction } from "@modernbert-ts/pipelines";
import type { Baseline, Objective, Score } from "@modernbert-ts/training";
import { formatMetric } from "../metrics.ts";

/** Model and baselines on the same batches: a column for each metric, and the loss. */
export function scoreTable(score: Score, { metrics }: Objective, baselines: readonly Baseline[]): string {
  const shown = (of: string, value: number): string => {
    const metric = metrics.find(({ name }) => name === of);
    return metric ? formatMetric(metric, value) : value.toFixed(2);
  };
  const columns = [...metrics.map(({ name }) => name), "loss"];
  const rows = [
    [`${score.weight} hidden tokens`, ...metrics.map(({ title }) => title), "loss (nats)"],
    ["this model", ...columns.map((of) => shown(of, score.metrics[of] ?? score.loss))],
    ...baselines.map(({ name, of, value }) => [name, ...columns.map((each) => (each === of ? shown(of, value) : ""))]),
  ];
  return rows
    .map(([name, ...cells]) => `   ${name!.padEnd(32)}${cells.map((cell) => cell.padStart(18)).join("")}`)
    .join("\n");
}

/** `He opened the ____ and walked in.  →  door 31 %, …` */
export function filledLines(question: string, predictions: readonly MaskPrediction[]): string {
  const words = predictions.map(({ token_str, score }) => `${token_str.trim()} ${(100 * score).toFixed(0)} %`);
  return `   ${question.replace("[MASK]", "____").padEnd(52)} ${words.join(", ")}`;
}

export function nextCommands(model: string): string {
  return [
    "Try next:",
    `  node apps/cli/dist/main.js fill-mask --model ${model} "The [MASK] was very old."`,
    `  node apps/server/dist/main.js --model ${model}`,
    "  node apps/trainer/dist/main.js prepare YOUR_TEXT_FOLDER --output data/mine && node apps/trainer/dist/main.js init --data data/mine",
  ].join("\n");
}
