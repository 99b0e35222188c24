/** `run`, and the two that are it with a preset: `pretrain` and `finetune`. */
import { Option } from "commander";
import type { Command } from "commander";
import { maskedLmObjective, objectives } from "@modernbert-ts/training";
import type { Objective } from "@modernbert-ts/training";
import { statedObjective } from "../config/read-config.ts";
import { UsageError } from "../errors.ts";
import { presets } from "../presets/all.ts";
import { finetuneFields } from "../presets/finetune.ts";
import { presetHelp, presetOption } from "./add-config-commands.ts";
import { address, collect } from "./arguments.ts";
import { runCommand } from "./run.ts";
import type { RunCommandOptions } from "./run.ts";

interface PresetOptions extends RunCommandOptions {
  readonly preset?: string;
  readonly data?: string;
  readonly validation?: string;
  readonly output?: string;
  readonly objective?: string;
}

export function addRunCommands(program: Command): void {
  withRunOptions(
    program
      .command("run")
      .description("train as a configuration says; Ctrl-C saves a checkpoint and says how to go on")
      .argument("<config>", "YAML file, see `init`"),
  ).action((config: string, options: RunCommandOptions) => runCommand(config, options));

  withRunOptions(
    program
      .command("pretrain")
      .description("`run` from a preset: ModernBERT's own recipes, whole, on your data")
      .argument("[config]", "YAML file whose fields stand in the place of the preset's")
      .addOption(presetOption().makeOptionMandatory())
      .option("--data <folder>", "like --set data.path=FOLDER: made by `prepare`")
      .option("-o, --output <folder>", "like --set output=FOLDER"),
  )
    .addHelpText("after", presetHelp)
    .action((config: string | undefined, options: PresetOptions) =>
      runCommand(config, { ...options, set: settings(options), base: presets[options.preset!]!.fields }),
    );

  withRunOptions(
    program
      .command("finetune")
      .description("`run` that goes on from a trained model: a small rate that falls to 0, three epochs, no dropout")
      .argument("<model>", "model folder or checkpoint to go on from")
      .argument("[config]", "YAML file whose fields stand in the place of the preset's")
      .addOption(new Option("--objective <name>", "what to train for").choices(objectives.map(({ name }) => name)))
      .option(
        "--data <path>",
        "like --set data.path=FOLDER, made by `prepare` with the model's tokenizer.json; of labelled records like --set data.train=[FILE]",
      )
      .option("--validation <path>", "of labelled records, like --set data.validation=[FILE]")
      .option("-o, --output <folder>", "like --set output=FOLDER"),
  ).action((model: string, config: string | undefined, options: PresetOptions) =>
    runCommand(config, {
      ...options,
      set: [`model.from=${JSON.stringify(model)}`, ...settings(options, objectiveOfRun(config, options))],
      base: finetuneFields(objectiveOfRun(config, options)),
    }),
  );
}

function withRunOptions(command: Command): Command {
  return command
    .option("--resume <which>", "go on: auto (from the latest checkpoint) or the path of a checkpoint")
    .option("--set <key=value>", "change a field of the configuration", collect, [])
    .option("--backend <name>", "like --set backend=NAME")
    .option("--dtype <name>", "like --set dtype=NAME: f32, bf16 or f16")
    .option(
      "--dashboard <port>",
      "show the report live at http://127.0.0.1:PORT/; HOST:PORT for another address",
      address,
    );
}

function objectiveOfRun(config: string | undefined, { objective, set }: PresetOptions): Objective {
  return statedObjective(config, objective === undefined ? set : [`objective=${objective}`, ...set]);
}

/** What is named apart, in the words of --set, which comes last. */
function settings(
  { data, validation, output, objective, set }: PresetOptions,
  { name, reading }: Pick<Objective, "name" | "reading"> = maskedLmObjective,
): string[] {
  if (validation !== undefined && !reading)
    throw new UsageError(
      `expected --validation with labelled records, got it with ${name}, whose --data hold both parts`,
    );
  const ofData = reading
    ? { "data.train": data && [data], "data.validation": validation && [validation] }
    : { "data.path": data };
  const named = Object.entries({ ...ofData, output, objective });
  return [...named.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${JSON.stringify(value)}`])), ...set];
}
