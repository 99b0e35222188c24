/** A forward pass captured for a bucket and replayed on batches of other ids, borders and positions. */
import { bucketOf, padToBucket, pool } from "@modernbert-ts/encoder";
import * as fc from "fast-check";
import { expect, it, vi } from "vitest";
import { packSequences } from "../src/index.ts";
import type { PackedBatch } from "../src/index.ts";
import { relativeError } from "./support/compare.ts";
import { onEveryEngine } from "./support/engines.ts";
import { smallModel, someIds } from "./support/small-model.ts";

const bucket = { tokens: 48, sequences: 5, maxSeqlen: 24 };

const lengths = [[12, 3], [1], [24, 10, 2, 1], [7, 7, 7, 7], [9, 9, 9, 9, 12]] as const;

function batchOf(each: readonly number[]): PackedBatch {
  return packSequences(each.map((length) => someIds(length)));
}

onEveryEngine(({ create, dtype }) => {
  it("a captured forward gives each batch what it gets alone, whatever is padded behind it", async ({ skip }) => {
    const runtime = await create();
    if (!runtime.backend.capture) skip("the backend cannot record commands");
    const model = smallModel(runtime, "none");
    const batches = lengths.map((each) => batchOf(each));
    const device = model.upload(padToBucket(batches[0]!, bucket, 0));
    const captured = runtime.capture(() => model.forward(device));
    for (const batch of batches.toReversed()) {
      model.overwrite(device, padToBucket(batch, bucket, 0));
      captured.replay();
      const alone = runtime.scope(() => model.encode(batch));
      const got = Float32Array.from(await captured.value.read()).subarray(0, alone.size);
      const want = Float32Array.from(await alone.read());
      alone.dispose();
      expect(relativeError(got, want)).toBeLessThan(dtype === "f64" ? 1e-12 : 2e-6);
    }
    captured.dispose();
  });
});

onEveryEngine(({ create, dtype }) => {
  it.for([true, false])(
    "`run` replays what it saw before (padded: %s), and gives each batch what it gets alone",
    async (padded, { skip }) => {
      const runtime = await create();
      if (!runtime.backend.capture) skip("the backend cannot record commands");
      const model = smallModel(runtime, "none");
      const capture = vi.spyOn(runtime, "capture");
      model.captureForwards({ padded, tokens: 64, captures: 2 });
      const vectors = async (batch: PackedBatch): Promise<Float32Array> => {
        const pooled = model.run(batch, (hidden, device) => pool(hidden, device, "mean"));
        try {
          return Float32Array.from(await pooled.read());
        } finally {
          pooled.dispose();
        }
      };
      const alone = async (batch: PackedBatch): Promise<Float32Array> => {
        const pooled = runtime.scope(() => {
          const device = model.upload(batch);
          return pool(model.forward(device), device, "mean");
        });
        const values = Float32Array.from(await pooled.read());
        pooled.dispose();
        return values;
      };
      await alone(batchOf([70])); // makes the rotary tables
      const before = runtime.backend.memory().liveBuffers;
      const sizes = [[5], [9], [14, 14], [3, 4, 2], [7], [14, 15], [3, 5, 2], [12], [70], [5, 5, 5]];
      for (const each of [...sizes, ...sizes.toReversed()]) {
        const [got, want] = [await vectors(batchOf(each)), await alone(batchOf(each))];
        expect(relativeError(got, want)).toBeLessThan(dtype === "f64" ? 1e-12 : 2e-6);
      }
      for (let run = 0; run < 3; run++) {
        const loose = { ...batchOf([5]), maxSeqlen: 8 };
        expect(relativeError(await vectors(loose), await alone(batchOf([5])))).toBeLessThan(
          dtype === "f64" ? 1e-12 : 2e-6,
        );
      }
      expect(capture.mock.calls.length).toBeGreaterThan(1);
      model.captureForwards();
      expect(runtime.backend.memory().liveBuffers).toBe(before);
    },
  );
});

it("any batch fits its bucket, at little more than its size", () => {
  const sequences = fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(sequences, (each) => {
      const batch = batchOf(each);
      const found = bucketOf(batch, { tokens: 4096, maxSeqlen: 64 })!;
      const padded = padToBucket(batch, found, 0);
      expect(padded.cuSeqlens.length - 1).toBe(found.sequences);
      expect(padded.ids.subarray(0, batch.ids.length)).toEqual(batch.ids);
      expect(found.tokens).toBeLessThanOrEqual(Math.max(20, 1.26 * (batch.ids.length + found.sequences - each.length)));
    }),
  );
  expect(bucketOf(batchOf([60, 5]), { tokens: 64, maxSeqlen: 64 })).toBeUndefined();
});

it("a batch beyond its bucket is refused by name", () => {
  for (const each of [[25], [20, 20, 9], [1, 1, 1, 1, 1, 1], [9, 9, 9, 9, 9], [12, 12, 12, 12]]) {
    expect(() => padToBucket(batchOf(each), bucket, 0)).toThrow(
      /^\[padToBucket\] expected a batch that 5 sequences of at most 24, together 48 tokens, can hold, got /,
    );
  }
});
