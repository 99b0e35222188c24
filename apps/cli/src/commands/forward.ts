/** `modernbert forward`: tensors in, tensors out; what a test or another program compares with its own numbers. */
import { stat } from "node:fs/promises";
import { Command, Option } from "commander";
import { headNames } from "@modernbert-ts/encoder";
import type { Head } from "@modernbert-ts/encoder";
import { openModel } from "@modernbert-ts/pipelines";
import { writeSafetensors } from "@modernbert-ts/safetensors/node";
import { CliError } from "../errors.ts";
import { compute } from "../forward/compute.ts";
import { readInputs } from "../forward/read-inputs.ts";
import { deviceOptions, modelOption, notices, runtimeOptions } from "../options.ts";
import type { DeviceOptions } from "../options.ts";
import type { Streams } from "../streams.ts";

interface ForwardOptions extends DeviceOptions {
  readonly model: string;
  readonly input: string;
  readonly output: string;
  readonly gradients?: boolean;
  readonly head?: Head;
}

export function forwardCommand(streams: Streams): Command {
  const command = new Command("forward")
    .summary("hidden states, logits, loss and gradients of a batch")
    .description(
      "Reads input_ids and attention_mask [B, S] ([B, C, S] for multiple choice) and, for a loss, labels (start_positions and end_positions for question answering) from a safetensors file. Writes last_hidden_state, logits (start_logits and end_logits) and loss; padded positions are zero.",
    )
    .addOption(modelOption().makeOptionMandatory())
    .requiredOption("--input <file>", "safetensors with the batch")
    .requiredOption("--output <file>", "safetensors to write")
    .option("--gradients", "write grad.<parameter> for each parameter too")
    .addOption(new Option("--head <name>", "where config.json does not say").choices(headNames));
  for (const option of deviceOptions()) command.addOption(option);
  return command.action(async (options: ForwardOptions) => {
    const { head, gradients = false, input, output } = options;
    if (await sameFile(input, output)) {
      throw new CliError(`expected --output to be another file than --input, got ${output} for both`);
    }
    if (gradients && options.weights && options.weights !== "f32") {
      throw new CliError(
        `expected --weights f32 with --gradients, got ${options.weights}: narrow weights are for inference`,
      );
    }
    await using open = await openModel(options.model, {
      ...(head && { head }),
      ...runtimeOptions(options, streams),
      ...(gradients && { weights: "f32" }),
    });
    const inputs = await readInputs(input, open.model);
    if (inputs.unused.length > 0) notices(streams)(`not used: ${inputs.unused.join(", ")}`);
    await compute(open.model, inputs, gradients, (entries) => writeSafetensors(output, entries));
  });
}

/** By what is on disk, so that links and other spellings of a path count too. */
async function sameFile(...paths: readonly [string, string]): Promise<boolean> {
  const [a, b] = await Promise.all(paths.map((path) => stat(path, { bigint: true }).catch(() => undefined)));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}
