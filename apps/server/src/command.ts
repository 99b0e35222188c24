/** The command line: flags and environment variables, with the names of text-embeddings-inference where it has them. */
import { createRequire } from "node:module";
import { backendNames, cpuEngineNames } from "@modernbert-ts/backends";
import { weightFormats } from "@modernbert-ts/encoder";
import { precisions } from "@modernbert-ts/tensor-core";
import type { PrecisionName } from "@modernbert-ts/tensor-core";
import { Command, InvalidArgumentError, Option } from "commander";
import { bareTasks, bounds, defaults, logLevels, poolingChoices } from "./options.ts";
import type { ServerOptions } from "./options.ts";

const { version } = createRequire(import.meta.url)("@modernbert-ts/server/package.json") as { version: string };

export interface Invocation {
  readonly options: Partial<ServerOptions> & Pick<ServerOptions, "model">;
  /** Print stacks of errors. */
  readonly debug: boolean;
  /** For downloads, as the hub's variables. */
  readonly hub: { readonly token?: string; readonly cache?: string };
}

/** Reads arguments and environment. Throws CommanderError for wrong usage, and for --help and --version once they are printed. */
export function parseCommand(args: readonly string[]): Invocation {
  const command = new Command("modernbert-serve")
    .description(
      "Serves a ModernBERT over HTTP and gRPC, as text-embeddings-inference, OpenAI and others do; GET /docs shows all routes.",
    )
    .addHelpText("after", "\n`modernbert-serve worker --help`: computing jobs of a queue instead.")
    .version(version)
    .allowExcessArguments(false)
    .exitOverride();
  for (const option of [...flags(), ...notDone()]) {
    command.addOption(option);
    if (!repeatable.has(option.attributeName())) onlyOnce(command, option);
  }
  const {
    modelId,
    revision,
    servedModelName,
    hostname,
    debug,
    hfToken,
    huggingfaceHubCache,
    jsonOutput: _always,
    ...rest
  } = command
    .parse(args, { from: "user" })
    .opts<Omit<ServerOptions, "model" | "revision" | "servedModelName" | "host"> & OtherFlags>();
  const hub = { ...(hfToken && { token: hfToken }), ...(huggingfaceHubCache && { cache: huggingfaceHubCache }) };
  const model = {
    model: only(modelId),
    ...(revision && { revision: only(revision) }),
    ...(servedModelName && { servedModelName: only(servedModelName) }),
  };
  return { options: { ...rest, ...model, host: hostname }, debug, hub };
}

/** Flags that are no options of `startServer`, or under other names. */
interface OtherFlags {
  readonly modelId: readonly string[];
  readonly revision?: readonly string[];
  readonly servedModelName?: readonly string[];
  readonly hostname: string;
  readonly debug: boolean;
  readonly hfToken?: string;
  readonly huggingfaceHubCache?: string;
  readonly jsonOutput?: boolean;
}

/** Of a flag that is given twice one value would be ignored. */
function onlyOnce(command: Command, option: Option): void {
  let given = false;
  command.on(`option:${option.name()}`, () => {
    if (given) command.error(`error: option '${option.flags}' is given twice: leave one out`);
    given = true;
  });
}

