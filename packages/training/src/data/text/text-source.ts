/**
 * Documents from text on disk: .txt files (each one document, or one per block between blank lines), .jsonl files (one text
 * field per line), folders of them. Order is by path and line, so it is the same on every machine. Nothing is dropped or
 * repaired silently: `report` counts empty texts, replaced characters and files that were passed over.
 */
import { isUtf8 } from "node:buffer";
import fs from "node:fs";
import { extname, join } from "node:path";
import { DataError, ioError } from "../../errors.ts";
import { readLines, withoutMark } from "./read-lines.ts";

export interface TextDocument {
  /** Path, and `:line` of its first line unless the file is one document. */
  readonly id: string;
  readonly text: string;
}

export type TextFormat = "txt" | "jsonl";

export interface TextSourceOptions {
  /** How to read every file; by its ending (.txt, .jsonl) when absent. */
  readonly format?: TextFormat;
  /** How a .txt file becomes documents (default "file"). */
  readonly split?: "file" | "blank-line";
  /** The text field of .jsonl records (default "text"). */
  readonly field?: string;
}

/** What happened so far; final when the iteration has ended. */
export interface TextSourceReport {
  documents: number;
  /** Texts of nothing but white space, left out. */
  emptyDocuments: number;
  /** Invalid UTF-8 sequences that became U+FFFD. */
  replacedCharacters: number;
  /** Files of folders with another ending than .txt and .jsonl. */
  skippedFiles: string[];
}

interface InputFile {
  readonly path: string;
  readonly format: TextFormat;
}

export class TextSource implements AsyncIterable<TextDocument> {
  readonly report: TextSourceReport = { documents: 0, emptyDocuments: 0, replacedCharacters: 0, skippedFiles: [] };
  readonly #files: InputFile[] = [];
  readonly #options: TextSourceOptions;

  /** `paths`: files and folders. @throws DataError `missing`, `invalid` (unknown ending, no files), `io`. */
  constructor(paths: string | readonly string[], options: TextSourceOptions = {}) {
    this.#options = options;
    for (const path of typeof paths === "string" ? [paths] : paths) this.#collect(path, true);
    if (this.#files.length === 0)
      throw new DataError("invalid", "TextSource", `expected .txt or .jsonl files, got none in ${String(paths)}`);
  }

  /** The files that will be read, in order. */
  get files(): readonly string[] {
    return this.#files.map((file) => file.path);
  }

  /** @throws DataError `invalid` (a .jsonl line that is no record, with its place), `missing`, `io`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<TextDocument> {
    Object.assign(this.report, { documents: 0, emptyDocuments: 0, replacedCharacters: 0 });
    for (const file of this.#files) {
      for await (const document of this.#read(file)) {
        if (document.text.trim() === "") this.report.emptyDocuments++;
        else {
          this.report.documents++;
          yield document;
        }
      }
    }
  }

  #collect(path: string, named: boolean): void {
    let stat: fs.Stats;
    try {
      stat = fs.statSync(path);
      if (stat.isDirectory()) {
        const names = fs.readdirSync(path).sort();
        for (const name of names) this.#collect(join(path, name), false);
        return;
      }
    } catch (error) {
      throw ioError("TextSource", path, error);
    }
    const ending = extname(path).slice(1).toLowerCase();
    const format = this.#options.format ?? (ending === "txt" || ending === "jsonl" ? ending : undefined);
    if (format !== undefined) this.#files.push({ path, format });
    else if (!named) this.report.skippedFiles.push(path);
    else
      throw new DataError(
        "invalid",
        "TextSource",
        `expected a .txt or .jsonl file, got ${path}; set the format to read it`,
      );
  }

  #read({ path, format }: InputFile): AsyncGenerator<TextDocument> {
    switch (format) {
      case "jsonl":
        return this.#readRecords(path);
      case "txt":
        return this.#options.split === "blank-line" ? this.#readBlocks(path) : this.#readWhole(path);
      default:
        return format satisfies never;
    }
  }

  async *#readWhole(path: string): AsyncGenerator<TextDocument> {
    let bytes: Buffer;
    try {
      bytes = await fs.promises.readFile(path);
    } catch (error) {
      throw ioError("TextSource", path, error);
    }
    yield { id: path, text: this.#decode(withoutMark(bytes)) };
  }

  async *#readBlocks(path: string): AsyncGenerator<TextDocument> {
    let block: string[] = [];
    let start = 0;
    for await (const { bytes, number } of readLines(path)) {
      const line = this.#decode(bytes);
      if (line.trim() !== "") {
        if (block.length === 0) start = number;
        block.push(line.endsWith("\r") ? line.slice(0, -1) : line);
      } else if (block.length > 0) {
        yield { id: `${path}:${start}`, text: block.join("\n") };
        block = [];
      }
    }
    if (block.length > 0) yield { id: `${path}:${start}`, text: block.join("\n") };
  }

  async *#readRecords(path: string): AsyncGenerator<TextDocument> {
    const field = this.#options.field ?? "text";
    for await (const { bytes, number } of readLines(path)) {
      const line = this.#decode(bytes);
      if (line.trim() === "") continue;
      const id = `${path}:${number}`;
      let record: unknown;
      try {
        record = JSON.parse(line);
      } catch {
        throw new DataError(
          "invalid",
          "TextSource",
          `expected one JSON object a line, got something else at ${id}; repair or remove it`,
        );
      }
      const text = (record as Record<string, unknown> | null)?.[field];
      if (typeof text !== "string")
        throw new DataError(
          "invalid",
          "TextSource",
          `expected a string in field "${field}", got ${text === undefined ? "no such field" : JSON.stringify(text).slice(0, 40)} at ${id}`,
        );
      yield { id, text };
    }
  }

  #decode(bytes: Buffer): string {
    const text = bytes.toString("utf8");
    if (!isUtf8(bytes)) this.report.replacedCharacters += occurrences(text, "\ufffd") - occurrences(bytes, "\ufffd");
    return text;
  }
}

function occurrences(haystack: string | Buffer, needle: string): number {
  let count = 0;
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + 1)) count++;
  return count;
}
