import * as fc from "fast-check";
import { expect, test } from "vitest";
import { FairQueue } from "../src/batching/fair-queue.ts";
import type { BatchLimits, Packable } from "../src/batching/take-batch.ts";

interface Item extends Packable {
  readonly id: number;
}

const item = (id: number, tokens: number, key = "embed", alone = false): Item => ({ id, key, tokens, alone });
const filled = (...requests: (readonly Item[])[]): FairQueue<Item> => {
  const queue = new FairQueue<Item>();
  for (const request of requests) queue.add(request);
  return queue;
};
const take = (queue: FairQueue<Item>, maxTokens: number, maxRequests = 1000): number[] =>
  queue.take(() => ({ maxTokens, maxRequests })).map(({ id }) => id);

test("fills the budget with later entries that fit", () => {
  const queue = filled([item(0, 60), item(1, 50), item(2, 30), item(3, 20), item(4, 10)]);
  expect(take(queue, 100)).toEqual([0, 2, 4]);
  expect(take(queue, 100)).toEqual([1, 3]);
  expect(take(queue, 100)).toEqual([]);
});

test("keeps different tasks apart, and what must be alone alone", () => {
  const queue = filled([item(0, 1), item(1, 1, "other"), item(2, 1, "embed", true), item(3, 1), item(4, 1, "other")]);
  expect([take(queue, 100), take(queue, 100), take(queue, 100)]).toEqual([[0, 3], [1, 4], [2]]);
});

test("takes an entry above the budget by itself, and no more entries than allowed", () => {
  expect(take(filled([item(0, 500), item(1, 1)]), 100)).toEqual([0]);
  expect(take(filled([item(0, 1), item(1, 1), item(2, 1)]), 100, 2)).toEqual([0, 1]);
});

test.each([
  ["of long texts", 32, 8000],
  ["of many short texts", 10_000, 25],
])("a single that comes at any time beside a bulk %s is in the next batch or the one after", (_of, count, tokens) => {
  const queue = filled(Array.from({ length: count }, (_, index) => item(index, tokens)));
  const waited: number[] = [];
  let waiting: { id: number; batches: number } | undefined;
  for (let id = 1_000_000; ; id++) {
    if (!waiting) queue.add([item((waiting = { id, batches: 0 }).id, 7)]);
    const batch = take(queue, 8192);
    if (batch.length === 1 && batch[0]! >= 1_000_000) break; // the bulk is done
    waiting.batches++;
    if (!batch.includes(waiting.id)) continue;
    waited.push(waiting.batches);
    waiting = undefined;
  }
  expect(waited.length).toBeGreaterThan(20);
  expect(Math.max(...waited)).toBeLessThanOrEqual(2);
});

const bulk = (from: number, tokens: number): Item[] =>
  Array.from({ length: 400 / tokens }, (_, index) => item(from + index, tokens));

test("bulks take turns by tokens, whoever came first", () => {
  const queue = filled(bulk(0, 100), bulk(1000, 50));
  const tokens = [0, 0];
  for (let batch = 0; batch < 4; batch++) {
    for (const id of take(queue, 100)) tokens[id < 1000 ? 0 : 1]! += id < 1000 ? 100 : 50;
  }
  expect(tokens.every((share) => share >= 100)).toBe(true);
});

test("what fills a batch by itself is not starved by singles that keep coming", () => {
  const queue = filled([item(0, 100), item(1, 100)], [item(2, 100)]);
  const begun: number[] = [];
  for (let id = 10; begun.length < 3; id++) {
    queue.add([item(id, 60)]);
    queue.add([item(id + 1000, 60)]);
    begun.push(...take(queue, 100).filter((taken) => taken < 10));
    expect(id).toBeLessThan(30);
  }
});

test("what is put back comes first again, one by one; what is removed does not come", () => {
  const items = [item(0, 1), item(1, 1), item(2, 1), item(3, 1)];
  const queue = filled(items);
  expect(take(queue, 100, 3)).toEqual([0, 1, 2]);
  queue.putBack(items.slice(0, 3));
  queue.remove(new Set([items[1]!]));
  expect([take(queue, 100), take(queue, 100), take(queue, 100)]).toEqual([[0], [2], [3]]);
});

test("everything queued is taken once, in bounded batches", () => {
  const requests = fc.array(
    fc.array(
      fc.record({ tokens: fc.integer({ min: 1, max: 150 }), key: fc.constantFrom("a", "b"), alone: fc.boolean() }),
    ),
  );
  const limits = fc.record({
    maxTokens: fc.integer({ min: 1, max: 200 }),
    maxRequests: fc.integer({ min: 1, max: 8 }),
  });
  fc.assert(
    fc.property(requests, limits, (lists, given: BatchLimits) => {
      let id = 0;
      const queue = filled(
        ...lists.map((list) => list.map(({ tokens, key, alone }) => item(id++, tokens, key, alone))),
      );
      const taken: number[] = [];
      for (let batch = queue.take(() => given); batch.length > 0; batch = queue.take(() => given)) {
        expect(new Set(batch.map(({ key }) => key)).size).toBe(1);
        expect(batch.length).toBeLessThanOrEqual(given.maxRequests);
        if (batch.length > 1) {
          expect(batch.reduce((sum, { tokens }) => sum + tokens, 0)).toBeLessThanOrEqual(given.maxTokens);
          expect(batch.some(({ alone }) => alone)).toBe(false);
        }
        taken.push(...batch.map((each) => each.id));
      }
      expect(taken.sort((a, b) => a - b)).toEqual(Array.from({ length: id }, (_, index) => index));
    }),
  );
});
