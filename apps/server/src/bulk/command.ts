/** `modernbert-serve worker`: its flags and environment variables. */
import { backendNames } from "@modernbert-ts/backends";
import type { BackendName } from "@modernbert-ts/backends";
import { Command, InvalidArgumentError, Option } from "commander";

export interface WorkerInvocation {
  readonly queue: string;
  readonly backend: BackendName | "auto";
  readonly threads?: number;
  readonly lockSeconds: number;
  readonly hfToken?: string;
  readonly huggingfaceHubCache?: string;
  /** Print stacks of errors. */
  readonly debug: boolean;
}

/** @throws CommanderError for wrong usage, and for --help once it is printed. */
export function parseWorker(args: readonly string[]): WorkerInvocation {
  const command = new Command("modernbert-serve worker")
    .description(
      "Computes jobs from a queue on Redis: models over whole files, shared by as many workers as there are.",
    )
    .allowExcessArguments(false)
    .exitOverride()
    .addOption(new Option("--queue <url>", "Redis, such as redis://localhost:6379").env("QUEUE").makeOptionMandatory())
    .addOption(new Option("--backend <name>", "what computes").choices(backendNames).env("BACKEND").default("auto"))
    .addOption(
      new Option("--threads <n>", "CPU threads (default: all cores)").env("THREADS").argParser(positiveInteger),
    )
    .addOption(
      new Option(
        "--lock-seconds <n>",
        "after which a worker that is silent counts as dead, and another takes its shard",
      )
        .env("LOCK_SECONDS")
        .argParser(positiveInteger)
        .default(30),
    )
    .addOption(new Option("--hf-token <token>", "for models that need a login (default: HF_TOKEN, or the login's)"))
    .addOption(new Option("--huggingface-hub-cache <dir>", "where downloads are kept (default: HF_HUB_CACHE, …)"))
    .addOption(new Option("--debug", "print stacks of errors").default(false))
    .addHelpText(
      "after",
      `
Jobs come from \`modernbert embed --queue …\`, which says all of model, files and output; a worker only says where to compute.
Workers and whoever submits must see models, inputs and the output's folder under the same paths (one machine, or a shared disk).
Ctrl-C or SIGTERM finishes the shard under way and stops; again leaves it to another worker.

  redis-server &
  modernbert-serve worker --queue redis://localhost:6379 &
  modernbert embed --queue redis://localhost:6379 --model MODEL --input texts.jsonl --output vectors.parquet`,
    );
  return command.parse(args, { from: "user" }).opts<WorkerInvocation>();
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= 86_400) return value;
  throw new InvalidArgumentError("Expected a whole number from 1 to 86400.");
}
