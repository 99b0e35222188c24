/** CSV and TSV with a header line. */
import { isUtf8 } from "node:buffer";
import { pipeline } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { openBytes, withoutCompression } from "../open-bytes.ts";
import type { DataRecord, FileFormat, ReadOptions } from "./format.ts";

interface Parsed {
  readonly record: Readonly<Record<string, string>>;
  readonly info: { readonly lines: number };
}

export const csvFormat: FileFormat = {
  name: "csv",
  endings: [".csv", ".tsv"],
  async *read(path, options): AsyncGenerator<DataRecord> {
    const tabs = withoutCompression(path).toLowerCase().endsWith(".tsv");
    const parser = parse({
      columns: true,
      bom: true,
      info: true,
      delimiter: tabs ? "\t" : ",",
      ...(tabs ? { quote: null } : {}),
      skip_empty_lines: true,
      skip_records_with_error: true,
      on_skip(error) {
        if (error) faults.push(error);
      },
    });
    const faults: CsvError[] = [];
    const report = (): void => {
      for (const { message, ["lines"]: line } of faults.splice(0)) {
        const found = message.replace(/ (?:on|at) line \d+.*$/s, "");
        options.onFault({ place: `${path}:${String(line)}`, expected: "a record like the header", found });
      }
    };
    // An error of either ends both; it is thrown where records are read.
    const records = pipeline(validUtf8(path, options), parser, () => undefined);
    for await (const { record, info } of records as AsyncIterable<Parsed>) {
      report();
      yield { id: `${path}:${info.lines}`, fields: record };
    }
    report();
  },
};

/** The bytes as they are; where they are no UTF-8, after a way through text, which replaces and counts. */
async function* validUtf8(path: string, { decode, onBytes }: ReadOptions): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  const valid = (bytes: Buffer): Buffer => (isUtf8(bytes) ? bytes : Buffer.from(decode(bytes, path)));
  for await (const piece of openBytes(path, onBytes)) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, piece]) : piece;
    const end = wholeCharacters(bytes);
    yield valid(bytes.subarray(0, end));
    rest = bytes.subarray(end);
  }
  yield valid(rest);
}

/** The length without a last character that goes on behind it. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const size = byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return size > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
