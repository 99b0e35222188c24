/** What texts got, block by block in their order, as JSON lines or Parquet. */
import { extname } from "node:path";
import type { FileHandle } from "node:fs/promises";
import { fileWriter, ParquetWriter } from "hyparquet-writer";
import { BulkError } from "../errors.ts";
import { writeAtomically } from "./atomic-file.ts";
import { linesOf, readLines } from "./parts.ts";

/** What a text got: a vector of numbers, or whatever its task answers. */
export interface ResultRecord {
  readonly id: string;
  readonly embedding?: readonly number[];
  readonly answer?: unknown;
}

type Blocks = AsyncIterable<readonly ResultRecord[]> | Iterable<readonly ResultRecord[]>;
type Write = (blocks: Blocks, file: FileHandle, partial: string, vectors: boolean) => Promise<void>;

const formats: Readonly<Record<string, Write>> = { ".jsonl": writeJsonLines, ".parquet": writeParquet };

/** @throws BulkError for another ending. */
export function checkOutput(path: string): void {
  if (extname(path) in formats) return;
  throw new BulkError(`expected an output that ends in ${Object.keys(formats).join(" or ")}, got ${path}`);
}

/**
 * The file is there as a whole or not at all; what `blocks` throws leaves nothing.
 * Records have an `embedding` with `vectors`, else an `answer`; the file is made in `folder`, by default its own.
 * @throws BulkError for another ending than .jsonl and .parquet.
 */
export async function writeRecords(
  path: string,
  blocks: Blocks,
  { vectors, folder }: { readonly vectors: boolean; readonly folder?: string },
): Promise<void> {
  checkOutput(path);
  await writeAtomically(path, (file, partial) => formats[extname(path)]!(blocks, file, partial, vectors), folder);
}

/** @param results Files of `ResultRecord`s in `folder`, each of a size that memory holds. */
export async function writeOutput(
  path: string,
  options: { readonly folder: string; readonly results: readonly string[]; readonly vectors: boolean },
): Promise<void> {
  await writeRecords(path, recordsOf(options.results), options);
}

async function* recordsOf(results: readonly string[]): AsyncGenerator<readonly ResultRecord[]> {
  for (const result of results) yield await readLines<ResultRecord>(result);
}

async function writeJsonLines(blocks: Blocks, file: FileHandle): Promise<void> {
  for await (const rows of blocks) await file.writeFile(linesOf(rows));
}

/** A row group for each block. */
async function writeParquet(blocks: Blocks, _: FileHandle, partial: string, vectors: boolean): Promise<void> {
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
  for await (const rows of blocks) {
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
