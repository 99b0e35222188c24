/** The output of a job from the results of its shards, in their order, as JSON lines or Parquet. */
import { createReadStream } from "node:fs";
import { extname } from "node:path";
import type { FileHandle } from "node:fs/promises";
import { fileWriter, ParquetWriter } from "hyparquet-writer";
import { BulkError } from "../errors.ts";
import { writeAtomically } from "./atomic-file.ts";
import { readLines } from "./parts.ts";

/** What a text got: a vector of numbers, or whatever its task answers. */
export interface ResultRecord {
  readonly id: string;
  readonly embedding?: readonly number[];
  readonly answer?: unknown;
}

type Join = (results: readonly string[], file: FileHandle, partial: string, vectors: boolean) => Promise<void>;

const formats: Readonly<Record<string, Join>> = { ".jsonl": joinLines, ".parquet": joinParquet };

/** @throws BulkError for another ending. */
export function checkOutput(path: string): void {
  if (extname(path) in formats) return;
  throw new BulkError(`expected an output that ends in ${Object.keys(formats).join(" or ")}, got ${path}`);
}

/** @param results Files of `ResultRecord`s in `folder`. @param vectors whether they have `embedding` or `answer`. */
export async function writeOutput(
  path: string,
  {
    folder,
    results,
    vectors,
  }: { readonly folder: string; readonly results: readonly string[]; readonly vectors: boolean },
): Promise<void> {
  checkOutput(path);
  await writeAtomically(path, (file, partial) => formats[extname(path)]!(results, file, partial, vectors), folder);
}

async function joinLines(results: readonly string[], file: FileHandle): Promise<void> {
  for (const result of results)
    for await (const bytes of createReadStream(result, { highWaterMark: 1 << 20 }))
      await file.writeFile(bytes as Buffer);
}

/** A row group for each shard. */
async function joinParquet(
  results: readonly string[],
  _: FileHandle,
  partial: string,
  vectors: boolean,
): Promise<void> {
  const value = vectors
    ? ([
        { name: "embedding", repetition_type: "REQUIRED", num_children: 1, converted_type: "LIST" },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        { name: "element", repetition_type: "REQUIRED", type: "FLOAT" },
      ] as const)
    : ([{ name: "answer", repetition_type: "REQUIRED", type: "BYTE_ARRAY", converted_type: "JSON" }] as const);
  const schema = [
    { name: "root", num_children: 2 },
    { name: "id", repetition_type: "REQUIRED", type: "BYTE_ARRAY", converted_type: "UTF8" } as const,
    ...value,
  ];
  const writer = new ParquetWriter({ writer: fileWriter(partial), schema });
  for (const result of results) {
    const rows = await readLines<ResultRecord>(result);
    if (rows.length === 0) continue;
    await writer.write({
      columnData: [
        { name: "id", data: rows.map(({ id }) => id) },
        vectors
          ? { name: "embedding", data: rows.map(({ embedding }) => embedding) }
          : { name: "answer", data: rows.map(({ answer }) => answer) },
      ],
      rowGroupSize: rows.length,
    });
  }
  await writer.finish();
}
