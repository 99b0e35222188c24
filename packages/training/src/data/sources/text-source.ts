/**
 * Documents from data on disk: text, JSON lines, CSV, Parquet, MDS shards, folders of them. Order is by path and line, so it is the same
 * on every machine. Nothing is dropped or repaired silently: `report` says what was left out, replaced or passed over.
 */
import fs from "node:fs";
import { dirname, join } from "node:path";
import { Decoder, notText } from "./decode.ts";
import { findDataFiles } from "./data-files.ts";
import type { DataFiles } from "./data-files.ts";
import { Faults } from "./faults.ts";
import { fileFormats } from "./formats/all.ts";
import type { DataRecord, FileFormat, FormatName } from "./formats/format.ts";

export interface TextDocument {
  /** Path, and `:line` of its first line unless the file is one document. */
  readonly id: string;
  readonly text: string;
}

export const textFormats: readonly FormatName[] = fileFormats.map(({ name }) => name);

export interface TextSourceOptions {
  /** How to read every file; by its ending when absent. */
  readonly format?: FormatName;
  /** How a .txt file becomes documents (default "file"). */
  readonly split?: "file" | "blank-line";
  /** The text field of records (default "text"). */
  readonly field?: string;
  /** What a record that cannot be read does (default "refuse"): end everything, or be counted and passed over. */
  readonly badRecords?: "refuse" | "skip";
}

/** What happened so far; final when the iteration has ended. */
export interface TextSourceReport {
  documents: number;
  /** Of each file, in order. */
  documentsByFile: ReadonlyMap<string, number>;
  /** Texts of nothing but white space, left out. */
  emptyDocuments: number;
  /** Invalid UTF-8 sequences that became U+FFFD, by file. */
  replaced: ReadonlyMap<string, number>;
  /** Passed over because they could not be read, and the first of their places. */
  badRecords: number;
  badPlaces: readonly string[];
  /** Files of folders that no format reads, and links that lead nowhere. */
  readonly skippedFiles: readonly string[];
  /** Files that were given more than once. */
  readonly repeatedFiles: readonly string[];
}

export class TextSource implements AsyncIterable<TextDocument> {
  readonly report: TextSourceReport;
  readonly #files: DataFiles;
  readonly #options: TextSourceOptions;
  #bytes = 0;

  /** `paths`: files, folders and globs. @throws DataError `missing`, `invalid` (unknown ending, no files), `io`. */
  constructor(paths: string | readonly string[], options: TextSourceOptions = {}) {
    this.#options = options;
    const format: FileFormat | undefined = fileFormats.find(({ name }) => name === options.format);
    this.#files = findDataFiles(typeof paths === "string" ? [paths] : paths, format);
    const { skipped: skippedFiles, repeated: repeatedFiles } = this.#files;
    this.report = { ...beginning(), skippedFiles, repeatedFiles };
  }

  /** The files that will be read, in order. */
  get files(): readonly string[] {
    return this.#files.files.map(({ path }) => path);
  }

  /** Bytes of the files that were read so far; compressed ones count as they are. */
  get bytesRead(): number {
    return this.#bytes;
  }

  /** Bytes of all files. @throws DataError `io`. */
  totalBytes(): number {
    return this.#files.files.reduce((sum, { path, format }) => sum + sizeOf(path, format.name), 0);
  }

  /** @throws DataError `invalid` (a record that cannot be read, with its place), `corrupt`, `missing`, `io`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<TextDocument> {
    const { split = "file", badRecords = "refuse" } = this.#options;
    this.#bytes = 0;
    const decoder = new Decoder();
    const faults = new Faults(badRecords);
    const documentsByFile = new Map<string, number>();
    Object.assign(this.report, beginning(), { documentsByFile, replaced: decoder.replaced, badPlaces: faults.places });
    const options = {
      split,
      onBytes: (bytes: number) => void (this.#bytes += bytes),
      decode: decoder.decode.bind(decoder),
      onFault: faults.add.bind(faults),
    };
    for (const { path, format } of this.#files.files) {
      for await (const record of format.read(path, options)) {
        const text = this.#textOf(record, faults);
        if (text === undefined) continue;
        if (text.trim() === "") this.report.emptyDocuments++;
        else {
          this.report.documents++;
          documentsByFile.set(path, (documentsByFile.get(path) ?? 0) + 1);
          yield { id: record.id, text };
        }
      }
      this.report.badRecords = faults.count;
    }
  }

  #textOf({ id, fields }: DataRecord, faults: Faults): string | undefined {
    const { field = "text" } = this.#options;
    const value = fields[field];
    if (typeof value !== "string") {
      faults.add({ place: id, expected: `a string in field "${field}"`, found: describe(value, fields) });
      return undefined;
    }
    const found = notText(value);
    if (found === undefined) return value;
    faults.add({ place: id, expected: "text", found });
    return undefined;
  }
}

function describe(value: unknown, fields: DataRecord["fields"]): string {
  if (value === undefined) return `no such field (there is ${Object.keys(fields).join(", ") || "none"})`;
  return (JSON.stringify(value) ?? typeof value).slice(0, 40);
}

/** Of an index of shards, with the files beside it. */
function sizeOf(path: string, format: FormatName): number {
  const files = format === "mds" ? fs.readdirSync(dirname(path)).map((name) => join(dirname(path), name)) : [path];
  return files.reduce((sum, file) => sum + (fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
}

function beginning(): Omit<TextSourceReport, "skippedFiles" | "repeatedFiles"> {
  return {
    documents: 0,
    documentsByFile: new Map(),
    emptyDocuments: 0,
    replaced: new Map(),
    badRecords: 0,
    badPlaces: [],
  };
}
