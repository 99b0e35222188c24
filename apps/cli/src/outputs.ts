/** Where answers go: readable or as JSON lines to stdout, or into a file that is there as a whole or not at all. */
import { checkOutput, writeRecords } from "@modernbert-ts/bulk";
import type { ResultRecord } from "@modernbert-ts/bulk";
import { Option } from "commander";
import { write } from "./streams.ts";
import type { Streams } from "./streams.ts";

/** What `outputOptions` gives. */
export interface OutputOptions {
  readonly json?: boolean;
  readonly output?: string;
}

export interface Answered {
  /** Of its input. */
  readonly name: string;
  /** As JSON has it, or a vector. */
  readonly value: unknown;
  /** For people, without a last line end. */
  readonly show: () => string;
}

const group = "Input and output:";

export function outputOptions(): Option[] {
  return [
    new Option("--json", "a line of JSON for each input"),
    new Option("--output <file>", "instead of stdout: .jsonl or .parquet, with the place of each input").conflicts(
      "json",
    ),
  ].map((option) => option.helpGroup(group));
}

/** @throws BulkError for a file of another format. */
export function checkOutputs({ output }: OutputOptions): void {
  if (output !== undefined) checkOutput(output);
}

/** @param vectors whether values are vectors. */
export async function writeAnswers(
  streams: Streams,
  { json = false, output }: OutputOptions,
  blocks: AsyncIterable<readonly Answered[]>,
  vectors: boolean,
): Promise<void> {
  if (output !== undefined) return writeRecords(output, records(blocks, vectors), { vectors });
  for await (const block of blocks)
    await write(streams, block.map(({ value, show }) => `${json ? stringify(value) : show()}\n`).join(""));
}

async function* records(
  blocks: AsyncIterable<readonly Answered[]>,
  vectors: boolean,
): AsyncGenerator<readonly ResultRecord[]> {
  for await (const block of blocks)
    yield block.map(({ name: id, value }) =>
      vectors ? { id, embedding: plain(value) as readonly number[] } : { id, answer: plain(value) },
    );
}

function plain(value: unknown): unknown {
  return JSON.parse(stringify(value)) as unknown;
}

/** JSON, in which typed arrays are lists; nine digits bring back the same f32, a double's seventeen would only look exact. */
export function stringify(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => {
    if (item instanceof Float32Array) return Array.from(item, (number) => Number(number.toPrecision(9)));
    return ArrayBuffer.isView(item) ? Array.from(item as Int32Array) : item;
  });
}
