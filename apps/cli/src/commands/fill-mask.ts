/** `modernbert fill-mask`: what stands where the text says [MASK]. */
import { Option } from "commander";
import type { Command } from "commander";
import { fillMask, targetTokens } from "@modernbert-ts/pipelines";
import type { MaskPrediction } from "@modernbert-ts/pipelines";
import { positiveInteger, repeated } from "../options.ts";
import type { Streams } from "../streams.ts";
import { taskCommand } from "../task-command.ts";
import type { TaskOptions } from "../task-command.ts";
import { percent, table } from "../text.ts";

interface FillMaskOptions extends TaskOptions {
  readonly topK: number;
  readonly target?: readonly string[];
}

type Masks = readonly (readonly MaskPrediction[])[];

export function fillMaskCommand(streams: Streams): Command {
  return taskCommand<FillMaskOptions, string, Masks>(streams, {
    name: "fill-mask",
    summary: "the most likely tokens for each [MASK]",
    description:
      "Gives the most likely tokens for each [MASK] of each text. --json is what transformers' pipeline gives: a list, or with several masks a list of lists.",
    options: [
      new Option("--top-k <n>", "predictions for each mask").argParser(positiveInteger).default(5),
      new Option(
        "--target <word>",
        "choose among these only, one token each, often with a space before it; may be repeated",
      ).argParser(repeated),
    ],
    head: "masked-lm",
    atOnce: 64,
    input: (record) => record.text("text"),
    answer: (pipeline, inputs, { topK, target }, encode) =>
      fillMask(pipeline, inputs, { ...encode, topK, ...(target && { targets: targetTokens(pipeline, target) }) }),
    show: (masks) => masks.map(shown).join("\n\n"),
    json: (masks) => (masks.length === 1 ? masks[0] : masks),
  });
}

function shown(predictions: readonly MaskPrediction[]): string {
  return table(
    predictions.map(({ score, token, token_str, sequence }) => [
      percent(score),
      String(token),
      JSON.stringify(token_str),
      sequence,
    ]),
    ["right", "right", "left", "left"],
  );
}
