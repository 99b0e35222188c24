/** `modernbert fill-mask`: what stands where the text says [MASK]. */
import { Command, Option } from "commander";
import { fillMask, openPipeline } from "@modernbert-ts/pipelines";
import type { MaskPrediction } from "@modernbert-ts/pipelines";
import { deviceOptions, modelOption, positiveInteger, runtimeOptions } from "../options.ts";
import type { DeviceOptions } from "../options.ts";
import { write } from "../streams.ts";
import type { Streams } from "../streams.ts";
import { table } from "../text.ts";

interface FillMaskOptions extends DeviceOptions {
  readonly model: string;
  readonly topK: number;
  readonly json?: boolean;
  readonly truncate?: boolean;
}

export function fillMaskCommand(streams: Streams): Command {
  const command = new Command("fill-mask")
    .summary("the most likely tokens for each [MASK]")
    .description("Prints the most likely tokens for each [MASK] of the text.")
    .argument("<text>", 'such as "The capital of France is [MASK]."')
    .addOption(modelOption().makeOptionMandatory())
    .addOption(new Option("--top-k <n>", "predictions for each mask").argParser(positiveInteger).default(5))
    .option("--truncate", "cut a text that is longer than the model's maximum")
    .option("--json", "as transformers' pipeline gives them: a list, or with several masks a list of lists");
  for (const option of deviceOptions()) command.addOption(option);
  return command.action(async (text: string, options: FillMaskOptions) => {
    const { model, topK, json, truncate = false } = options;
    await using pipeline = await openPipeline(model, { head: "masked-lm", ...runtimeOptions(options, streams) });
    const [masks = []] = await fillMask(pipeline, [text], { topK, truncate, nameOf: () => "the text" });
    const answer = json ? JSON.stringify(masks.length === 1 ? masks[0] : masks) : masks.map(show).join("\n\n");
    await write(streams, `${answer}\n`);
  });
}

function show(predictions: readonly MaskPrediction[]): string {
  return table(
    predictions.map(({ score, token, token_str, sequence }) => [
      `${(100 * score).toFixed(1)} %`,
      String(token),
      JSON.stringify(token_str),
      sequence,
    ]),
    ["right", "right", "left", "left"],
  );
}
