/** Batches of a few fixed sizes, so that what was captured for one of them runs on every batch that fits. */
import { BatchError } from "../errors.ts";
import type { PackedBatch } from "./packed-batch.ts";

/** The sizes that a capture was made for. */
export interface Bucket {
  readonly tokens: number;
  readonly sequences: number;
  readonly maxSeqlen: number;
}

/** Sizes between a power of two and the next: 16, 20, 24, 28, 32, 40, … */
function roundedUp(count: number, least: number): number {
  const step = Math.max(least, 2 ** Math.floor(Math.log2(count))) / 4;
  return Math.max(least, Math.ceil(count / step) * step);
}

const powerOfTwo = (count: number, least: number): number => Math.max(least, 2 ** Math.ceil(Math.log2(count)));

/**
 * The bucket that a batch is padded to, so that batches of about one size share it: at most a quarter more tokens. undefined where that is
 * more than `tokens`. At least one sequence is left for the padding.
 */
export function bucketOf(
  { ids, cuSeqlens, maxSeqlen }: PackedBatch,
  limits: { readonly tokens: number; readonly maxSeqlen: number },
): Bucket | undefined {
  const longest = Math.min(powerOfTwo(maxSeqlen, 16), Math.max(limits.maxSeqlen, maxSeqlen));
  const count = cuSeqlens.length - 1;
  for (let sequences = powerOfTwo(count + 1, 2); ; sequences *= 2) {
    const tokens = roundedUp(ids.length + sequences - count, 16);
    if (tokens > limits.tokens) return undefined;
    if (tokens - ids.length <= (sequences - count) * longest) return { tokens, sequences, maxSeqlen: longest };
  }
}

/**
 * The batch with further sequences of [PAD] behind its own, up to the sizes of a bucket: no token of another sequence sees them, and what
 * is computed for them is not looked at.
 * @throws BatchError where the batch is larger than the bucket, or what is left does not fit in the sequences that are left.
 */
export function padToBucket(batch: PackedBatch, bucket: Bucket, pad: number): PackedBatch {
  const { ids, cuSeqlens, maxSeqlen, typeIds } = batch;
  const count = cuSeqlens.length - 1;
  const [tokens, sequences] = [bucket.tokens - ids.length, bucket.sequences - count];
  const fits = sequences === 0 ? tokens === 0 : tokens >= sequences && tokens <= sequences * bucket.maxSeqlen;
  if (maxSeqlen > bucket.maxSeqlen || sequences < 0 || !fits) {
    throw new BatchError(
      "padToBucket",
      `expected a batch that ${bucket.sequences} sequences of at most ${bucket.maxSeqlen}, together ${bucket.tokens} tokens, can hold, got ${count} of at most ${maxSeqlen}, together ${ids.length}`,
    );
  }
  const ends = Array.from({ length: sequences }, (_, at) => ids.length + Math.floor(((at + 1) * tokens) / sequences));
  const paddedTypes = typeIds && new Int32Array(bucket.tokens);
  paddedTypes?.set(typeIds!);
  const padded = new Int32Array(bucket.tokens).fill(pad, ids.length);
  padded.set(ids);
  return {
    ids: padded,
    cuSeqlens: Int32Array.from([...cuSeqlens, ...ends]),
    maxSeqlen: bucket.maxSeqlen,
    ...(paddedTypes ? { typeIds: paddedTypes } : {}),
  };
}
