/** What commands of tasks share: inputs from arguments, files or stdin, a model, answers block by block. A command says what is its own. */
import { Command } from "commander";
import type { Option } from "commander";
import type { Head } from "@modernbert-ts/encoder";
import { openPipeline } from "@modernbert-ts/pipelines";
import type { EncodeOptions, Pipeline } from "@modernbert-ts/pipelines";
import type { InputRecord } from "./inputs/input-record.ts";
import { checkInputs, inputOptions, readInputs } from "./inputs/read-inputs.ts";
import type { InputOptions } from "./inputs/read-inputs.ts";
import { deviceOptions, modelOption, runtimeOptions } from "./options.ts";
import type { DeviceOptions } from "./options.ts";
import { checkOutputs, outputOptions, writeAnswers } from "./outputs.ts";
import type { Answered, OutputOptions } from "./outputs.ts";
import type { Streams } from "./streams.ts";

export interface TaskOptions extends DeviceOptions, InputOptions, OutputOptions {
  readonly model: string;
  readonly truncate?: boolean;
}

/** An input, and where it stands. */
export interface Named<Input> {
  readonly name: string;
  readonly input: Input;
}

export interface TaskSpec<Options extends TaskOptions, Input, Answer> {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  /** Its own options. */
  readonly options?: readonly Option[];
  /** The head to open; a function where options decide; the folder's own where it says undefined. */
  readonly head: Head | ((options: Options) => Head | undefined);
  /** Inputs that are answered together. */
  readonly atOnce: number;
  /** Long inputs may be cut. Default true. */
  readonly truncates?: boolean;
  /** Stdin is always JSON lines: a text alone is no input. */
  readonly recordsOnly?: (options: Options) => boolean;
  /** @throws CliError for options that do not go together, before a model is opened. */
  readonly check?: (options: Options) => void;
  /** @throws CliError for a record without the fields that are wanted. */
  input(record: InputRecord, options: Options): Input;
  /** Inputs that are made of several records. Default: one of each. */
  readonly gather?: (
    blocks: AsyncIterable<readonly InputRecord[]>,
    options: Options,
    args: readonly string[],
  ) => AsyncIterable<readonly Named<Input>[]> | undefined;
  answer(
    pipeline: Pipeline,
    inputs: readonly Input[],
    options: Options,
    encode: Required<EncodeOptions>,
  ): Promise<readonly Answer[]>;
  /** For people, without a last line end. */
  show(answer: Answer, input: Input): string;
  /** As `--json` and files have it. Default: as it is. */
  readonly json?: (answer: Answer) => unknown;
  /** Answers are vectors, which files hold as lists of numbers. */
  readonly vectors?: (options: Options) => boolean;
  /** Does all by other means where it says true. */
  readonly instead?: (options: Options, args: readonly string[]) => Promise<boolean>;
}

export function taskCommand<Options extends TaskOptions, Input, Answer>(
  streams: Streams,
  spec: TaskSpec<Options, Input, Answer>,
): Command {
  const command = new Command(spec.name)
    .summary(spec.summary)
    .description(spec.description)
    .argument("[texts...]", "what to read, instead of --input or stdin")
    .addOption(modelOption().makeOptionMandatory());
  if (spec.truncates ?? true) command.option("--truncate", "cut texts that are longer than the model's maximum");
  for (const option of [...(spec.options ?? []), ...inputOptions(), ...outputOptions(), ...deviceOptions()])
    command.addOption(option);
  return command.action(async (args: string[], given: Options) => {
    const records = given.input === undefined && args.length === 0 && spec.recordsOnly?.(given);
    const options = records ? { ...given, jsonl: true } : given;
    spec.check?.(options);
    if (await spec.instead?.(options, args)) return;
    checkInputs(args, options);
    checkOutputs(options);
    const head = typeof spec.head === "function" ? spec.head(options) : spec.head;
    await using pipeline = await openPipeline(options.model, {
      ...(head && { head }),
      ...runtimeOptions(options, streams),
    });
    const read = readInputs(streams, args, options, spec.atOnce);
    const blocks = spec.gather?.(read, options, args) ?? each(read, (record) => spec.input(record, options));
    await writeAnswers(streams, options, answers(spec, pipeline, blocks, options), spec.vectors?.(options) ?? false);
  });
}

async function* each<Input>(
  blocks: AsyncIterable<readonly InputRecord[]>,
  read: (record: InputRecord) => Input,
): AsyncGenerator<readonly Named<Input>[]> {
  for await (const block of blocks) yield block.map((record) => ({ name: record.name, input: read(record) }));
}

async function* answers<Options extends TaskOptions, Input, Answer>(
  spec: TaskSpec<Options, Input, Answer>,
  pipeline: Pipeline,
  blocks: AsyncIterable<readonly Named<Input>[]>,
  options: Options,
): AsyncGenerator<readonly Answered[]> {
  const { truncate = false } = options;
  for await (const block of blocks) {
    const inputs = block.map(({ input }) => input);
    const encode = { truncate, nameOf: (index: number) => block[index]!.name };
    const found = await spec.answer(pipeline, inputs, options, encode);
    yield block.map(({ name, input }, at) => ({
      name,
      value: spec.json ? spec.json(found[at]!) : found[at]!,
      show: () => spec.show(found[at]!, input),
    }));
  }
}
