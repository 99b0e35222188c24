/** `modernbert pseudo-log-likelihood`: how likely a masked language model finds each line of text. */
import { Command } from "commander";
import { openPipeline, pseudoLogLikelihood } from "@modernbert-ts/pipelines";
import { deviceOptions, modelOption, runtimeOptions } from "../options.ts";
import type { DeviceOptions } from "../options.ts";
import { lineBlocks, write } from "../streams.ts";
import type { Streams } from "../streams.ts";

interface ScoreOptions extends DeviceOptions {
  readonly model: string;
  readonly truncate?: boolean;
}

/** Few, because each token of a line is a sequence of its own. */
const linesAtOnce = 16;

export function pseudoLogLikelihoodCommand(streams: Streams): Command {
  const command = new Command("pseudo-log-likelihood")
    .summary("how likely each line of text is")
    .description(
      'Masks each token in turn. Reads one text a line, writes {"pseudo_log_likelihood":…,"num_tokens":…,"tokens":[…]} a line: the sum, and for each token its id, text and natural log_probability.',
    )
    .addOption(modelOption().makeOptionMandatory())
    .option("--truncate", "cut texts that are longer than the model's maximum");
  for (const option of deviceOptions()) command.addOption(option);
  return command.action(async (options: ScoreOptions) => {
    const { model, truncate = false } = options;
    await using pipeline = await openPipeline(model, { head: "masked-lm", ...runtimeOptions(options, streams) });
    for await (const block of lineBlocks(streams, linesAtOnce)) {
      const answers = await pseudoLogLikelihood(
        pipeline,
        block.map((line) => line.text),
        { truncate, nameOf: (index) => `line ${block[index]!.number}` },
      );
      await write(streams, answers.map((answer) => `${JSON.stringify(answer)}\n`).join(""));
    }
  });
}
