/** `average` and `merge`: several models or checkpoints of one shape as one model folder. */
import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { combineModels, meanRule, tiesRule } from "@modernbert-ts/training";
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
      await combineModels(models, output, meanRule(weights));
      say(`wrote ${output}`);
    });

  program
    .command("merge")
    .description("write what models trained from one base have learned, put together, as a model folder")
    .argument("<models...>", "checkpoints or model folders")
    .requiredOption("-o, --output <folder>", "where to")
    .requiredOption("--base <folder>", "the model or checkpoint that all were trained from")
    .option("--method <name>", "ties (trim, elect signs, mean of those that agree) or mean", "ties")
    .option("--density <share>", "of ties: which share of the changes counts, the largest", share, 0.2)
    .action(async (models: string[], options: { output: string; base: string; method: string; density: number }) => {
      const { output, base, method, density } = options;
      if (method !== "ties" && method !== "mean") throw new UsageError(`expected --method ties or mean, got ${method}`);
      if (method === "mean") await combineModels(models, output, meanRule());
      else await combineModels([base, ...models], output, tiesRule(density));
      say(`wrote ${output}`);
    });
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
