import { expect, test } from "vitest";
import { GreedyBestFitPacker } from "../src/index.ts";
import { logNormalLengths, uniforms } from "./data-fixtures.ts";

const web = logNormalLengths(5, 450, 50_000);
const code = logNormalLengths(6, 1400, 50_000);
const choose = uniforms(7);
/** Of web pages, of code, of both; long documents are cut as `SequenceCutter` cuts them. */
const distributions = { web, code, both: () => (choose() < 0.6 ? web() : code()) };

function sequences(document: () => number, maxLength: number): () => { readonly length: number } {
  let left = 0;
  return () => {
    if (left === 0) left = document();
    const length = Math.min(left, maxLength);
    left -= length;
    return { length };
  };
}

/** The recipe's rows: microbatch × length, and as many as a device batch has. */
const sizes = [
  { maxLength: 1024, rowLength: 96 * 1024, rows: 6 },
  { maxLength: 8192, rowLength: 12 * 8192, rows: 6 },
  { maxLength: 1024, rowLength: 8 * 1024, rows: 4 },
  { maxLength: 8192, rowLength: 4 * 8192, rows: 4 },
];

test.each(sizes.flatMap((size) => Object.keys(distributions).map((name) => ({ ...size, name }))))(
  "$name documents of at most $maxLength tokens fill $rows rows of $rowLength to 99 %",
  ({ maxLength, rowLength, rows, name }) => {
    const next = sequences(distributions[name as keyof typeof distributions], maxLength);
    const packer = new GreedyBestFitPacker({ rowLength, bufferSize: 512, next });
    const batches = 12;
    let tokens = 0;
    for (let at = 0; at < batches; at++)
      for (const row of packer.pack(rows)) for (const { length } of row) tokens += length;
    expect(tokens / (batches * rows * rowLength)).toBeGreaterThanOrEqual(0.99);
  },
);
