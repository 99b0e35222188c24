/** `init` and `plan`: configurations before anything runs. */
import { existsSync } from "node:fs";
import { Option } from "commander";
import type { Command } from "commander";
import { maskedLmObjective, objectiveOf, objectives, suggestionFor } from "@modernbert-ts/training";
import { merge } from "../config/merge.ts";
import { readConfig } from "../config/read-config.ts";
import { configTemplate } from "../config/template.ts";
import { UsageError } from "../errors.ts";
import { devices } from "../estimate/devices.ts";
import { presets } from "../presets/all.ts";
import { finetune, finetuneFields } from "../presets/finetune.ts";
import { writeTextFile } from "../write-file.ts";
import { collect, count, positive, share } from "./arguments.ts";
import { planCommand } from "./plan.ts";
import type { PlanOptions } from "./plan.ts";

interface InitOptions {
  readonly data: string;
  readonly from?: string;
  readonly objective?: string;
  readonly preset?: string;
}

const names = objectives.map(({ name }) => name);
const tasks = ["pretrain", "finetune", ...names];
const presetList = Object.entries(presets)
  .map(([name, { title }]) => `  ${name.padEnd(14)}${title}`)
  .join("\n");

export function presetOption(): Option {
  return new Option("--preset <name>", "start from a recipe, listed below").choices(Object.keys(presets));
}

export const presetHelp: string = `\nPresets:\n${presetList}`;

export function addConfigCommands(program: Command, say: (line: string) => void): void {
  program
    .command("init")
    .description("write a configuration that explains every field")
    .argument("[task]", `what for: ${tasks.join(", ")}`, "pretrain")
    .argument("[file]", "where to", "config.yaml")
    .option(
      "--data <folder>",
      "folder that `prepare` made or will make; of labelled records that of train.jsonl and validation.jsonl",
      "data/corpus",
    )
    .addOption(new Option("--objective <name>", "the same as naming it as the task").choices(names))
    .addOption(presetOption())
    .addHelpText("after", presetHelp)
    .option("--from <model>", "model folder to go on from (model.from)")
    .action((task: string, file: string, options: InitOptions) => {
      const named = taskOf(task);
      const [chosen, path] = named === undefined ? ["pretrain", task] : [named, file];
      if (existsSync(path)) throw new UsageError(`${path} exists already: choose another name or delete it`);
      const objective = objectiveOf(options.objective ?? chosen) ?? maskedLmObjective;
      const finetunes = options.preset === undefined && chosen === "finetune";
      const preset = presets[options.preset ?? ""] ?? (finetunes ? finetune : undefined);
      const fields = finetunes ? finetuneFields(objective) : (preset?.fields ?? {});
      writeTextFile(
        path,
        configTemplate(objective, options.data, {
          fields: options.from === undefined ? fields : merge(fields, { model: { from: options.from } }),
          notes: preset ? [`Preset: ${preset.title}.`, ...preset.notes] : [],
        }),
      );
      say(`wrote ${path}; next: modernbert-train run ${path}`);
    });

  program
    .command("plan")
    .description("say what a configuration needs: memory, compute, time and cost on given devices, from formulas")
    .argument("[config]", "YAML file, see `init`; or a preset alone")
    .requiredOption(
      "--device <name>",
      `what to run on: ${Object.keys(devices).join(", ")}, or any name with --tflops and --memory`,
    )
    .option("--devices <n>", "how many of them", count, 1)
    .option(
      "--mfu <share>",
      "share of the device's peak that training reaches; 0.25 is what ModernBERT base did",
      share,
      0.25,
    )
    .option("--price <amount>", "of one hour of one device, for the cost", positive)
    .option("--tflops <n>", "peak of one device at the run's dtype, in TFLOPS", positive)
    .option("--memory <gigabytes>", "memory of one device", positive)
    .option("--set <key=value>", "change a field of the configuration", collect, [])
    .addOption(presetOption())
    .addHelpText("after", presetHelp)
    .action(async (config: string | undefined, options: PlanOptions & { set: string[]; preset?: string }) => {
      if (config === undefined && options.preset === undefined)
        throw new UsageError("expected a configuration or --preset NAME to plan for, got neither");
      const { fields } = presets[options.preset ?? ""] ?? {};
      const base = { ...fields, data: { path: "data/corpus", ...(fields?.["data"] as object | undefined) } };
      for (const line of await planCommand(readConfig(config, options.set, fields ? base : {}), options)) say(line);
    });
}

/** undefined for a file. @throws UsageError for a word that is neither. */
function taskOf(word: string): string | undefined {
  const task = word.replaceAll("-", "_");
  if (tasks.includes(task)) return task;
  if (/[./\\]/.test(word)) return undefined;
  const guess = suggestionFor(task, tasks);
  throw new UsageError(
    `expected a task (${tasks.join(", ")}) or a file such as config.yaml, got ${word}${guess ? ` (did you mean ${guess}?)` : ""}`,
  );
}
