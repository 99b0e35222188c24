/** `average` and `merge`: several models or checkpoints of one shape as one model folder. */
import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { combineModels, foldAdapter, isAdapter, meanRule, tiesRule } from "@modernbert-ts/training";
import { architectures } from "../architectures/all.ts";
import { UsageError } from "../errors.ts";

export function addCombineCommands(program: Command, say: (line: string) => void): void {
  program
    .command("average")
    .description("write the mean of checkpoints or models of one shape as a model folder")
    .argument("<models...>", "checkpoints or model folders; config and tokenizer are those of the first")
    .requiredOption("-o, --output <folder>", "where to")
    .option("--weights <list>", "one weight for each, such as 1,1,2; all the same when left out", numbers)
    .action(async (models: string[], { output, weights }: { output: string; weights?: number[] }) => {
      if (weights && weights.length !== models.length)
        throw new UsageError(`expected ${models.length} weights, one for each model, got ${weights.length}`);
      expectWholeModels(models);
      await combineModels(models, output, meanRule(weights));
      say(`wrote ${output}`);
    });

  program
    .command("merge")
    .description(
      "write what models trained from one base have learned, put together, as a model folder; or fold a LoRA adapter into its base",
    )
    .argument("<models...>", "checkpoints or model folders; or one folder of PEFT's, or checkpoint of a run with lora")
    .requiredOption("-o, --output <folder>", "where to")
    .option(
      "--base <folder>",
      "the model or checkpoint that all were trained from; of an adapter, the one that it names when left out",
    )
    .option("--method <name>", "ties (trim, elect signs, mean of those that agree) or mean; ties when left out")
    .option("--density <share>", "of ties: which share of the changes counts, the largest; 0.2 when left out", share)
    .action(async (models: string[], options: MergeOptions) => {
      const { output, base, method = "ties", density = 0.2 } = options;
      if (models.length === 1 && isAdapter(models[0]!)) {
        const stray = (["method", "density"] as const).find((name) => options[name] !== undefined);
        if (stray) throw new UsageError(`expected no --${stray} for an adapter, which is added to its base, got it`);
        await foldAdapter(models[0]!, output, {
          architectures,
          ...(base === undefined ? {} : { base }),
        });
        say(`wrote ${output}`);
        return;
      }
      expectWholeModels(models);
      if (base === undefined) throw new UsageError("expected --base FOLDER, the model that all were trained from");
      if (method !== "ties" && method !== "mean") throw new UsageError(`expected --method ties or mean, got ${method}`);
      if (method === "mean") await combineModels(models, output, meanRule());
      else await combineModels([base, ...models], output, tiesRule(density));
      say(`wrote ${output}`);
    });
}

interface MergeOptions {
  readonly output: string;
  readonly base?: string;
  readonly method?: string;
  readonly density?: number;
}

function expectWholeModels(models: readonly string[]): void {
  const adapter = models.find(isAdapter);
  if (adapter !== undefined)
    throw new UsageError(
      `expected whole models, got ${adapter}, which holds an adapter: fold each into its base first with \`modernbert-train merge ${adapter} --output FOLDER\``,
    );
}

function numbers(text: string): number[] {
  const values = text.split(",").map(Number);
  if (!values.every((value) => value >= 0) || !values.some((value) => value > 0) || text.trim() === "")
    throw new InvalidArgumentError("Expected numbers of 0 or more, such as 1,1,2.");
  return values;
}

function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError("Expected a number above 0, at most 1.");
  return value;
}
