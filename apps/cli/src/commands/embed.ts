/** `modernbert embed`: what each text is as a vector, or as another kind of representation. */
import { Option } from "commander";
import type { Command } from "commander";
import { readRecords } from "@modernbert-ts/bulk";
import { embed, quantizeVectors } from "@modernbert-ts/pipelines";
import type { EncodeOptions, Pipeline, TextRole, VectorPrecision } from "@modernbert-ts/pipelines";
import { CliError } from "../errors.ts";
import { InputRecord } from "../inputs/input-record.ts";
import { positiveInteger } from "../options.ts";
import { stringify } from "../outputs.ts";
import type { Streams } from "../streams.ts";
import { taskCommand } from "../task-command.ts";
import type { TaskOptions } from "../task-command.ts";
import { checkKind, kindNames, kinds } from "./embed-kinds.ts";
import type { KindOptions } from "./embed-kinds.ts";
import { checkNoQueue, embedInQueue, queueOptions } from "./embed-queue.ts";
import type { QueueOptions } from "./embed-queue.ts";

export interface EmbedOptions extends TaskOptions, QueueOptions, KindOptions {
  readonly precision: VectorPrecision;
  readonly calibration?: readonly string[];
}

export function embedCommand(streams: Streams): Command {
  let calibration: Promise<Float32Array[]> | undefined;
  return taskCommand<EmbedOptions, string, unknown>(streams, {
    name: "embed",
    summary: "a vector for each text, or sparse, multi, token, chunk vectors",
    description: "Gives a JSON array of numbers for each text, or what --kind says.",
    options: [...embedOptions(), ...queueOptions()],
    head: ({ kind }) => (kind === "sparse" ? "masked-lm" : "none"),
    atOnce: 256,
    check(options) {
      checkKind(options);
      checkPrecision(options);
      checkNoQueue(options);
    },
    async instead(options, args) {
      if (options.queue === undefined) return false;
      if (args.length > 0) throw new CliError("--queue: expected texts in files with --input, got some as arguments");
      if (options.kind !== "vector" || options.precision !== "float32")
        throw new CliError("--queue: expected --kind vector and --precision float32, got others: leave them out");
      if (options.backend !== "auto" || options.threads !== undefined)
        throw new CliError(
          "--queue: expected no --backend and no --threads, which each worker has of its own: leave them out",
        );
      await embedInQueue(options, vectorOptions(options), streams);
      return true;
    },
    input: (record) => record.text("text"),
    async answer(pipeline, texts, options, encode) {
      const { kind, precision } = options;
      if (kind !== "vector") return kinds[kind].run(pipeline, texts, options, { ...promptOptions(options), ...encode });
      const vectors = await embed(pipeline, texts, { ...vectorOptions(options), ...encode });
      if (!options.calibration) return quantizeVectors(vectors, precision).vectors;
      calibration ??= calibrationVectors(pipeline, options.calibration, options, encode);
      return quantizeVectors(vectors, precision, { calibration: await calibration }).vectors;
    },
    show: (answer) => stringify(answer),
    vectors: ({ kind }) => kind === "vector",
  });
}

function embedOptions(): Option[] {
  return [
    new Option("--kind <kind>", "chunks are late chunking; sparse is SPLADE, multi is ColBERT")
      .choices(kindNames)
      .default("vector"),
    new Option("--pooling <how>", "vector of the first token, or mean over tokens")
      .choices(["cls", "mean"])
      .default(undefined, "what the model was made for"),
    new Option("--normalize", "scale vectors to length 1 (default: what the model was made for)"),
    new Option("--no-normalize", "leave vectors as they are"),
    new Option("--dimensions <n>", "keep the first so many numbers").argParser(positiveInteger),
    new Option("--precision <name>", "fewer bytes a number; int8 and uint8 need --calibration")
      .choices(["float32", "int8", "uint8", "binary", "ubinary"])
      .default("float32"),
    new Option("--calibration <files...>", "texts whose vectors say what range int8 and uint8 span"),
    new Option("--chunk-tokens <n>", "of --kind chunks (default: sentences)").argParser(positiveInteger),
    new Option("--top-k <n>", "of --kind sparse: the largest weights (default: all)").argParser(positiveInteger),
    new Option("--role <role>", "put the model's prompt of that name before texts")
      .choices(["query", "document"])
      .conflicts(["prompt", "promptName"]),
    new Option("--prompt <text>", "put before every text (default: the model's default prompt)"),
    new Option("--prompt-name <name>", "the same, by a name that the model knows").conflicts("prompt"),
  ];
}

type Prompts = { readonly role?: TextRole; readonly prompt?: string; readonly promptName?: string };

function promptOptions({ role, prompt, promptName }: EmbedOptions): Prompts {
  return {
    ...(role && { role }),
    ...(prompt !== undefined && { prompt }),
    ...(promptName !== undefined && { promptName }),
  };
}

function vectorOptions(options: EmbedOptions): Parameters<typeof embed>[2] & Record<string, unknown> {
  const { pooling, normalize, dimensions } = options;
  return {
    ...(pooling && { pooling }),
    ...(normalize !== undefined && { normalize }),
    ...(dimensions && { dimensions }),
    ...promptOptions(options),
  };
}

/** @throws CliError for ranges that would differ from block to block. */
function checkPrecision({ kind, precision, calibration }: EmbedOptions): void {
  if (kind !== "vector" && precision !== "float32")
    throw new CliError(`--precision: expected float32 with --kind ${kind}, got ${precision}`);
  const ranges = precision === "int8" || precision === "uint8";
  if (ranges && !calibration)
    throw new CliError(`--precision ${precision}: expected --calibration with files of texts beside it, got none`);
  if (!ranges && calibration) throw new CliError(`--calibration: expected --precision int8 or uint8, got ${precision}`);
}

async function calibrationVectors(
  pipeline: Pipeline,
  files: readonly string[],
  options: EmbedOptions,
  { truncate = false }: EncodeOptions,
): Promise<Float32Array[]> {
  const records: InputRecord[] = [];
  for await (const record of readRecords(files, options.field ? { field: options.field } : {})) {
    if ("reason" in record) throw new CliError(`${record.id}: ${record.reason}`);
    records.push(new InputRecord(record.id, record.fields, record.textField));
  }
  const texts = records.map((record) => record.text("text"));
  return embed(pipeline, texts, { ...vectorOptions(options), truncate, nameOf: (index) => records[index]!.name });
}
