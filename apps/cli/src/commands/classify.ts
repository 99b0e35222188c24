/** `modernbert classify`: the labels of each line of text. */
import { Command } from "commander";
import { classify, openPipeline } from "@modernbert-ts/pipelines";
import { deviceOptions, modelOption, runtimeOptions } from "../options.ts";
import type { DeviceOptions } from "../options.ts";
import { lineBlocks, write } from "../streams.ts";
import type { Streams } from "../streams.ts";

interface ClassifyOptions extends DeviceOptions {
  readonly model: string;
  readonly truncate?: boolean;
}

const linesAtOnce = 256;

export function classifyCommand(streams: Streams): Command {
  const command = new Command("classify")
    .summary("labels and scores for each line of text")
    .description(
      'Reads one text a line, writes [{"label":…,"score":…},…] a line: all labels, best first. Scores are probabilities; for regression models the value.',
    )
    .addOption(modelOption().makeOptionMandatory())
    .option("--truncate", "cut texts that are longer than the model's maximum");
  for (const option of deviceOptions()) command.addOption(option);
  return command.action(async (options: ClassifyOptions) => {
    const { model, truncate = false } = options;
    const head = "sequence-classification";
    await using pipeline = await openPipeline(model, { head, ...runtimeOptions(options, streams) });
    for await (const block of lineBlocks(streams, linesAtOnce)) {
      const answers = await classify(
        pipeline,
        block.map((line) => line.text),
        { truncate, nameOf: (index) => `line ${block[index]!.number}` },
      );
      await write(streams, answers.map((labels) => `${JSON.stringify(labels)}\n`).join(""));
    }
  });
}
