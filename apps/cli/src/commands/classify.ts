/** `modernbert classify`: the labels of each text or pair. */
import { Option } from "commander";
import type { Command } from "commander";
import { classify } from "@modernbert-ts/pipelines";
import type { FunctionToApply, LabelScore, TextPair } from "@modernbert-ts/pipelines";
import { positiveInteger } from "../options.ts";
import type { Streams } from "../streams.ts";
import { taskCommand } from "../task-command.ts";
import type { TaskOptions } from "../task-command.ts";
import { percent, printable } from "../text.ts";

interface ClassifyOptions extends TaskOptions {
  readonly topK?: number;
  readonly function?: FunctionToApply;
}

export function classifyCommand(streams: Streams): Command {
  return taskCommand<ClassifyOptions, string | TextPair, readonly LabelScore[]>(streams, {
    name: "classify",
    summary: "labels and scores of each text or pair",
    description:
      "Gives all labels of each text, best first, with probabilities; for regression models the value. Records with text_pair are pairs.",
    options: [
      new Option("--top-k <n>", "labels of each text (default: all)").argParser(positiveInteger),
      new Option(
        "--function <name>",
        "how logits become scores (default: by problem_type of the model's config.json)",
      ).choices(["softmax", "sigmoid", "none"]),
    ],
    head: "sequence-classification",
    atOnce: 256,
    input: (record) => record.textOrPair(),
    answer: (pipeline, inputs, { topK, function: functionToApply }, encode) =>
      classify(pipeline, inputs, { ...encode, ...(topK && { topK }), ...(functionToApply && { functionToApply }) }),
    show(labels, input) {
      const scores = labels.map(({ label, score }) => `${label} ${percentOrValue(score)}`).join(", ");
      return `${printable(scores)}  ${printable([input].flat().join(" | "))}`;
    },
  });
}

/** Scores beyond 0 and 1 are no probabilities. */
function percentOrValue(score: number): string {
  return score >= 0 && score <= 1 ? percent(score) : score.toPrecision(4);
}
