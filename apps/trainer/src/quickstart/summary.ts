/** What the quickstart says in the end: a small table, filled blanks, what to try next. */
import type { MaskPrediction } from "@modernbert-ts/pipelines";
import type { Score } from "@modernbert-ts/training";
import { formatPercent } from "../format.ts";
import type { RunSummary } from "../run-folder.ts";

/** Model and baselines on the same masked tokens. */
export function scoreTable(score: Score, baselines: RunSummary["baselines"]): string {
  const baseline = (of: string): number => baselines.find((each) => each.of === of)!.value;
  const rows = [
    [`${score.weight} hidden tokens`, "right", "loss (nats)"],
    ["this model", formatPercent(score.metrics["maskedAccuracy"]!), score.loss.toFixed(2)],
    ["always the most frequent token", formatPercent(baseline("maskedAccuracy")), ""],
    ["frequency of each token", "", baseline("loss").toFixed(2)],
  ] as const;
  return rows.map(([name, right, loss]) => `   ${name.padEnd(32)}${right.padStart(8)}${loss.padStart(14)}`).join("\n");
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
