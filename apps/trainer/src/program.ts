/** The commands and options of `modernbert-train`; what they do stands in `commands/`. */
import { readFileSync } from "node:fs";
import { Command, Option } from "commander";
import { addCombineCommands } from "./commands/combine.ts";
import { outputFormats, textFormats } from "@modernbert-ts/training";
import { addConfigCommands } from "./commands/add-config-commands.ts";
import { addModelCommands } from "./commands/add-model-commands.ts";
import { addRunCommands } from "./commands/add-run-commands.ts";
import { integer, share } from "./commands/arguments.ts";
import { describeData, inspectData } from "./commands/inspect.ts";
import { prepareCommand } from "./commands/prepare-command.ts";
import type { PrepareCommandOptions } from "./commands/prepare-command.ts";
import { addRetrievalCommand } from "./commands/retrieval.ts";
import { writeReport } from "./report/write-report.ts";

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const notice = (line: string): void => void process.stderr.write(`${line}\n`);

const firstSteps = `
First steps:
  modernbert-train prepare texts/ --output data/mine
  modernbert-train init pretrain config.yaml --data data/mine
  modernbert-train plan config.yaml --device h100
  modernbert-train run config.yaml --dashboard 8080
  modernbert-train help COMMAND   all options of one command`;

export function createProgram(): Command {
  const program = new Command("modernbert-train")
    .description(
      "Trains ModernBERT on your text: pretraining in phases, fine-tuning, on one machine or several processes.",
    )
    .version(packageVersion())
    .option("--debug", "print the stack of an error")
    .showHelpAfterError("(add --help for the options)")
    .addHelpText("after", firstSteps)
    .exitOverride();

  addConfigCommands(program, say);
  program
    .command("prepare")
    .description(
      "turn text into token shards to train on: .txt, .jsonl, .csv, .tsv (also .gz, .zst), .parquet, MDS shards",
    )
    .argument("<text...>", "files, folders, globs, https:// addresses of files, datasets of the hub as hf://OWNER/NAME")
    .requiredOption("-o, --output <folder>", "where to put train/, validation/ and tokenizer.json")
    .option(
      "-t, --tokenizer <which>",
      "modernbert (built in), train (learn one from these texts), or a tokenizer.json",
      "modernbert",
    )
    .option("--vocab-size <n>", "size of the vocabulary to learn", integer, 8192)
    .option("--validation <share>", "share of the documents to hold out", share, 0.05)
    .option("--seed <n>", "which documents are held out", integer, 17)
    .addOption(
      new Option("--format <format>", "how to read every file; by its ending when left out").choices(textFormats),
    )
    .addOption(
      new Option("--split <how>", "how a .txt file becomes documents").choices(["file", "blank-line"]).default("file"),
    )
    .option("--field <name>", "text field of records", "text")
    .addOption(
      new Option(
        "--bad-records <what>",
        "a record that cannot be read ends everything (refuse), or is counted and passed over (skip)",
      ).choices(["refuse", "skip"]),
    )
    .option("--workers <n>", "threads that tokenize; all processors when left out", integer)
    .addOption(
      new Option("--output-format <format>", "shards to train on here, or MDS for others to read")
        .choices(Object.keys(outputFormats))
        .default("shards"),
    )
    .addOption(new Option("--shard-tokens <n>", "tokens in a shard").argParser(integer).hideHelp())
    .action((inputs: string[], options: PrepareCommandOptions) => prepareCommand(inputs, options));

  program
    .command("inspect")
    .description("what a folder that `prepare` made holds: documents, tokens, lengths, sources, samples")
    .argument("<folder>", "with train/, validation/ and tokenizer.json")
    .option("--json", "as one JSON object")
    .option("--samples <n>", "how many documents to show", integer, 3)
    .action(async (folder: string, { json, samples }: { json?: boolean; samples: number }) => {
      const found = await inspectData(folder, samples);
      say(json ? JSON.stringify(found, null, 2) : describeData(found).join("\n"));
    });

  addRunCommands(program);
  addModelCommands(program, say, notice);
  addRetrievalCommand(program, say);

  program
    .command("report")
    .description("write the curves of a run as one HTML file")
    .argument("<run>", "output folder of a run")
    .option("-o, --output <file>", "where to; report.html in the run's folder by default")
    .action((run: string, { output }: { output?: string }) => say(`wrote ${writeReport(run, output)}`));

  addCombineCommands(program, say);
  return program;
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return version;
}
