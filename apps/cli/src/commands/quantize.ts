/** `modernbert quantize`: a model folder with matrices in fewer bytes. */
import { Argument, Command, Option } from "commander";
import { quantizeFolder, storedFormats } from "@modernbert-ts/pipelines";
import type { StoredFormat } from "@modernbert-ts/pipelines";
import { notices } from "../options.ts";
import type { Streams } from "../streams.ts";

interface QuantizeOptions {
  readonly out: string;
  readonly dtype: StoredFormat;
  readonly smooth?: boolean;
}

export function quantizeCommand(streams: Streams): Command {
  return new Command("quantize")
    .summary("a model folder with matrices in fewer bytes")
    .description(
      "Writes a folder that library, command line and server open like any other: int8 (linear layers in bytes by channel, other matrices in bf16; compressed-tensors' int-quantized), int4 (in half bytes by 128 columns; pack-quantized), bf16 or f16. Settings, tokenizer and modules come along.",
    )
    .addArgument(new Argument("<model>", "Hugging Face folder, or a hub id"))
    .addOption(new Option("--out <dir>", "folder to write, which must not exist").makeOptionMandatory())
    .addOption(new Option("--dtype <format>", "of matrices").choices(storedFormats).default("int8"))
    .option("--smooth", "of int8: for models with a few channels of much larger numbers")
    .action((model: string, { out, dtype, smooth = false }: QuantizeOptions, command: Command) => {
      if (smooth && dtype !== "int8")
        command.error(`error: expected --dtype int8 with --smooth, got ${dtype}`, { exitCode: 2 });
      return quantizeFolder(model, out, { format: dtype, smooth, onNotice: notices(streams) });
    });
}
