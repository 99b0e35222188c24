import { describe, expect, test } from "vitest";
import { joinStores, maskedLmLoader, mixStores, MixtureOrder } from "../src/index.ts";
import type { DocumentStore, MaskedLmBatch, NamedStore, PackedLoaderState } from "../src/index.ts";
import { CLS, MASK, memoryStore, SEP, wrappedDocuments } from "./data-fixtures.ts";

const cut = { maxLength: 32 } as const;

/** Documents of one length. */
const source = (name: string, documents: number, length: number): NamedStore => ({
  name,
  store: { ...memoryStore(wrappedDocuments(Array.from({ length: documents }, () => length))), fingerprint: name },
});
const sources = [source("web", 50, 20), source("code", 7, 10), source("books", 3, 30)];

function loader(store: DocumentStore, state?: PackedLoaderState, changes: object = {}) {
  const mask = { maskId: MASK, specialIds: [CLS, SEP, MASK] };
  const settings = {
    seed: 17,
    rowLength: 64,
    rows: 2,
    clsId: CLS,
    sepId: SEP,
    maskProbability: 0.3,
    mask,
    bufferSize: 8,
  };
  return maskedLmLoader({ store, ...cut, ...settings, ...changes }, state);
}

/** Shares of tokens by source over many batches. */
function sharesOf(store: DocumentStore, batches = 3000): number[] {
  const given = loader(store);
  const sums: Record<string, number> = {};
  let tokens = 0;
  for (let at = 0; at < batches; at++) {
    const batch = given.next(tokens)!;
    tokens += batch.tokens;
    for (const [name, count] of Object.entries(batch.sourceTokens!)) sums[name] = (sums[name] ?? 0) + count;
  }
  expect(Object.values(sums).reduce((sum, count) => sum + count, 0)).toBe(tokens);
  return ["web", "code", "books"].map((name) => sums[name]! / tokens);
}

describe("shares of tokens", () => {
  test("follow the weights, whatever the lengths of documents", () => {
    const shares = sharesOf(mixStores(sources, cut, { weights: [2, 1, 1] }));
    for (const [at, share] of [0.5, 0.25, 0.25].entries()) expect(Math.abs(shares[at]! - share)).toBeLessThan(0.01);
  });

  test("follow tokens^temperature: 1 as they are, 0 all equal, 0.5 between", () => {
    const tokens = [1000, 70, 90];
    for (const temperature of [1, 0.5, 0]) {
      const powers = tokens.map((count) => count ** temperature);
      const sum = powers.reduce((total, power) => total + power, 0);
      const shares = sharesOf(mixStores(sources, cut, { temperature }), 1500);
      for (const [at, power] of powers.entries()) expect(Math.abs(shares[at]! - power / sum)).toBeLessThan(0.02);
    }
  });
});

describe("the order", () => {
  const { mixture } = mixStores(sources, cut, { weights: [2, 1, 1] });

  test("is a function of seed and position: any position at once, also far away", () => {
    const walked = new MixtureOrder(mixture!, 5);
    const all = Array.from({ length: 140_000 }, () => walked.next());
    for (const position of [0, 1, 65_535, 65_536, 131_071, 139_999])
      expect(new MixtureOrder(mixture!, 5, position).next()).toEqual(all[position]);
    expect(new MixtureOrder(mixture!, 6).next()).not.toEqual(all[0]);
    const far = 2 ** 50;
    expect(new MixtureOrder(mixture!, 5, far).next()).toEqual(new MixtureOrder(mixture!, 5).at(far));
  });

  test("reads each source through before it begins again", () => {
    const order = new MixtureOrder(mixture!, 5);
    const seen = new Map<string, number>();
    for (let at = 0; at < 70_000; at++) {
      const { document, epoch } = order.next();
      const key = `${epoch}/${document}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    expect(Math.max(...seen.values())).toBe(1);
    for (let epoch = 0; epoch < 100; epoch++)
      for (let document = 57; document < 60; document++) expect(seen.has(`${epoch}/${document}`)).toBe(true);
  });

  test("does not depend on the number of ranks, and goes on exactly without reading what came before", () => {
    const store = mixStores(sources, cut, { weights: [1, 3, 1] });
    const alone = loader(store);
    const two = [0, 1].map((rank) => loader(store, undefined, { rank, world: 2 }));
    for (let step = 0; step < 200; step++) {
      const state = JSON.parse(JSON.stringify(alone.state())) as PackedLoaderState;
      const batch = alone.next(0)!;
      const parts = two.map((each) => each.next(0)!);
      expect(parts.map(({ sourceTokens }) => sourceTokens)).toEqual([batch.sourceTokens, batch.sourceTokens]);
      expect(parts[0]!.rows.flatMap((row, at) => [row, parts[1]!.rows[at]!])).toEqual(batch.rows);
      if (step % 50 !== 49) continue;
      const reads = { count: 0 };
      const resumed = loader(counting(store, reads), state);
      expect(reads.count).toBeLessThanOrEqual(state.waiting.length);
      expect(resumed.next(0)).toEqual(batch);
    }
  });
});

/** Counts what is asked of a store. */
function counting(store: DocumentStore, reads: { count: number }): DocumentStore {
  const { documents, vocabSize, fingerprint, mixture } = store;
  return {
    documents,
    vocabSize,
    fingerprint,
    ...(mixture ? { mixture } : {}),
    documentLength(document) {
      reads.count++;
      return store.documentLength(document);
    },
    copyDocument(...range) {
      store.copyDocument(...range);
    },
  };
}

test("joined stores give every document of every source once", () => {
  const store = joinStores(sources);
  const epoch = loader(store, undefined, { epochs: 1 });
  const found: number[] = [];
  let batch: MaskedLmBatch | undefined;
  while ((batch = epoch.next(0)))
    for (const { sequences } of batch.rows) found.push(...sequences.map((s) => s.document));
  expect(found.sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, at) => at));
  expect(store.documentLength(49)).toBe(20);
  expect(store.documentLength(50)).toBe(10);
});

test("other weights are other data; what cannot be is refused", () => {
  const { state } = { state: loader(mixStores(sources, cut, { weights: [2, 1, 1] })).state() };
  expect(() => loader(mixStores(sources, cut, { weights: [1, 1, 1] }), state)).toThrow(
    /expected to continue with data/,
  );
  expect(() => mixStores(sources, cut, { weights: [1, 0, 1] })).toThrow("[mixStores] expected weights above 0, got 0");
  expect(() => mixStores(sources, cut, { weights: [1] })).toThrow("expected 3 weights, got 1");
  expect(() => loader(mixStores(sources, cut), undefined, { epochs: 1 })).toThrow("expected no epochs of a mixture");
  const other = { name: "other", store: memoryStore([[1]], 70) };
  expect(() => joinStores([...sources, other])).toThrow("got 70 in other; tokenize all with one tokenizer");
});
