/** A forward pass captured for a bucket and replayed on batches of other ids, borders and positions. */
import { padToBucket } from "@modernbert-ts/encoder";
import { expect, it } from "vitest";
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

it("a batch beyond its bucket is refused by name", () => {
  for (const each of [[25], [20, 20, 9], [1, 1, 1, 1, 1, 1], [9, 9, 9, 9, 9], [12, 12, 12, 12]]) {
    expect(() => padToBucket(batchOf(each), bucket, 0)).toThrow(
      /^\[padToBucket\] expected a batch that 5 sequences of at most 24, together 48 tokens, can hold, got /,
    );
  }
});
