/** The commands and options of `modernbert-train`; what they do stands in `commands/`. */
import { existsSync, readFileSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import { maskedLmObjective, objectiveOf, objectives, textFormats } from "@modernbert-ts/training";
import { checkpointAt, exportCheckpoint } from "./run/export-model.ts";
import { addEvaluateCommand } from "./commands/evaluate.ts";
import { prepare } from "./commands/prepare.ts";
import type { PrepareOptions } from "./commands/prepare.ts";
import { runCommand } from "./commands/run.ts";
import type { RunCommandOptions } from "./commands/run.ts";
import { configTemplate } from "./config/template.ts";
import { parseAddress } from "./dashboard/run-dashboard.ts";
import { UsageError } from "./errors.ts";
import { writeReport } from "./report/write-report.ts";
import { writeTextFile } from "./write-file.ts";

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const notice = (line: string): void => void process.stderr.write(`${line}\n`);

export function createProgram(): Command {
  const program = new Command("modernbert-train")
    .description("Pretrains ModernBERT from text.")
    .version(packageVersion())
    .option("--debug", "print the stack of an error")
    .showHelpAfterError("(add --help for the options)")
    .exitOverride();

  program
    .command("init")
    .description("write a commented configuration")
    .argument("[file]", "where to", "config.yaml")
    .option("--data <folder>", "folder that `prepare` made or will make", "data/corpus")
    .addOption(
      new Option("--objective <name>", "what to train for")
        .choices(objectives.map(({ name }) => name))
        .default(maskedLmObjective.name),
    )
    .action((file: string, { data, objective }: { data: string; objective: string }) => {
      if (existsSync(file)) throw new UsageError(`${file} exists already: choose another name or delete it`);
      writeTextFile(file, configTemplate(objectiveOf(objective)!, data));
      say(`wrote ${file}; next: modernbert-train run ${file}`);
    });

  program
    .command("prepare")
    .description(
      "turn text into token shards to train on: .txt, .jsonl, .csv, .tsv (also .gz, .zst), .parquet, MDS shards",
    )
    .argument("<text...>", "files, folders and globs")
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
    .action((inputs: string[], options: Omit<PrepareOptions, "inputs" | "onNotice">) =>
      prepare({ ...options, inputs, onNotice: notice }),
    );

  program
    .command("run")
    .description("train as a configuration says; Ctrl-C saves a checkpoint and says how to go on")
    .argument("<config>", "YAML file, see `init`")
    .option("--resume <which>", "go on: auto (from the latest checkpoint) or the path of a checkpoint")
    .option("--set <key=value>", "change a field of the configuration", collect, [])
    .option("--backend <name>", "like --set backend=NAME")
    .option("--dtype <name>", "like --set dtype=NAME: f32, bf16 or f16")
    .option(
      "--dashboard <port>",
      "show the report live at http://127.0.0.1:PORT/; HOST:PORT for another address",
      address,
    )
    .action((config: string, options: RunCommandOptions) => runCommand(config, options));

  addEvaluateCommand(program, say);

  program
    .command("export")
    .description("write a checkpoint as a Hugging Face model folder")
    .argument("<run>", "output folder of a run (its latest checkpoint) or a checkpoint")
    .requiredOption("-o, --output <folder>", "where to")
    .action(async (run: string, { output }: { output: string }) => {
      await exportCheckpoint(await checkpointAt(run, notice), output);
      say(`wrote ${output}; try: modernbert fill-mask --model ${output} "The capital of France is [MASK]."`);
    });

  program
    .command("report")
    .description("write the curves of a run as one HTML file")
    .argument("<run>", "output folder of a run")
    .option("-o, --output <file>", "where to; report.html in the run's folder by default")
    .action((run: string, { output }: { output?: string }) => say(`wrote ${writeReport(run, output)}`));

  return program;
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return version;
}

function collect(value: string, earlier: readonly string[]): string[] {
  return [...earlier, value];
}

function address(text: string): { host: string; port: number } {
  const parsed = parseAddress(text);
  if (parsed) return parsed;
  throw new InvalidArgumentError("Expected PORT or HOST:PORT, such as 8080.");
}

function integer(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError("Expected a whole number.");
  return value;
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value < 1))
    throw new InvalidArgumentError("Expected a number from 0 to below 1.");
  return value;
}
