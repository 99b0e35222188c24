/** Plain text: each file one document, or one for each block between blank lines. Line ends become "\n". */
import { constants } from "node:buffer";
import { openBytes } from "../open-bytes.ts";
import { readLines, tooLong, withoutMark } from "../read-lines.ts";
import type { DataRecord, FileFormat, ReadOptions } from "./format.ts";

export const textFormat: FileFormat = {
  name: "txt",
  endings: [".txt"],
  read: (path, options) => (options.split === "blank-line" ? readBlocks(path, options) : readWhole(path, options)),
};

async function* readWhole(path: string, { decode, onBytes }: ReadOptions): AsyncGenerator<DataRecord> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const bytes of openBytes(path, onBytes)) {
    pieces.push(bytes);
    length += bytes.length;
    if (length > constants.MAX_STRING_LENGTH) throw tooLong("a longer file", path);
  }
  const text = decode(withoutMark(Buffer.concat(pieces)), path);
  yield { id: path, fields: { text: text.replaceAll("\r\n", "\n") } };
}

async function* readBlocks(path: string, { decode, onBytes }: ReadOptions): AsyncGenerator<DataRecord> {
  let block: string[] = [];
  let start = 0;
  const take = (): DataRecord => {
    const record = { id: `${path}:${start}`, fields: { text: block.join("\n") } };
    block = [];
    return record;
  };
  for await (const { bytes, number } of readLines(path, onBytes)) {
    const line = decode(bytes, path);
    if (line.trim() === "") {
      if (block.length > 0) yield take();
      continue;
    }
    if (block.length === 0) start = number;
    block.push(line.endsWith("\r") ? line.slice(0, -1) : line);
  }
  if (block.length > 0) yield take();
}
