/** CSV and TSV with a header line. */
import { Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { openBytes, withoutCompression } from "../open-bytes.ts";
import type { DataRecord, FileFormat } from "./format.ts";

interface Parsed {
  readonly record: Readonly<Record<string, string>>;
  readonly info: { readonly lines: number };
}

export const csvFormat: FileFormat = {
  name: "csv",
  endings: [".csv", ".tsv"],
  async *read(path, { decode, onFault, onBytes }): AsyncGenerator<DataRecord> {
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
        onFault({ place: `${path}:${String(line)}`, expected: "a record like the header", found });
      }
    };
    const input = Readable.from(checked(path, decode, onBytes));
    input.on("error", (error) => parser.destroy(error));
    for await (const { record, info } of input.pipe(parser) as AsyncIterable<Parsed>) {
      report();
      yield { id: `${path}:${info.lines}`, fields: record };
    }
    report();
  },
};

/** The bytes as they are, once they are known to be text. */
async function* checked(
  path: string,
  decode: (bytes: Uint8Array, place: string) => string,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  for await (const bytes of openBytes(path, onBytes)) {
    if (bytes.includes(0)) decode(bytes, path);
    yield bytes;
  }
}
