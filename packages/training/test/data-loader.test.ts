import * as fc from "fast-check";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { IGNORE_LABEL, openTokenShards, maskedLmLoader, TokenShardWriter } from "../src/index.ts";
import type {
  BatchLoader,
  DocumentStore,
  MaskedLmBatch,
  MaskedRow,
  MaskedLmLoaderOptions,
  PackedLoaderState,
} from "../src/index.ts";
import { CLS, logNormalLengths, MASK, memoryStore, SEP, temporaryFolder, wrappedDocuments } from "./data-fixtures.ts";

function options(store: DocumentStore, changes: Partial<MaskedLmLoaderOptions> = {}): MaskedLmLoaderOptions {
  return {
    store,
    seed: 17,
    rowLength: 64,
    rows: 2,
    maxLength: 32,
    clsId: CLS,
    sepId: SEP,
    maskProbability: 0.3,
    mask: { maskId: MASK, specialIds: [CLS, SEP, MASK] },
    bufferSize: 8,
    ...changes,
  };
}

function rest(loader: BatchLoader<MaskedRow>): MaskedLmBatch[] {
  const batches: MaskedLmBatch[] = [];
  for (let batch = loader.next(0); batch !== undefined; batch = loader.next(0)) batches.push(batch);
  return batches;
}

/** The tokens of every sequence before masking, by document and chunk. */
function sequencesOf(batches: readonly MaskedLmBatch[]): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const row of batches.flatMap((batch) => batch.rows))
    for (const [n, { document, chunk, epoch }] of row.sequences.entries()) {
      const tokens = [];
      for (let at = row.cuSeqlens[n]; at < row.cuSeqlens[n + 1]; at++)
        tokens.push(row.labels[at] === IGNORE_LABEL ? row.ids[at] : row.labels[at]);
      const key = `${epoch}/${document}/${chunk}`;
      expect(found.has(key)).toBe(false);
      found.set(key, tokens);
    }
  return found;
}

/** The masked tokens of every sequence, by document and chunk. */
function masks(batches: readonly MaskedLmBatch[]): Map<string, string> {
  return new Map(
    batches.flatMap((batch) =>
      batch.rows.flatMap((row) =>
        row.sequences.map(({ document, chunk }, n) => [
          `${document}/${chunk}`,
          [...row.ids.subarray(row.cuSeqlens[n], row.cuSeqlens[n + 1])].join(" "),
        ]),
      ),
    ),
  );
}

const lengths = fc.array(fc.integer({ min: 3, max: 90 }), { minLength: 1, maxLength: 40 });

