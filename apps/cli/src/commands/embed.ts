/** `modernbert embed`: one vector for each line of text. */
import { Command, Option } from "commander";
import { embed, openPipeline } from "@modernbert-ts/pipelines";
import { deviceOptions, modelOption, runtimeOptions } from "../options.ts";
import type { DeviceOptions } from "../options.ts";
import { checkNoQueue, embedInQueue, queueOptions } from "./embed-queue.ts";
import type { QueueOptions } from "./embed-queue.ts";
import { lineBlocks, write } from "../streams.ts";
import type { Streams } from "../streams.ts";

interface EmbedCommandOptions extends DeviceOptions, QueueOptions {
  readonly model: string;
  readonly pooling?: "cls" | "mean";
  readonly normalize?: boolean;
  readonly truncate?: boolean;
  readonly prompt?: string;
  readonly promptName?: string;
}

const linesAtOnce = 256;

export function embedCommand(streams: Streams): Command {
  const command = new Command("embed")
    .summary("one vector for each line of text")
    .description("Reads one text a line, writes one JSON array of numbers a line.")
    .addOption(modelOption().makeOptionMandatory())
    .addOption(
      new Option("--pooling <how>", "vector of the first token, or mean over tokens")
        .choices(["cls", "mean"])
        .default(undefined, "what the model was made for"),
    )
    .option("--normalize", "scale vectors to length 1 (default: what the model was made for)")
    .option("--no-normalize", "leave vectors as they are")
    .option("--prompt <text>", "put before every text (default: the model's default prompt)")
    .addOption(new Option("--prompt-name <name>", "the same, by a name that the model knows").conflicts("prompt"))
    .option("--truncate", "cut texts that are longer than the model's maximum");
  for (const option of [...deviceOptions(), ...queueOptions()]) command.addOption(option);
  return command.action(async (options: EmbedCommandOptions) => {
    const { model, pooling, normalize, truncate = false, prompt, promptName } = options;
    const vectorOptions = {
      ...(pooling && { pooling }),
      ...(normalize !== undefined && { normalize }),
      ...(prompt !== undefined && { prompt }),
      ...(promptName !== undefined && { promptName }),
    };
    checkNoQueue(options);
    if (options.queue !== undefined) return embedInQueue(options, vectorOptions, streams);
    await using pipeline = await openPipeline(model, { head: "none", ...runtimeOptions(options, streams) });
    for await (const block of lineBlocks(streams, linesAtOnce)) {
      const vectors = await embed(
        pipeline,
        block.map((line) => line.text),
        { ...vectorOptions, truncate, nameOf: (index) => `line ${block[index]!.number}` },
      );
      await write(streams, vectors.map((vector) => `[${Array.from(vector, shortest).join(",")}]\n`).join(""));
    }
  });
}

/** Nine digits bring back the same f32; a double's seventeen would only look exact. */
function shortest(value: number): number {
  return Number(value.toPrecision(9));
}
