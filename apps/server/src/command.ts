/** The command line: flags and environment variables, with the names of text-embeddings-inference where it has them. */
import { createRequire } from "node:module";
import { backendNames, cpuEngineNames } from "@modernbert-ts/backends";
import { weightFormats } from "@modernbert-ts/encoder";
import { precisions } from "@modernbert-ts/tensor-core";
import { Command, InvalidArgumentError, Option } from "commander";
import { defaults, logLevels } from "./options.ts";
import type { ServeOptions } from "./options.ts";

const { version } = createRequire(import.meta.url)("@modernbert-ts/server/package.json") as { version: string };

export interface Invocation {
  readonly options: Partial<ServeOptions> & Pick<ServeOptions, "model">;
  /** Print stacks of errors. */
  readonly debug: boolean;
}

/** Reads arguments and environment. Throws CommanderError for wrong usage, and for --help and --version once they are printed. */
export function parseCommand(args: readonly string[]): Invocation {
  const command = new Command("modernbert-serve")
    .description(
      "Serves a ModernBERT over HTTP: /embed, /v1/embeddings, /fill-mask, /pseudo-log-likelihood, /info, /health.",
    )
    .version(version)
    .allowExcessArguments(false)
    .exitOverride();
  for (const option of flags()) command.addOption(option);
  const { modelId, hostname, debug, ...rest } = command
    .parse(args, { from: "user" })
    .opts<Omit<ServeOptions, "model" | "host"> & { modelId: string; hostname: string; debug: boolean }>();
  return { options: { ...rest, model: modelId, host: hostname }, debug };
}

function flags(): Option[] {
  return [
    new Option("--model, --model-id <dir|id>", "Hugging Face folder or hub id").env("MODEL_ID").makeOptionMandatory(),
    new Option("--revision <name>", "branch, tag or commit of a hub model").env("REVISION"),
    new Option("--served-model-name <name>", "name in answers (default: the model)").env("SERVED_MODEL_NAME"),
    new Option("--host, --hostname <address>", "address to listen on").env("HOST").default(defaults.host),
    integer("-p, --port <n>", "port; 0 takes a free one", "PORT", 0, 65_535).default(defaults.port),
    new Option("--backend <name>", "what computes").choices(backendNames).env("BACKEND").default(defaults.backend),
    integer("--threads <n>", "CPU threads (default: all cores)", "THREADS", 1, 1024),
    new Option("--cpu-engine <name>", "CPU kernels")
      .choices(cpuEngineNames)
      .env("CPU_ENGINE")
      .default(defaults.cpuEngine),
    new Option("--dtype <name>", "of matrix products and activations")
      .choices(Object.keys(precisions))
      .env("DTYPE")
      .default(defaults.dtype),
    new Option(
      "--weights <format>",
      "of linear layers: bf16 and int8 are quicker and a little less exact (default: f32; bf16 with --dtype bf16)",
    )
      .choices(weightFormats)
      .env("WEIGHTS"),
    new Option("--pooling <kind>", "how a vector is made (default: what the model's folder says, else mean)")
      .choices(["cls", "mean"])
      .env("POOLING"),
    count("--max-concurrent-requests <n>", "inputs in the server at once", defaults.maxConcurrentRequests),
    count("--max-batch-tokens <n>", "tokens of one forward pass", defaults.maxBatchTokens),
    count("--max-batch-requests <n>", "inputs of one forward pass (default: no limit)"),
    count("--max-client-batch-size <n>", "inputs of one HTTP request", defaults.maxClientBatchSize),
    new Option("--auto-truncate [bool]", "cut long inputs when the request does not say")
      .env("AUTO_TRUNCATE")
      .argParser(parseBoolean)
      .preset("true")
      .default(defaults.autoTruncate),
    new Option("--default-prompt-name <name>", "prompt of the model put before every text")
      .env("DEFAULT_PROMPT_NAME")
      .conflicts("defaultPrompt"),
    new Option("--default-prompt <text>", "text put before every text").env("DEFAULT_PROMPT"),
    count("--payload-limit <bytes>", "size of a request's body", defaults.payloadLimit),
    new Option("--api-key <key>", "ask for `Authorization: Bearer KEY`").env("API_KEY"),
    integer("--request-timeout <seconds>", "deadline of a request", "REQUEST_TIMEOUT", 1, 86_400).default(
      defaults.requestTimeout,
    ),
    integer("--shutdown-timeout <seconds>", "time to finish after SIGTERM", "SHUTDOWN_TIMEOUT", 0, 86_400).default(
      defaults.shutdownTimeout,
    ),
    integer("--max-worker-restarts <n>", "per ten minutes", "MAX_WORKER_RESTARTS", 0, 1000).default(
      defaults.maxWorkerRestarts,
    ),
    new Option("--log-level <level>", "least important lines to log")
      .choices(logLevels)
      .env("LOG_LEVEL")
      .default(defaults.logLevel),
    new Option("--debug", "print stacks of errors").default(false),
  ];
}

/** A positive whole number whose environment variable is named like the flag. */
function count(flag: string, description: string, value?: number): Option {
  const name = flag.slice(2, flag.indexOf(" ")).replaceAll("-", "_").toUpperCase();
  const option = integer(flag, description, name, 1, 2 ** 31 - 1);
  return value === undefined ? option : option.default(value);
}

function integer(flag: string, description: string, env: string, least: number, most: number): Option {
  return new Option(flag, description).env(env).argParser((text: string) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  });
}

function parseBoolean(text: string): boolean {
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  throw new InvalidArgumentError("Expected true or false.");
}