describe("PackedLoader", () => {
  test("never loses, duplicates or reorders a token of a document, over ranks, epochs and chunks", () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 3 }), fc.nat(), (list, world, seed) => {
        const documents = wrappedDocuments(list);
        const store = memoryStore(documents);
        const batches = Array.from({ length: world }, (_, rank) =>
          rest(maskedLmLoader(options(store, { seed, world, rank, epochs: 2 }))),
        ).flat();
        const found = sequencesOf(batches);
        for (const epoch of [0, 1])
          for (const [d, document] of documents.entries()) {
            const bodies: number[] = [];
            for (let chunk = 0; found.has(`${epoch}/${d}/${chunk}`); chunk++) {
              const tokens = found.get(`${epoch}/${d}/${chunk}`)!;
              expect(tokens.length).toBeLessThanOrEqual(32);
              expect([tokens[0], tokens.at(-1)]).toEqual([CLS, SEP]);
              bodies.push(...tokens.slice(1, -1));
              found.delete(`${epoch}/${d}/${chunk}`);
            }
            expect([CLS, ...bodies, SEP]).toEqual(document);
          }
        expect(found.size).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test("rows are well formed: cu_seqlens rise from 0 to T, lengths and counts agree", () => {
    fc.assert(
      fc.property(lengths, (list) => {
        for (const batch of rest(maskedLmLoader(options(memoryStore(wrappedDocuments(list)), { epochs: 1 })))) {
          for (const row of batch.rows) {
            const { ids, cuSeqlens, sequences, maxSeqlen } = row;
            expect([cuSeqlens[0], cuSeqlens.at(-1), cuSeqlens.length]).toEqual([0, ids.length, sequences.length + 1]);
            const spans = sequences.map((_, n) => cuSeqlens[n + 1] - cuSeqlens[n]);
            expect(Math.min(...spans)).toBeGreaterThan(0);
            expect(Math.max(...spans)).toBe(maxSeqlen);
            expect(spans).toEqual(sequences.map((sequence) => sequence.length));
            expect(ids.length).toBeLessThanOrEqual(64);
            expect(row.maskedPositions.length).toBeGreaterThan(0);
          }
          expect(batch.tokens).toBe(batch.rows.reduce((sum, row) => sum + row.ids.length, 0));
          expect(batch.weight).toBe(batch.rows.reduce((sum, row) => sum + row.maskedPositions.length, 0));
          expect(batch.packingEfficiency).toBe(batch.tokens / 128);
        }
      }),
      { numRuns: 40 },
    );
  });

  test("continues bit for bit from its state, taken at any point and carried as JSON", () => {
    fc.assert(
      fc.property(lengths, fc.nat(12), fc.integer({ min: 1, max: 2 }), (list, stop, world) => {
        const settings = options(memoryStore(wrappedDocuments(list)), { epochs: 3, world, rank: world - 1 });
        const first = maskedLmLoader(settings);
        for (let i = 0; i < stop; i++) first.next(0);
        const state = JSON.parse(JSON.stringify(first.state())) as PackedLoaderState;
        const alone = maskedLmLoader({ ...settings, world: 1, rank: 0 });
        for (let i = 0; i < stop; i++) alone.next(0);
        expect(alone.state()).toEqual(state);
        const second = maskedLmLoader(settings, state);
        expect(second.state()).toEqual(first.state());
        expect(rest(second)).toEqual(rest(first));
        expect(second.state()).toEqual(first.state());
      }),
      { numRuns: 60 },
    );
  });

  test("masks do not depend on ranks or on the shape of batches; evaluations repeat them", () => {
    const store = memoryStore(wrappedDocuments(Array.from({ length: 50 }, (_, i) => 3 + ((i * 17) % 60))));
    const one = rest(maskedLmLoader(options(store, { epochs: 1 })));
    const wide = { epochs: 1, rowLength: 500, rows: 1, world: 2 };
    const two = [0, 1].flatMap((rank) => rest(maskedLmLoader(options(store, { ...wide, rank }))));
    expect(masks(two)).toEqual(masks(one));
    expect(rest(maskedLmLoader(options(store, { epochs: 1 })))).toEqual(one);
  });

  test("truncate keeps the first piece and closes it with [SEP]; documents without [CLS] and [SEP] get none", () => {
    const wrapped = memoryStore(wrappedDocuments([100]));
    const [[, truncated]] = sequencesOf(
      rest(maskedLmLoader(options(wrapped, { epochs: 1, longDocuments: "truncate" }))),
    );
    expect(truncated).toEqual([...wrappedDocuments([100])[0].slice(0, 31), SEP]);
    const bare = Array.from({ length: 70 }, (_, i) => 100 + i);
    const pieces = sequencesOf(rest(maskedLmLoader(options(memoryStore([bare]), { epochs: 1 }))));
    expect([...pieces.values()].map((piece) => piece.length).sort()).toEqual([32, 32, 6].sort());
    expect(["0/0/0", "0/0/1", "0/0/2"].flatMap((key) => pieces.get(key)!)).toEqual(bare);
  });

  test("ranks share the rows of every batch of one process, in its order", () => {
    const store = memoryStore(wrappedDocuments(Array.from({ length: 50 }, (_, i) => 3 + ((i * 17) % 60))));
    const [one, ...others] = [1, 2, 3].map((world) =>
      Array.from({ length: world }, (_, rank) => rest(maskedLmLoader(options(store, { epochs: 1, world, rank })))),
    );
    for (const [more, ranks] of others.entries())
      for (const [at, batch] of one[0].entries()) {
        const world = more + 2;
        expect(batch.rows.map((_, row) => ranks[row % world][at].rows[Math.floor(row / world)])).toEqual(batch.rows);
        expect(ranks.reduce((sum, rank) => sum + rank[at].weight, 0)).toBe(batch.weight);
        expect(ranks.map((rank) => rank[at].packingEfficiency)).toEqual(ranks.map(() => batch.packingEfficiency));
      }
  });

  test("rows and mask probability follow their schedules in tokens of all ranks", () => {
    const store = memoryStore(wrappedDocuments(Array.from({ length: 40 }, () => 32)));
    const seen: number[] = [];
    const rows = (tokens: number): number => (seen.push(tokens), tokens < 256 ? 2 : 4);
    const loader = maskedLmLoader(
      options(store, { rows, world: 2, rank: 1, maskProbability: (t) => (t === 0 ? 1 : 0.1) }),
    );
    const clock = [0, 128, 256, 512];
    const batches = clock.map((tokens) => loader.next(tokens)!);
    expect(batches.map((batch) => batch.rows.length)).toEqual([1, 1, 2, 2]);
    expect(seen).toEqual(clock);
    expect(batches[0].weight).toBe(60);
    expect(batches[1].weight).toBeLessThan(30);
  });

  test("real shards with web-like lengths are packed to ≥ 99 %", () => {
    const directory = join(temporaryFolder(), "set");
    const writer = new TokenShardWriter({ directory, vocabSize: 1000, fingerprint: "f", shardTokens: 500_000 });
    const length = logNormalLengths(5, 400, 20_000);
    for (const document of wrappedDocuments(Array.from({ length: 3000 }, length))) writer.add(document);
    writer.finish();
    const loader = maskedLmLoader(
      options(openTokenShards(directory), { rowLength: 4096, rows: 4, maxLength: 1024, bufferSize: 512 }),
    );
    let efficiency = 0;
    for (let i = 0; i < 100; i++) efficiency += loader.next(0)!.packingEfficiency / 100;
    expect(efficiency).toBeGreaterThanOrEqual(0.99);
    expect(JSON.stringify(loader.state()).length).toBeLessThan(10_000);
  });

  test("a state of other data or settings, and impossible settings, are refused", () => {
    const store = memoryStore(wrappedDocuments([10, 20]));
    const state = maskedLmLoader(options(store)).state();
    expect(() => maskedLmLoader(options(store, { seed: 18 }), state)).toThrow(
      "[PackedLoader] expected to continue with seed = 17, got 18; set it back, or start anew",
    );
    expect(() => maskedLmLoader(options({ ...store, fingerprint: "other" }), state)).toThrow(
      'data = "memory", got "other"',
    );
    expect(() => maskedLmLoader(options(store), { ...state, version: 2 as 1 })).toThrow("state of version 1, got 2");
    const ofParts = { ...state, settings: { ...state.settings, rank: 0, world: 2 } };
    expect(() => maskedLmLoader(options(store), ofParts)).toThrow("expected to continue with world = 2, got 1");
    expect(() => maskedLmLoader(options(store, { rank: 2, world: 2 }))).toThrow(/rank .* 0\.\.1, got 2/);
    expect(() => maskedLmLoader(options(store, { maxLength: 65 }))).toThrow(
      "expected maxLength to be an integer in 3..64",
    );
    expect(() => maskedLmLoader(options(store, { rows: () => 1.5 })).next(0)).toThrow("expected rows to be an integer");
  });
});
