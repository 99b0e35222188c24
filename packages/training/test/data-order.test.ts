import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DocumentOrder, epochPermutation } from "../src/index.ts";

/** Chi-square statistic of counts against the uniform distribution. */
function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((a, b) => a + b, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

describe("epochPermutation", () => {
  test("is a permutation that depends on seed and epoch", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.maxSafeNat(), fc.nat(1000), (count, seed, epoch) => {
        const order = epochPermutation(count, seed, epoch);
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
        expect(epochPermutation(count, seed, epoch)).toEqual(order);
        if (count >= 100) {
          expect(epochPermutation(count, seed, epoch + 1)).not.toEqual(order);
          expect(epochPermutation(count, seed === 0 ? 1 : seed - 1, epoch)).not.toEqual(order);
          expect(epochPermutation(count, (seed + 2 ** 40) % 2 ** 53, epoch)).not.toEqual(order);
        }
      }),
    );
  });

  test("does not change between versions: saved positions rely on it", () => {
    expect([...epochPermutation(12, 17, 0)]).toMatchInlineSnapshot(`
      [
        4,
        2,
        9,
        5,
        0,
        10,
        7,
        1,
        6,
        11,
        3,
        8,
      ]
    `);
    expect([...epochPermutation(12, 17, 3)]).toMatchInlineSnapshot(`
      [
        0,
        11,
        3,
        6,
        2,
        9,
        5,
        4,
        7,
        8,
        10,
        1,
      ]
    `);
  });

  test("every order of 5 documents is equally likely (χ², 119 degrees of freedom, p > 1e-4)", () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 24_000; seed++) {
      const name = epochPermutation(5, seed, seed % 7).join("");
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    expect(counts.size).toBe(120);
    expect(chiSquare([...counts.values()])).toBeLessThan(184);
  });

  test("every document is equally likely at every place, over epochs of one seed (χ², p > 1e-4)", () => {
    const count = 20;
    const places = Array.from({ length: count }, () => Array.from({ length: count }, () => 0));
    for (let epoch = 0; epoch < 4000; epoch++)
      for (const [place, document] of epochPermutation(count, 9176, epoch).entries()) places[place][document]++;
    // 19² = 361 degrees of freedom for the whole table.
    expect(places.reduce((sum, row) => sum + chiSquare(row), 0)).toBeLessThan(470);
  });
});

describe("DocumentOrder", () => {
  test("reads one epoch after another, then ends", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.nat(), (count, seed) => {
        const order = new DocumentOrder({ count, seed, epochs: 3 });
        for (let epoch = 0; epoch < 3; epoch++)
          for (const document of epochPermutation(count, seed, epoch))
            expect(order.next()).toEqual({ document, epoch });
        expect(order.next()).toBeUndefined();
      }),
    );
  });

  test("continues from any position", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(60), (count, stop) => {
        const first = new DocumentOrder({ count, seed: 3 });
        for (let i = 0; i < stop; i++) first.next();
        const second = new DocumentOrder({ count, seed: 3 }, first.state());
        for (let i = 0; i < 30; i++) expect(second.next()).toEqual(first.next());
      }),
    );
  });

  test("bad arguments say what is expected", () => {
    expect(() => new DocumentOrder({ count: 0, seed: 1 })).toThrow(
      /^\[DocumentOrder\] expected count to be an integer/,
    );
    expect(() => new DocumentOrder({ count: 5, seed: 1.5 }).next()).toThrow(/seed/);
  });
});