function flags(): Option[] {
  return [
    several("--model, --model-id <dir|id>", "Hugging Face folder or hub id; give it again for another model")
      .env("MODEL_ID")
      .makeOptionMandatory(),
    several("--revision <name>", "branch, tag or commit of a hub model, one for each").env("REVISION"),
    several("--served-model-name <name>", "name in requests and answers, one for each (default: the model)").env(
      "SERVED_MODEL_NAME",
    ),
    count("--memory-budget <bytes>", "of all models in memory; others are loaded on demand (default: no limit)"),
    count("--idle-unload <seconds>", "without a request, after which a model leaves memory (default: never)"),
    new Option("--host, --hostname <address>", "address to listen on").env("HOST").default(defaults.host),
    count("-p, --port <n>", "port; 0 takes a free one", defaults.port),
    count("--grpc-port <n>", "TEI's gRPC services on a port of their own (default: none)"),
    new Option("--backend <name>", "what computes").choices(backendNames).env("BACKEND").default(defaults.backend),
    count("--threads <n>", "CPU threads (default: all cores)"),
    new Option("--cpu-engine <name>", "CPU kernels")
      .choices(cpuEngineNames)
      .env("CPU_ENGINE")
      .default(defaults.cpuEngine),
    new Option("--dtype <name>", "of matrix products and activations")
      .argParser(precisionOf)
      .env("DTYPE")
      .default(defaults.dtype),
    new Option(
      "--weights <format>",
      "of linear layers: bf16 and int8 are quicker and a little less exact, int4 takes half the memory of int8 and is less exact (default: f32; bf16 with --dtype bf16)",
    )
      .choices(weightFormats)
      .env("WEIGHTS"),
    new Option("--pooling <kind>", "how a vector is made (default: what the model's folder says, else mean)")
      .choices(poolingChoices)
      .env("POOLING"),
    count("--max-concurrent-requests <n>", "inputs in the server at once", defaults.maxConcurrentRequests),
    count("--max-queue-bytes <bytes>", "that requests in the server may hold together", defaults.maxQueueBytes),
    count("--max-batch-tokens <n>", "tokens of one forward pass", defaults.maxBatchTokens),
    count("--max-batch-requests <n>", "inputs of one forward pass (default: no limit)"),
    count("--max-client-batch-size <n>", "inputs of one HTTP request", defaults.maxClientBatchSize),
    yesOrNo("auto-truncate", "cut long inputs when the request does not say", defaults.autoTruncate),
    new Option("--default-prompt-name <name>", "prompt of the model put before every text")
      .env("DEFAULT_PROMPT_NAME")
      .conflicts("defaultPrompt"),
    new Option("--default-prompt <text>", "text put before every text").env("DEFAULT_PROMPT"),
    count("--payload-limit <bytes>", "size of a request's body", defaults.payloadLimit),
    new Option("--api-key <key>", "ask for `Authorization: Bearer KEY`").env("API_KEY"),
    new Option("--api-key-file <file>", "as many keys as it has lines; read again when it changes").env("API_KEY_FILE"),
    count("--rate-limit <n>", "requests a minute of each key, or address (default: no limit)"),
    several("--cors-allow-origin <origin>", "pages that may read answers; * for any (default: none)").env(
      "CORS_ALLOW_ORIGIN",
    ),
    count("--tokenization-workers <n>", "threads that tokenise long texts", defaults.tokenizationWorkers),
    count("--prometheus-port <n>", "/metrics on a port of its own too (default: only on the server's)"),
    new Option("--otlp-endpoint <url>", "send traces there, as OTLP over gRPC").env("OTLP_ENDPOINT"),
    new Option("--otlp-service-name <name>", "name in traces")
      .env("OTLP_SERVICE_NAME")
      .default(defaults.otlpServiceName),
    yesOrNo("disable-spans", "no traces", defaults.disableSpans),
    count("--request-timeout <seconds>", "deadline of a request", defaults.requestTimeout),
    count("--shutdown-timeout <seconds>", "time to finish after SIGTERM", defaults.shutdownTimeout),
    count("--max-worker-restarts <n>", "per ten minutes", defaults.maxWorkerRestarts),
    new Option("--log-level <level>", "least important lines to log")
      .choices(logLevels)
      .env("LOG_LEVEL")
      .default(defaults.logLevel),
    new Option("--task <name>", "what POST / answers").choices(bareTasks).env("TASK").default(defaults.task),
    new Option("--hf-token <token>", "for models that need a login (default: HF_TOKEN, or the login's)"),
    new Option("--huggingface-hub-cache <dir>", "where downloads are kept (default: HF_HUB_CACHE, …)"),
    yesOrNo("json-output", "the log is JSON lines in any case", true),
    new Option("--debug", "print stacks of errors").default(false),
  ];
}

/** Flags of text-embeddings-inference that are known and not done: what they ask for is refused, not ignored. */
function notDone(): Option[] {
  const names = ["dense-path", "uds-path"];
  return names.map((name) =>
    new Option(`--${name} [value]`)
      .env(variableOf(name))
      .hideHelp()
      .argParser(() => {
        throw new InvalidArgumentError("This server does not have it: leave it out.");
      })
      .preset(""),
  );
}

/** Flags that may be given again: once for each model, or origin. */
const repeatable: ReadonlySet<string> = new Set(["modelId", "revision", "servedModelName", "corsAllowOrigin"]);

function several(flag: string, description: string): Option {
  return new Option(flag, description).argParser((value: string, before: readonly string[] = []) => [...before, value]);
}

/** One value as itself, several as the list. */
function only(values: readonly string[]): string | readonly string[] {
  return values.length === 1 ? values[0]! : values;
}

function variableOf(name: string): string {
  return name.replaceAll("-", "_").toUpperCase();
}

/** True where it is given alone; commander would take a variable that says false for true. */
function yesOrNo(name: string, description: string, value: boolean): Option {
  return new Option(`--${name} [bool]`, description)
    .env(variableOf(name))
    .argParser(parseBoolean)
    .preset("true")
    .default(value);
}

/** A whole number within its bounds, whose environment variable is named like the flag. */
function count(names: string, description: string, value?: number): Option {
  const option = new Option(names, description);
  const [least, most] = bounds[option.attributeName() as keyof typeof bounds];
  option.env(variableOf(option.name())).argParser((text: string) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  });
  return value === undefined ? option : option.default(value);
}

const longNames: Readonly<Record<string, PrecisionName>> = { float32: "f32", float16: "f16", bfloat16: "bf16" };

function precisionOf(text: string): PrecisionName {
  const name = longNames[text] ?? text;
  if (Object.hasOwn(precisions, name)) return name as PrecisionName;
  const names = [...Object.keys(precisions), ...Object.keys(longNames)];
  throw new InvalidArgumentError(`Allowed choices are ${names.join(", ")}.`);
}

function parseBoolean(text: string): boolean {
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  throw new InvalidArgumentError("Expected true or false.");
}
