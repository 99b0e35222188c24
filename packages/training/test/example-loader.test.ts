import { array, assert, integer, property } from "fast-check";
import { expect, test } from "vitest";
import { ExampleLoader, packExamples } from "../src/data/examples/example-loader.ts";
import type { ExampleLoaderOptions } from "../src/data/examples/example-loader.ts";
import { rowOfExamples } from "../src/data/examples/example-row.ts";
import { ExampleStore } from "../src/data/examples/example-store.ts";

/** Example n has 1 + n % 3 sequences, whose ids name it, and the values n, n + 1, …, as many as it has sequences. */
function storeOf(count: number, width = 5): ExampleStore {
  const store = new ExampleStore();
  for (let n = 0; n < count; n++) {
    const sequences = Array.from({ length: 1 + (n % 3) }, (_, at) => new Int32Array(1 + ((n + at) % width)).fill(n));
    store.add({ sequences, values: sequences.map((_, at) => n + at), note: { n }, cut: false });
  }
  return store;
}

const options = (changes: Partial<ExampleLoaderOptions> = {}): ExampleLoaderOptions => ({
  store: storeOf(23),
  seed: 5,
  examples: 4,
  rowLength: 16,
  weightOf: ({ examples }) => examples.length,
  ...changes,
});

const take = (loader: ExampleLoader, steps: number): unknown[] => Array.from({ length: steps }, () => loader.next());

/** The examples of each step, over all ranks. */
function stepsOf(world: number): number[][] {
  const loaders = Array.from({ length: world }, (_, rank) => new ExampleLoader(options({ world, rank, epochs: 2 })));
  return Array.from({ length: 12 }, () =>
    loaders.flatMap((loader) => loader.next()!.rows.flatMap(({ examples }) => examples)).sort((a, b) => a - b),
  );
}

test("a row holds what the store was given", () => {
  const store = storeOf(9);
  const row = rowOfExamples(store, [4, 7, 2]);
  expect([...row.firstSequence]).toEqual([0, 2, 4, 7]);
  for (const [at, n] of [4, 7, 2].entries()) {
    const [first, end] = [row.firstSequence[at]!, row.firstSequence[at + 1]!];
    for (let sequence = first; sequence < end; sequence++) {
      const ids = row.ids.subarray(row.cuSeqlens[sequence], row.cuSeqlens[sequence + 1]);
      expect([...ids]).toEqual(Array.from({ length: 1 + ((n + sequence - first) % 5) }, () => n));
    }
    expect([...row.values[at]!]).toEqual(Array.from({ length: end - first }, (_, index) => n + index));
    expect(row.notes[at]).toEqual({ n });
  }
});

test("token types stay with their tokens; a sequence without has type 0", () => {
  const store = new ExampleStore();
  const typed = { ids: Int32Array.of(1, 5, 2, 6, 2), typeIds: Int32Array.of(0, 0, 0, 1, 1) };
  store.add({ sequences: [Int32Array.of(1, 2), typed], values: [0], cut: false });
  store.add({ sequences: [typed], values: [1], cut: false });
  const row = rowOfExamples(store, [1, 0]);
  expect([...row.ids]).toEqual([1, 5, 2, 6, 2, 1, 2, 1, 5, 2, 6, 2]);
  expect([...row.typeIds]).toEqual([0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 1]);
});

test("every example once in an epoch, whatever the number of ranks, in the same steps", () => {
  const alone = stepsOf(1);
  expect(stepsOf(3)).toEqual(alone);
  for (const epoch of [alone.slice(0, 6), alone.slice(6)])
    expect(epoch.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 23 }, (_, n) => n));
  expect(alone.slice(0, 6)).not.toEqual(alone.slice(6));
});

test("goes on bit for bit, over the border of an epoch too, and with another number of ranks", () => {
  const expected = take(new ExampleLoader(options()), 14);
  for (const done of [1, 5, 6, 9]) {
    const first = new ExampleLoader(options({ world: 2, rank: 0 }));
    take(first, done);
    const second = new ExampleLoader(options(), JSON.parse(JSON.stringify(first.state())));
    expect(take(second, 14 - done)).toEqual(expected.slice(done));
  }
});

test.each([
  ["seed", { seed: 6 }],
  ["examples", { examples: 5 }],
  ["data", { store: storeOf(23, 4) }],
])("another %s is refused", (name, changes) => {
  const { ...state } = new ExampleLoader(options()).state();
  expect(() => new ExampleLoader(options(changes), state)).toThrow(`expected to continue with ${name} =`);
});

test("an example that no row holds is refused", () => {
  expect(() => new ExampleLoader(options({ rowLength: 5 }))).toThrow("raise batch.micro_batch_tokens");
});

test("packing loses nothing, overfills nothing, and needs at most 22 % more rows than the tokens", () => {
  assert(
    property(array(integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 60 }), (lengths) => {
      const examples = lengths.map((_, at) => at);
      const rows = packExamples(examples, (at) => lengths[at]!, 20);
      expect(rows.flat().sort((a, b) => a - b)).toEqual(examples);
      const full = rows.map((row) => row.reduce((sum, at) => sum + lengths[at]!, 0));
      expect(Math.max(...full)).toBeLessThanOrEqual(20);
      // Two rows that are at most half full would be one.
      expect(full.filter((tokens) => tokens <= 10).length).toBeLessThanOrEqual(1);
    }),
  );
});
