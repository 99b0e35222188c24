/** What commands read: their arguments, files of texts or records, or lines of stdin, in blocks of bounded size. */
import { statSync } from "node:fs";
import { inputFiles, readRecords } from "@modernbert-ts/bulk";
import { Option } from "commander";
import { CliError } from "../errors.ts";
import { lineBlocks } from "../streams.ts";
import type { Line, Streams } from "../streams.ts";
import { InputRecord } from "./input-record.ts";
import { createProgress } from "./progress.ts";

/** What `inputOptions` gives. */
export interface InputOptions {
  readonly input?: readonly string[];
  readonly field?: string;
  readonly jsonl?: boolean;
}

const group = "Input and output:";

export function inputOptions(): Option[] {
  return [
    new Option("--input <files...>", "instead of stdin: .txt (a text a line), .jsonl, .csv, .parquet, folders, globs"),
    new Option("--field <name>", 'where the text stands in records (default: "text")'),
    new Option("--jsonl", "stdin is JSON lines, a record each, not a text a line").conflicts("input"),
  ].map((option) => option.helpGroup(group));
}

/** @throws CliError for options that do not go together; DataError for files that are not there. */
export function checkInputs(args: readonly string[], { input, field, jsonl }: InputOptions): void {
  const other = input ? "--input" : jsonl ? "--jsonl" : undefined;
  if (args.length > 0 && other)
    throw new CliError(`${other}: expected it without texts as arguments, got both: leave one out`);
  if (field !== undefined && !other)
    throw new CliError("--field: expected --input or --jsonl beside it, got neither: texts have no fields");
  if (input) inputFiles(input);
}

/** @param most records of a block. @throws CliError for a line that is no record, by its place. */
export async function* readInputs(
  streams: Streams,
  args: readonly string[],
  { input, field = "text", jsonl = false }: InputOptions,
  most: number,
): AsyncGenerator<readonly InputRecord[]> {
  if (args.length > 0) {
    const nameOf = (at: number): string => (args.length === 1 ? "the text" : `argument ${at + 1}`);
    yield args.map((text, at) => new InputRecord(nameOf(at), { text }));
  } else if (input) yield* fileBlocks(streams, input, field, most);
  else
    for await (const block of lineBlocks(streams, most)) {
      const records = jsonl ? block.flatMap((line) => recordOf(line, field)) : block.map(textOf);
      if (records.length > 0) yield records;
    }
}

async function* fileBlocks(
  { stderr }: Streams,
  paths: readonly string[],
  field: string,
  most: number,
): AsyncGenerator<readonly InputRecord[]> {
  const total = inputFiles(paths).reduce((sum, path) => sum + statSync(path).size, 0);
  const progress = createProgress(stderr, total);
  let block: InputRecord[] = [];
  let [bytes, done] = [0, 0];
  const handOn = async function* (): AsyncGenerator<readonly InputRecord[]> {
    if (block.length === 0) return;
    yield block;
    done += block.length;
    block = [];
    progress.update(bytes, done);
  };
  try {
    for await (const record of readRecords(paths, { field, onBytes: (read) => (bytes += read) })) {
      if ("reason" in record) throw new CliError(`${record.id}: ${record.reason}`);
      block.push(new InputRecord(record.id, record.fields, record.textField));
      if (block.length === most) yield* handOn();
    }
    yield* handOn();
  } finally {
    progress.stop();
  }
}

function textOf({ number, text }: Line): InputRecord {
  return new InputRecord(`line ${number}`, { text });
}

/** None of an empty line. */
function recordOf({ number, text }: Line, field: string): InputRecord[] {
  if (text.trim() === "") return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return [new InputRecord(`line ${number}`, value as Readonly<Record<string, unknown>>, field)];
  throw new CliError(`line ${number}: expected one JSON object a line, got ${JSON.stringify(text.slice(0, 40))}`);
}
