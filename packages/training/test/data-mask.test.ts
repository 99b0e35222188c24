import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createMlmMasker, IGNORE_LABEL } from "../src/index.ts";
import type { PackedRow } from "../src/index.ts";
import { CLS, MASK, SEP } from "./data-fixtures.ts";

const VOCAB = 1000;
const options = { seed: 17, maskId: MASK, vocabSize: VOCAB, specialIds: [CLS, SEP, MASK] };

/** 4.5 standard deviations of a share of n draws. */
const deviations = (share: number, n: number): number => 4.5 * Math.sqrt((share * (1 - share)) / n);

/** A row of `[CLS] 500… [SEP]` sequences, one per (document, length). */
function row(sequences: readonly (readonly [document: number, length: number])[], epoch = 0): PackedRow {
  const cuSeqlens = Int32Array.of(0, ...sequences.map(() => 0));
  for (const [n, [, length]] of sequences.entries()) cuSeqlens[n + 1] = cuSeqlens[n] + length;
  const ids = sequences.flatMap(([, length]) =>
    Array.from({ length }, (_, i) => (i === 0 ? CLS : i === length - 1 ? SEP : 500)),
  );
  return {
    ids: Int32Array.from(ids),
    cuSeqlens,
    maxSeqlen: Math.max(...sequences.map(([, length]) => length)),
    sequences: sequences.map(([document, length]) => ({ document, chunk: 0, epoch, length })),
  };
}

describe("createMlmMasker", () => {
  test.each([0.3, 0.15])("masks a share of %f, 80 % as [MASK], 10 % random, 10 % kept", (p) => {
    const T = 200_000;
    const { ids, labels, maskedPositions } = createMlmMasker(options)(row([[5, T]]), p);
    const masked = maskedPositions.length;
    const asMask = maskedPositions.filter((at) => ids[at] === MASK).length;
    const kept = maskedPositions.filter((at) => ids[at] === 500).length;
    expect(Math.abs(masked / T - p)).toBeLessThan(deviations(p, T));
    expect(Math.abs(asMask / masked - 0.8)).toBeLessThan(deviations(0.8, masked));
    expect(Math.abs(kept / masked - 0.1)).toBeLessThan(deviations(0.1, masked));
    expect(labels.filter((label) => label !== IGNORE_LABEL).length).toBe(masked);
  });

  test("random replacements are uniform over the vocabulary (χ², p > 1e-4)", () => {
    const { ids, maskedPositions } = createMlmMasker(options)(row([[0, 1_000_000]]), 0.5);
    const counts = Array.from({ length: 10 }, () => 0);
    const random = maskedPositions.filter((at) => ids[at] !== MASK && ids[at] !== 500);
    for (const at of random) counts[Math.floor(ids[at] / 100)]++;
    const expected = random.length / 10;
    expect(counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)).toBeLessThan(34);
  });

  test("outputs agree with each other and leave everything else as it was", () => {
    const sequences = fc.array(fc.tuple(fc.nat(1000), fc.integer({ min: 2, max: 50 })), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(sequences, fc.double({ min: 0.01, max: 1, noNaN: true }), fc.boolean(), (list, p, maskSpecials) => {
        const before = row(list);
        const original = before.ids.slice();
        const after = createMlmMasker({ ...options, maskSpecials })(before, p);
        expect(before.ids).toEqual(original);
        expect([...after.maskedPositions]).toEqual(
          [...after.labels.keys()].filter((at) => after.labels[at] !== IGNORE_LABEL),
        );
        expect(after.maskedLabels).toEqual(after.maskedPositions.map((at) => original[at]));
        expect(after.maskedPositions.length).toBeGreaterThan(0);
        for (const at of original.keys())
          if (after.labels[at] === IGNORE_LABEL) expect(after.ids[at]).toBe(original[at]);
        if (!maskSpecials && original.some((id) => id === 500))
          expect(after.maskedLabels.every((id) => id === 500)).toBe(true);
        if (p === 1)
          expect(after.maskedPositions.length).toBe(
            maskSpecials ? original.length : original.filter((id) => id === 500).length,
          );
      }),
    );
  });

  test("the mask of a sequence does not depend on the row it is in, and changes with epoch, document, chunk and seed", () => {
    const mask = createMlmMasker(options);
    const together = mask(
      row([
        [1, 200],
        [2, 300],
        [3, 250],
      ]),
      0.3,
    );
    const alone = mask(row([[2, 300]]), 0.3);
    expect(together.ids.slice(200, 500)).toEqual(alone.ids);
    expect(together.labels.slice(200, 500)).toEqual(alone.labels);
    expect(mask(row([[2, 300]], 1), 0.3).labels).not.toEqual(alone.labels);
    expect(mask(row([[4, 300]]), 0.3).labels).not.toEqual(alone.labels);
    expect(createMlmMasker({ ...options, seed: 18 })(row([[2, 300]]), 0.3).labels).not.toEqual(alone.labels);
    const chunk = { ...row([[2, 300]]), sequences: [{ document: 2, chunk: 1, epoch: 0, length: 300 }] };
    expect(mask(chunk, 0.3).labels).not.toEqual(alone.labels);
  });

  test("a higher probability only adds positions", () => {
    const mask = createMlmMasker(options);
    const more = new Set(mask(row([[7, 500]]), 0.3).maskedPositions);
    for (const at of mask(row([[7, 500]]), 0.15).maskedPositions) expect(more.has(at)).toBe(true);
  });

  test("a row that draws nothing still predicts one token", () => {
    const mask = createMlmMasker(options);
    const tiny = mask(row([[0, 3]]), 1e-9);
    expect([...tiny.maskedPositions]).toEqual([1]);
    expect([...tiny.maskedLabels]).toEqual([500]);
    expect(tiny.ids[1]).toBe(MASK);
    const specialsOnly = mask(row([[0, 2]]), 1e-9);
    expect(specialsOnly.maskedPositions.length).toBe(1);
    expect([CLS, SEP]).toContain(specialsOnly.maskedLabels[0]);
  });

  test("bad arguments", () => {
    expect(() => createMlmMasker(options)(row([[0, 5]]), 0)).toThrow(
      "[mlmMask] expected a mask probability in (0, 1], got 0",
    );
    expect(() => createMlmMasker(options)(row([[0, 5]]), Number.NaN)).toThrow("got NaN");
    const outside = row([[0, 5]]);
    outside.ids[2] = VOCAB;
    expect(() => createMlmMasker(options)(outside, 0.3)).toThrow("[mlmMask] expected token ids in 0..999, got 1000");
    expect(() => createMlmMasker({ ...options, maskId: VOCAB })).toThrow(
      "expected special id to be an integer in 0..999",
    );
  });
});
