import * as fc from "fast-check";
import { expect, test } from "vitest";
import { takeBatch } from "../src/batching/take-batch.ts";
import type { BatchLimits, Packable } from "../src/batching/take-batch.ts";

interface Entry extends Packable {
  readonly id: number;
}

const entry = (id: number, tokens: number, key = "embed", alone = false): Entry => ({
  id,
  key,
  tokens,
  alone,
  skipped: 0,
});
const take = (queue: Entry[], maxTokens: number, maxRequests = 1000): number[] =>
  takeBatch(queue, { maxTokens, maxRequests }).map(({ id }) => id);

test("fills the budget with later entries that fit", () => {
  const queue = [entry(0, 60), entry(1, 50), entry(2, 30), entry(3, 20), entry(4, 10)];
  expect(take(queue, 100)).toEqual([0, 2, 4]);
  expect(queue.map(({ id }) => id)).toEqual([1, 3]);
});

test("keeps different tasks apart, and what must be alone alone", () => {
  const queue = [entry(0, 1), entry(1, 1, "other"), entry(2, 1, "embed", true), entry(3, 1), entry(4, 1, "other")];
  expect(take(queue, 100)).toEqual([0, 3]);
  expect(take(queue, 100)).toEqual([1, 4]);
  expect(take(queue, 100)).toEqual([2]);
});

test("takes an entry above the budget by itself, and no more entries than allowed", () => {
  expect(take([entry(0, 500), entry(1, 1)], 100)).toEqual([0]);
  expect(take([entry(0, 1), entry(1, 1), entry(2, 1)], 100, 2)).toEqual([0, 1]);
});

test("an entry that was passed over four times is not overtaken again", () => {
  const large = entry(99, 50);
  const queue = [entry(0, 60), large, entry(1, 1)];
  for (let round = 1; round <= 4; round++) {
    expect(take(queue, 100)).toContain(round);
    queue.splice(0, queue.length, entry(0, 60), large, entry(round + 1, 1));
  }
  expect(take(queue, 100)).toEqual([0]);
  expect(take(queue, 100)).toEqual([99, 5]);
});

test("everything queued is taken once, in bounded batches, the oldest first", () => {
  const entries = fc.array(
    fc.record({ tokens: fc.integer({ min: 1, max: 150 }), key: fc.constantFrom("a", "b"), alone: fc.boolean() }),
  );
  const limits = fc.record({
    maxTokens: fc.integer({ min: 1, max: 200 }),
    maxRequests: fc.integer({ min: 1, max: 8 }),
  });
  fc.assert(
    fc.property(entries, limits, (list, given: BatchLimits) => {
      const queue = list.map(({ tokens, key, alone }, id) => entry(id, tokens, key, alone));
      const taken: number[] = [];
      while (queue.length > 0) {
        const oldest = queue[0]!;
        const batch = takeBatch(queue, given);
        expect(batch[0]).toBe(oldest);
        expect(new Set(batch.map(({ key }) => key)).size).toBe(1);
        expect(batch.length).toBeLessThanOrEqual(given.maxRequests);
        if (batch.length > 1) {
          expect(batch.reduce((sum, { tokens }) => sum + tokens, 0)).toBeLessThanOrEqual(given.maxTokens);
          expect(batch.some(({ alone }) => alone)).toBe(false);
        }
        taken.push(...batch.map(({ id }) => id));
      }
      expect(taken.sort((a, b) => a - b)).toEqual(list.map((_, id) => id));
    }),
  );
});
