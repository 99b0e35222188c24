import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GreedyBestFitPacker } from "../src/index.ts";
import { logNormalLengths } from "./data-fixtures.ts";

interface Item {
  readonly id: number;
  readonly length: number;
}

function source(lengths: readonly number[]): () => Item | undefined {
  let id = 0;
  return () => (id < lengths.length ? { id, length: lengths[id++] } : undefined);
}

function packAll(packer: GreedyBestFitPacker<Item>, rows: number): Item[][][] {
  const batches: Item[][][] = [];
  for (let batch = packer.pack(rows); batch.length > 0; batch = packer.pack(rows)) batches.push(batch);
  return batches;
}

const cases = fc.record({
  rowLength: fc.constant(20),
  lengths: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 120 }),
  bufferSize: fc.integer({ min: 1, max: 30 }),
  rows: fc.integer({ min: 1, max: 4 }),
});

describe("GreedyBestFitPacker", () => {
  test("gives out every sequence exactly once, in rows that fit", () => {
    fc.assert(
      fc.property(cases, ({ rowLength, lengths, bufferSize, rows }) => {
        const batches = packAll(new GreedyBestFitPacker({ rowLength, bufferSize, next: source(lengths) }), rows);
        for (const batch of batches) {
          expect(batch.length).toBeLessThanOrEqual(rows);
          for (const row of batch) {
            expect(row.length).toBeGreaterThan(0);
            expect(row.reduce((sum, item) => sum + item.length, 0)).toBeLessThanOrEqual(rowLength);
          }
        }
        const ids = batches.flat(2).map((item) => item.id);
        expect(ids.sort((a, b) => a - b)).toEqual(lengths.map((_, id) => id));
      }),
    );
  });

  test("leaves out no sequence that would still have fitted, unless the buffer was full", () => {
    fc.assert(
      fc.property(cases, ({ rowLength, lengths, bufferSize, rows }) => {
        const packer = new GreedyBestFitPacker({ rowLength, bufferSize, next: source(lengths) });
        const batch = packer.pack(rows);
        const spaces = batch.map((row) => rowLength - row.reduce((sum, item) => sum + item.length, 0));
        const unopened = batch.length < rows;
        for (const item of packer.state()) {
          expect(unopened).toBe(false);
          expect(Math.max(...spaces)).toBeLessThan(item.length);
        }
      }),
    );
  });

  test("takes the fullest row that still holds the sequence, the first of equals", () => {
    const packer = new GreedyBestFitPacker({ rowLength: 10, bufferSize: 4, next: source([10, 6, 7, 3, 4, 9]) });
    // 10 → row 0; 6 → row 1; 7 → row 2; 3 → row 2 (3 left) and not row 1 (4 left); 4 → row 1; all full: 9 is not read.
    expect(packer.pack(3).map((row) => row.map((item) => item.length))).toEqual([[10], [6, 4], [7, 3]]);
    expect(packer.state()).toEqual([]);
    expect(packer.pack(3).map((row) => row.map((item) => item.length))).toEqual([[9]]);
  });

  test("sequences that wait come first in the next batch, oldest first", () => {
    const packer = new GreedyBestFitPacker({ rowLength: 10, bufferSize: 2, next: source([6, 9, 8, 4, 1]) });
    expect(packer.pack(1).map((row) => row.map((item) => item.length))).toEqual([[6]]);
    expect(packer.state().map((item) => item.length)).toEqual([9, 8]);
    expect(packer.pack(1).map((row) => row.map((item) => item.length))).toEqual([[9]]);
  });

  test("continues from its state at any point", () => {
    fc.assert(
      fc.property(cases, fc.nat(10), ({ rowLength, lengths, bufferSize, rows }, stop) => {
        let read = 0;
        const next = (): Item | undefined =>
          read < lengths.length ? { id: read, length: lengths[read++] } : undefined;
        const first = new GreedyBestFitPacker({ rowLength, bufferSize, next });
        for (let i = 0; i < stop; i++) first.pack(rows);
        const waiting = JSON.parse(JSON.stringify(first.state())) as Item[];
        const position = read;
        const expected = packAll(first, rows);
        read = position;
        expect(packAll(new GreedyBestFitPacker({ rowLength, bufferSize, next }, waiting), rows)).toEqual(expected);
      }),
    );
  });

  test.each([
    // Rows that hold one longest sequence are the hard case; with a median of 1500 too few short ones exist to fill the gaps.
    { rowLength: 1024, rows: 4, maxLength: 1024, bufferSize: 1024, medians: [60, 300, 500] },
    { rowLength: 2048, rows: 1, maxLength: 256, bufferSize: 512, medians: [60, 500, 1500] },
    { rowLength: 4096, rows: 4, maxLength: 1024, bufferSize: 512, medians: [60, 500, 1500] },
    { rowLength: 98_304, rows: 6, maxLength: 1024, bufferSize: 512, medians: [60, 500, 1500] },
    { rowLength: 98_304, rows: 6, maxLength: 8192, bufferSize: 512, medians: [60, 500, 1500] },
  ])("fills ≥ 99 % of $rows × $rowLength with web-like lengths up to $maxLength", (shape) => {
    for (const median of shape.medians) {
      const draw = logNormalLengths(17, median, shape.maxLength);
      const packer = new GreedyBestFitPacker({ ...shape, next: () => ({ id: 0, length: draw() }) });
      let tokens = 0;
      const batches = Math.ceil(2_000_000 / (shape.rows * shape.rowLength));
      for (let i = 0; i < batches; i++) for (const item of packer.pack(shape.rows).flat()) tokens += item.length;
      expect(tokens / (batches * shape.rows * shape.rowLength)).toBeGreaterThanOrEqual(0.99);
    }
  });

  test("a sequence longer than a row is an error", () => {
    const packer = new GreedyBestFitPacker({ rowLength: 10, bufferSize: 2, next: source([11]) });
    expect(() => packer.pack(1)).toThrow("[GreedyBestFitPacker] expected a length in 1..10, got 11");
    expect(() => packer.pack(0)).toThrow("expected rows to be an integer in 1..");
  });
});
