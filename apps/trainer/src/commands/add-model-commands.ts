/** `evaluate`, `export` and `tile`: what becomes of checkpoints and models. */
import { Option } from "commander";
import type { Command } from "commander";
import { presets as shapes } from "@modernbert-ts/modernbert";
import { readConfig } from "../config/read-config.ts";
import { describeScore, formatMetric } from "../metrics.ts";
import { checkpointAt, exportAdapter, exportCheckpoint } from "../run/output/export-model.ts";
import { collect } from "./arguments.ts";
import { evaluateModel } from "./evaluate.ts";
import { tileModel } from "./tile.ts";

type Say = (line: string) => void;

interface ExportCommandOptions {
  readonly output: string;
  readonly raw?: boolean;
  readonly adapter?: boolean;
}

export function addModelCommands(program: Command, say: Say, notice: Say): void {
  program
    .command("evaluate")
    .description("score a checkpoint or model folder on the held-out documents, as a run does")
    .argument("<config>", "YAML file of the run (its folder holds one), for data, objective and settings")
    .argument("<model>", "output folder of a run (its latest checkpoint), a checkpoint or a model folder")
    .option("--set <key=value>", "change a field of the configuration, such as evaluation.tokens=1M", collect, [])
    .option("--json", "print the numbers as JSON")
    .action(async (config: string, model: string, { set, json }: { set: string[]; json?: boolean }) => {
      const path = await checkpointAt(model, notice);
      const { score, objective, baselines } = await evaluateModel(readConfig(config, set), path, notice);
      if (json) {
        say(JSON.stringify({ ...score, baselines }));
        return;
      }
      say(`held-out ${describeScore(score, objective.metrics)} (${score.weight} scored)`);
      for (const { name, of, value } of baselines) {
        const metric = objective.metrics.find((each) => each.name === of);
        say(`${name}: ${metric ? `${metric.title} ${formatMetric(metric, value)}` : `loss ${value.toFixed(4)}`}`);
      }
    });

  program
    .command("export")
    .description("write a checkpoint as a Hugging Face model folder")
    .argument("<run>", "output folder of a run (its latest checkpoint) or a checkpoint")
    .requiredOption("-o, --output <folder>", "where to")
    .option("--raw", "of a run with optimizer.ema_decay: write the weights themselves, not their moving average")
    .option("--adapter", "of a run with lora: write the adapter alone, as PEFT has it, not folded into its base")
    .action(async (run: string, { output, raw = false, adapter }: ExportCommandOptions) => {
      const checkpoint = await checkpointAt(run, notice);
      if (adapter) {
        await exportAdapter(checkpoint, output, { raw });
        say(`wrote ${output}; PEFT reads it: PeftModel.from_pretrained(base, "${output}")`);
        return;
      }
      const averaged = await exportCheckpoint(checkpoint, output, { raw });
      const what = averaged ? `${output} with the moving average of the weights` : output;
      say(`wrote ${what}; try: modernbert fill-mask --model ${output} "The capital of France is [MASK]."`);
    });

  program
    .command("tile")
    .description("write a larger model that starts from a trained smaller one, as ModernBERT large did from base")
    .argument("<run>", "model folder, checkpoint, or output folder of a run (its latest checkpoint)")
    .addOption(
      new Option("--to <shape>", "shape of the larger model").choices(Object.keys(shapes)).makeOptionMandatory(),
    )
    .requiredOption("-o, --output <folder>", "where to; then train it with model.from: FOLDER")
    .action(async (run: string, { to, output }: { to: string; output: string }) => {
      await tileModel(await checkpointAt(run, notice), to, output);
      say(`wrote ${output}; next: set model.from: ${output}`);
    });
}
