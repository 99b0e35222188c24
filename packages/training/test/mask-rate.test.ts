import { describe, expect, test } from "vitest";
import {
  createMlmMasker,
  defaultValues,
  IGNORE_LABEL,
  maskedLmObjective,
  stepSchedule,
  wordEdges,
} from "../src/index.ts";
import type { MaskedRow, PackedRow } from "../src/index.ts";
import { CLS, MASK, memoryStore, SEP, wrappedDocuments } from "./data-fixtures.ts";

const VOCAB = 1000;
/** A token that begins a word, one that goes on with it, and one that is neither. */
const [BEGIN, MORE, COMMA] = [500, 501, 502];
const edges = new Uint8Array(VOCAB);
edges[BEGIN] = wordEdges.open;
edges[MORE] = wordEdges.open | wordEdges.continues;
const options = { seed: 17, maskId: MASK, vocabSize: VOCAB, specialIds: [CLS, SEP, MASK] };

function row(ids: readonly number[], epoch = 0): PackedRow {
  const sequences = [{ document: 3, chunk: 0, epoch, length: ids.length }];
  return { ids: Int32Array.from(ids), cuSeqlens: Int32Array.of(0, ids.length), maxSeqlen: ids.length, sequences };
}

describe("mask rates over tokens", () => {
  const steps = [
    { from: 0, value: 0.3 },
    { from: 600, value: 0.15 },
    { from: 900, value: 0.05 },
  ];

  test("stepwise 30 → 15 → 5 jumps at the tokens it names", () => {
    const rate = stepSchedule(steps);
    expect([0, 599, 600, 899, 900, 10_000].map(rate)).toEqual([0.3, 0.3, 0.15, 0.15, 0.05, 0.05]);
  });

  test("linear lies on a line between two steps and holds after the last", () => {
    const rate = stepSchedule(steps, "linear");
    const values = [0, 300, 600, 750, 900, 5000].map(rate);
    for (const [at, value] of [0.3, 0.225, 0.15, 0.1, 0.05, 0.05].entries()) expect(values[at]).toBeCloseTo(value, 12);
  });

  test("steps out of order, or that leave the beginning open, are refused", () => {
    expect(() => stepSchedule([{ from: 5, value: 0.3 }])).toThrow("[stepSchedule] expected steps that begin at 0");
    expect(() => stepSchedule([...steps, { from: 900, value: 0.01 }])).toThrow("got 0, 600, 900, 900");
    expect(() => stepSchedule([])).toThrow("got none");
  });

  test("a loader that goes on in the middle of a schedule gives the same masks, and the rates that were asked for", () => {
    const lengths = Array.from({ length: 400 }, (_, at) => 20 + ((at * 13) % 40));
    const data = {
      store: memoryStore(wrappedDocuments(lengths)),
      roles: { cls: CLS, sep: SEP, pad: 0, mask: MASK },
    };
    const batches = { seed: 3, maxLength: 64, longDocuments: "split", rowLength: 512, rows: 2 } as const;
    const values = {
      ...defaultValues(maskedLmObjective.settings),
      probability: [
        { from: 0, value: 0.3 },
        { from: 4000, value: 0.15 },
        { from: 8000, value: 0.05 },
      ],
    };
    const whole = maskedLmObjective.loader(data, batches, values);
    let tokens = 0;
    const rates: number[] = [];
    for (let step = 0; step < 12; step++) {
      const state = JSON.parse(JSON.stringify(whole.state())) as unknown;
      const batch = whole.next(tokens)!;
      expect(maskedLmObjective.loader(data, batches, values, state).next(tokens)).toEqual(batch);
      rates.push(batch.weight / batch.tokens);
      tokens += batch.tokens;
    }
    expect(Math.abs(mean(rates.slice(0, 4)) - 0.3)).toBeLessThan(0.03);
    expect(Math.abs(mean(rates.slice(4, 8)) - 0.15)).toBeLessThan(0.03);
    expect(Math.abs(mean(rates.slice(8)) - 0.05)).toBeLessThan(0.02);
  });
});

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("what is masked, and by what", () => {
  test("`mask` makes every chosen token [MASK], the same ones as 80/10/10", () => {
    const ids = Array.from({ length: 2000 }, () => BEGIN);
    const all = createMlmMasker({ ...options, replacement: "mask" })(row(ids), 0.3);
    expect(all.maskedPositions).toEqual(createMlmMasker(options)(row(ids), 0.3).maskedPositions);
    expect(new Set([...all.maskedPositions].map((at) => all.ids[at]))).toEqual(new Set([MASK]));
  });

  test("whole words are masked or left together, at the rate asked for, 80/10/10 inside", () => {
    const words = Array.from({ length: 20_000 }, (_, at) => [
      BEGIN,
      ...Array(at % 4).fill(MORE),
      COMMA,
    ]).flat() as number[];
    const masked = createMlmMasker({ ...options, wordEdges: edges })(row(words), 0.3);
    const chosen = masked.labels.map((label) => (label === IGNORE_LABEL ? 0 : 1));
    for (let at = 1; at < words.length; at++) if (words[at] === MORE) expect(chosen[at]).toBe(chosen[at - 1]);
    expect(Math.abs(masked.maskedPositions.length / words.length - 0.3)).toBeLessThan(0.01);
    // Commas draw for themselves: not always as the word before them.
    expect(words.some((id, at) => id === COMMA && chosen[at] !== chosen[at - 1])).toBe(true);
    const asMask = masked.maskedPositions.filter((at) => masked.ids[at] === MASK).length;
    expect(Math.abs(asMask / masked.maskedPositions.length - 0.8)).toBeLessThan(0.01);
  });

  test("a row that draws nothing predicts one whole word", () => {
    const mask = createMlmMasker({ ...options, wordEdges: edges });
    const words = [CLS, BEGIN, MORE, MORE, BEGIN, MORE, MORE, SEP];
    const { maskedPositions, ids } = mask(row(words), 1e-9) as MaskedRow;
    expect([
      [1, 2, 3],
      [4, 5, 6],
    ]).toContainEqual([...maskedPositions]);
    expect(maskedPositions.every((at) => ids[at] === MASK)).toBe(true);
  });
});

test("whole words of a tokenizer that says nothing of words are refused", () => {
  const data = { store: memoryStore([[CLS, 10, SEP]]), roles: { cls: CLS, sep: SEP, pad: 0, mask: MASK } };
  const values = { ...defaultValues(maskedLmObjective.settings), whole_words: true };
  const batches = { seed: 3, maxLength: 64, longDocuments: "split", rowLength: 512, rows: 2 } as const;
  expect(() => maskedLmObjective.loader(data, batches, values)).toThrow(
    "[masked_lm] expected to know where words begin for whole_words",
  );
});
