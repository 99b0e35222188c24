/** Properties of the pool, over random histories of takes, gives, trims and captures: nothing twice, nothing lost, exact accounts. */
import { TensorError } from "@modernbert-ts/tensor-core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Pool } from "../src/index.ts";
import type { Block, Heap, PoolOptions } from "../src/index.ts";
import { sizeClass } from "../src/memory/pool.ts";

interface Piece extends Block {
  readonly serial: number;
}

/** A heap with room for `room` bytes that knows what is out. */
class CountingHeap implements Heap<Piece> {
  readonly out = new Set<Piece>();
  readonly #room: number;
  #serial = 0;

  constructor(room = Infinity) {
    this.#room = room;
  }

  get bytes(): number {
    return sum(this.out);
  }

  allocate(bytes: number): Piece | undefined {
    if (this.bytes + bytes > this.#room) return undefined;
    const piece = { serial: this.#serial++, bytes };
    this.out.add(piece);
    return piece;
  }

  free(piece: Piece): void {
    expect(this.out.delete(piece), "freed once, and only what was allocated").toBe(true);
  }
}

function sum(pieces: Iterable<Block>): number {
  return [...pieces].reduce((total, { bytes }) => total + bytes, 0);
}

function pick<T>(from: Iterable<T>, which: number): T | undefined {
  const all = [...from];
  return all[which % Math.max(1, all.length)];
}

function poolOver(heap: CountingHeap, options: PoolOptions = {}): Pool<Piece> {
  return new Pool(heap, options);
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("take" as const), bytes: fc.integer({ min: 0, max: 5000 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("give" as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("touch" as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("trim" as const), bytes: fc.integer({ min: 0, max: 9000 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("drop" as const), which: fc.nat() }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
/** Steps outside captures, and stretches that a capture records. */
const history = fc.array(fc.oneof({ weight: 3, arbitrary: step }, fc.array(step, { maxLength: 12 })), {
  maxLength: 40,
});

describe("any history", () => {
  test("keeps the laws", () => {
    fc.assert(
      fc.property(history, fc.constantFrom(0, 4000, Infinity), (stretches, maxCachedBytes) => {
        const heap = new CountingHeap();
        const pool = poolOver(heap, { maxCachedBytes });
        const taken = new Set<Piece>();
        /** Live captures: what each holds, and how it ends. */
        const captures: { held: Set<Piece>; release: () => void }[] = [];

        function run(each: Step, open?: Set<Piece>): void {
          if (each.kind === "take") {
            const piece = pool.take(each.bytes);
            expect(piece.bytes).toBeGreaterThanOrEqual(each.bytes);
            expect(taken.has(piece), "handed out twice").toBe(false);
            expect(
              captures.some(({ held }) => held.has(piece)),
              "held by a live capture",
            ).toBe(false);
            taken.add(piece);
            open?.add(piece);
          } else if (each.kind === "give") {
            const piece = pick(taken, each.which);
            if (piece === undefined) return;
            taken.delete(piece);
            pool.give(piece);
          } else if (each.kind === "touch") {
            const piece = pick(taken, each.which);
            if (piece === undefined) return;
            pool.touch(piece);
            open?.add(piece);
          } else if (open !== undefined) {
            expect(() => pool.trim()).toThrow("[capture] expected no trim while commands are recorded");
          } else if (each.kind === "trim") {
            pool.trim(each.bytes);
            expect(pool.stats().cachedBytes).toBeLessThanOrEqual(each.bytes);
          } else {
            const capture = pick(captures, each.which);
            if (capture === undefined) return;
            captures.splice(captures.indexOf(capture), 1);
            capture.release();
            capture.release();
          }
        }

        for (const stretch of stretches) {
          if (Array.isArray(stretch)) {
            const held = new Set<Piece>();
            const { release } = pool.capture(() => stretch.forEach((each) => run(each, held)));
            captures.push({ held, release });
          } else run(stretch);
          const { activeBytes, cachedBytes, peakBytes } = pool.stats();
          const active = new Set([...taken, ...captures.flatMap(({ held }) => [...held])]);
          expect(activeBytes).toBe(sum(active));
          expect(activeBytes + cachedBytes).toBe(heap.bytes);
          expect(peakBytes).toBeGreaterThanOrEqual(activeBytes);
          expect(cachedBytes).toBeLessThanOrEqual(maxCachedBytes);
        }
        for (const { release } of captures) release();
        for (const piece of taken) pool.give(piece);
        expect(pool.stats().activeBytes).toBe(0);
        expect(pool.stats().cachedBytes).toBeLessThanOrEqual(maxCachedBytes);
        pool.destroy();
        expect(heap.out.size).toBe(0);
      }),
      { numRuns: 1000 },
    );
  });

  test("a history that repeats allocates nothing new", () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 100_000 }), { maxLength: 20 });
    fc.assert(
      fc.property(sizes, (requests) => {
        const pool = poolOver(new CountingHeap());
        const round = (): void => requests.map((bytes) => pool.take(bytes)).forEach((piece) => pool.give(piece));
        for (let rounds = 0; rounds < 3; rounds++) round();
        const { allocations } = pool.stats();
        round();
        expect(pool.stats().allocations).toBe(allocations);
      }),
    );
  });
});

describe("captures", () => {
  test("take again what they took and gave back, never what was there before", () => {
    const pool = poolOver(new CountingHeap());
    const before = pool.take(64);
    pool.capture(() => {
      pool.touch(before);
      pool.give(before);
      const first = pool.take(64);
      expect(first).not.toBe(before);
      pool.give(first);
      expect(pool.take(64)).toBe(first);
    });
  });

  test("hold what they used after it was given back, until the last of them ends", () => {
    const pool = poolOver(new CountingHeap());
    const shared = pool.take(64);
    const replays = [0, 1].map(() => pool.capture(() => pool.touch(shared)));
    pool.give(shared);
    for (const { release } of replays) {
      expect(pool.take(64)).not.toBe(shared);
      release();
    }
    expect(pool.take(64)).toBe(shared);
  });

  test("that fail hold nothing, and one at a time records", () => {
    const pool = poolOver(new CountingHeap());
    const failing = (): never => {
      pool.give(pool.take(64));
      throw new Error("stop");
    };
    expect(() => pool.capture(failing)).toThrow("stop");
    expect(pool.stats()).toMatchObject({ activeBytes: 0, cachedBytes: 64 });
    pool.capture(() => {
      expect(() => pool.capture(() => undefined)).toThrow("[capture] expected no other capture");
      expect(() => pool.checkNotRecording("read")).toThrow("[capture] expected no read while commands are recorded");
    });
    pool.checkNotRecording("read");
  });

  test("keep the limit of cached bytes once they end", () => {
    const heap = new CountingHeap();
    const pool = poolOver(heap, { maxCachedBytes: 0 });
    const unused = pool.take(64);
    pool.capture(() => pool.give(unused));
    expect(heap.out.size).toBe(0);
  });

  test("may outlive the pool", () => {
    const heap = new CountingHeap();
    const pool = poolOver(heap);
    const { release } = pool.capture(() => pool.give(pool.take(64)));
    pool.destroy();
    release();
    expect(heap.out.size).toBe(0);
    expect(pool.stats()).toMatchObject({ activeBytes: 0, cachedBytes: 0 });
  });
});

describe("sizes", () => {
  test("a class loses at most an eighth, or a granule", () => {
    const granules = fc.constantFrom(64, 256);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 40 }), granules, (bytes, granule) => {
        const size = sizeClass(bytes, granule);
        expect(size % granule).toBe(0);
        expect(size).toBeGreaterThanOrEqual(bytes);
        expect(size - bytes).toBeLessThanOrEqual(Math.max(granule, bytes / 8));
      }),
    );
  });

  test("a class is never above the largest block, and a request above it is refused", () => {
    const pool = poolOver(new CountingHeap(), { granule: 256, maxBlockBytes: 1000 });
    expect(pool.take(990).bytes).toBe(1000);
    expect(() => pool.take(1001)).toThrow("[allocate] expected at most 1000 bytes, got 1001");
  });

  test("without room the cache is given up first, then the request refused", () => {
    const heap = new CountingHeap(1000);
    const pool = poolOver(heap);
    const half = pool.take(512);
    pool.give(pool.take(256));
    const other = pool.take(448);
    expect(pool.stats()).toMatchObject({ activeBytes: 960, cachedBytes: 0, allocations: 3 });
    expect(() => pool.take(64)).toThrow(TensorError);
    expect(() => pool.take(64)).toThrow("[allocate] expected room for 64 bytes, got none");
    for (const piece of [half, other]) pool.give(piece);
    expect(pool.take(900).bytes).toBe(960);
  });

  test("claimed memory is fresh and not counted", () => {
    const heap = new CountingHeap();
    const pool = poolOver(heap);
    pool.give(pool.take(64));
    const claimed = pool.claim(64);
    expect(pool.stats()).toMatchObject({ activeBytes: 0, cachedBytes: 64, allocations: 1 });
    pool.discard(claimed);
    expect(heap.bytes).toBe(64);
  });
});
