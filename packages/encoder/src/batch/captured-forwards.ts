/** Forward passes of small batches as captures: a size is recorded once, and every batch that fits it is padded where it must be and replayed. */
import { contiguous, slice } from "@modernbert-ts/tensor-core";
import type { Captured, Runtime, Tensor } from "@modernbert-ts/tensor-core";
import { bucketOf, padToBucket } from "./bucket.ts";
import type { Bucket } from "./bucket.ts";
import { disposeBatch, keepBatch } from "./device-batch.ts";
import type { DeviceBatch } from "./device-batch.ts";
import type { PackedBatch } from "./packed-batch.ts";

/** What is captured: an encoder. */
export interface CapturedModel {
  readonly runtime: Runtime;
  upload(batch: PackedBatch): DeviceBatch;
  overwrite(device: DeviceBatch, batch: PackedBatch): DeviceBatch;
  forward(batch: DeviceBatch): Tensor;
}

export interface CaptureLimits {
  /** Whether batches are padded to one of a few sizes; else single sequences are captured, for each length apart. */
  readonly padded: boolean;
  /** Batches of more tokens run as they are. */
  readonly tokens: number;
  /** The longest sequence of the model. */
  readonly maxSeqlen: number;
  /** How many captures are held; the one that was used longest ago makes room. */
  readonly captures: number;
  /** The id that fills a batch up. */
  readonly pad: number;
}

interface Recorded {
  readonly device: DeviceBatch;
  readonly captured: Captured<Tensor>;
}

export class CapturedForwards {
  readonly #model: CapturedModel;
  readonly #limits: CaptureLimits;
  /** By bucket, the one used last at the end. `undefined`: seen once, recorded when it comes again. */
  readonly #recorded = new Map<string, Recorded | undefined>();

  constructor(model: CapturedModel, limits: CaptureLimits) {
    this.#model = model;
    this.#limits = limits;
  }

  /**
   * The batch on the device and its hidden states [T, d], both to be used at once: the next run of the bucket overwrites them. undefined
   * where the batch is too large, or of a size that has not been seen before. They belong to the scope around the call.
   */
  run(batch: PackedBatch): { readonly device: DeviceBatch; readonly hidden: Tensor } | undefined {
    const bucket = this.#bucketOf(batch);
    if (!bucket) return undefined;
    const key = `${bucket.tokens} ${bucket.sequences} ${bucket.maxSeqlen} ${batch.typeIds ? "typed" : ""}`;
    const seen = this.#recorded.has(key);
    const known = this.#recorded.get(key);
    const padded = padToBucket(batch, bucket, this.#limits.pad);
    const recorded = seen ? (known ?? this.#record(padded)) : undefined;
    this.#recorded.delete(key);
    this.#recorded.set(key, recorded);
    this.#makeRoom();
    if (!recorded) return undefined;
    if (known) this.#model.overwrite(recorded.device, padded);
    recorded.captured.replay();
    return this.#own(batch, recorded);
  }

  dispose(): void {
    for (const recorded of this.#recorded.values()) release(recorded);
    this.#recorded.clear();
  }

  #bucketOf(batch: PackedBatch): Bucket | undefined {
    if (batch.keyCounts) return undefined; // such queries are short, and padded to one length already
    if (this.#limits.padded) return bucketOf(batch, this.#limits);
    const { ids, cuSeqlens, maxSeqlen } = batch;
    const single = cuSeqlens.length === 2 && ids.length <= this.#limits.tokens;
    return single ? { tokens: ids.length, sequences: 1, maxSeqlen } : undefined;
  }

  #record(batch: PackedBatch): Recorded {
    const device = keepBatch(this.#model.upload(batch));
    try {
      return { device, captured: this.#model.runtime.capture(() => contiguous(this.#model.forward(device))) };
    } catch (error) {
      disposeBatch(device);
      throw error;
    }
  }

  #makeRoom(): void {
    const [oldest] = this.#recorded;
    if (!oldest || this.#recorded.size <= this.#limits.captures) return;
    this.#recorded.delete(oldest[0]);
    release(oldest[1]);
  }

  /** The batch's own part of a bucket. */
  #own(host: PackedBatch, { device, captured }: Recorded): { device: DeviceBatch; hidden: Tensor } {
    const count = host.ids.length;
    return {
      hidden: first(captured.value, count),
      device: {
        host,
        ids: first(device.ids, count),
        cuSeqlens: first(device.cuSeqlens, host.cuSeqlens.length),
        positions: first(device.positions, count),
        sequences: first(device.sequences, count),
        typeIds: device.typeIds && first(device.typeIds, count),
        keyCounts: null,
      },
    };
  }
}

function first(all: Tensor, rows: number): Tensor {
  return slice(all, 0, 0, rows);
}

function release(recorded: Recorded | undefined): void {
  recorded?.captured.dispose();
  if (recorded) disposeBatch(recorded.device);
}
