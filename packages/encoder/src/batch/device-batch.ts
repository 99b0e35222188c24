/** A batch on the device: what the forward pass, pooling and losses read, uploaded once. */
import type { Runtime, Tensor } from "@modernbert-ts/tensor-core";
import { BatchError } from "../errors.ts";
import { positionsOf } from "./packed-batch.ts";
import type { PackedBatch } from "./packed-batch.ts";

export interface DeviceBatch {
  /** The batch on the host: sizes and borders. */
  readonly host: PackedBatch;
  /** i32 [T] */
  readonly ids: Tensor;
  /** i32 [N + 1] */
  readonly cuSeqlens: Tensor;
  /** Of each token in its sequence, i32 [T]. */
  readonly positions: Tensor;
  /** The sequence of each token, i32 [T]. */
  readonly sequences: Tensor;
  /** i32 [T]; null where the batch has none. */
  readonly typeIds: Tensor | null;
  /** i32 [N]; null where all tokens are keys. */
  readonly keyCounts: Tensor | null;
}

/** Uploads a checked batch; see `Encoder.upload`. */
export function uploadBatch(runtime: Runtime, host: PackedBatch): DeviceBatch {
  const upload = (values: Int32Array): Tensor => runtime.tensor(values, [values.length], "i32");
  const { ids, cuSeqlens, typeIds, keyCounts } = host;
  return {
    host,
    ids: upload(ids),
    cuSeqlens: upload(cuSeqlens),
    positions: upload(positionsOf(host)),
    sequences: upload(sequencesOf(host)),
    typeIds: typeIds ? upload(typeIds) : null,
    keyCounts: keyCounts ? upload(keyCounts) : null,
  };
}

const tensorsOf = ({ ids, cuSeqlens, positions, sequences, typeIds, keyCounts }: DeviceBatch): Tensor[] =>
  [ids, cuSeqlens, positions, sequences, typeIds, keyCounts].filter((tensor) => tensor !== null);

/** Takes a batch out of its scope: the caller frees it. */
export function keepBatch(batch: DeviceBatch): DeviceBatch {
  for (const tensor of tensorsOf(batch)) tensor.runtime.keep(tensor);
  return batch;
}

/** Frees a batch that belongs to no scope. */
export function disposeBatch(batch: DeviceBatch): void {
  for (const tensor of tensorsOf(batch)) tensor.dispose();
}

const sizes = ({ ids, cuSeqlens, maxSeqlen }: PackedBatch): string =>
  `${ids.length} tokens in ${cuSeqlens.length - 1} sequences of at most ${maxSeqlen}`;

/**
 * Overwrites with a checked batch; see `Encoder.overwrite`.
 * @throws BatchError when tokens, sequences or type ids differ in number, or a sequence is longer than the old `maxSeqlen`.
 */
export function overwriteBatch(runtime: Runtime, device: DeviceBatch, host: PackedBatch): DeviceBatch {
  const { ids, cuSeqlens, typeIds, keyCounts, maxSeqlen } = host;
  const old = device.host;
  if (ids.length !== old.ids.length || cuSeqlens.length !== old.cuSeqlens.length || maxSeqlen > old.maxSeqlen) {
    throw new BatchError("overwriteBatch", `expected ${sizes(old)}, got ${sizes(host)}`);
  }
  if (!typeIds !== !device.typeIds) throw new BatchError("overwriteBatch", "expected type ids in both or in neither");
  if (!keyCounts !== !device.keyCounts) {
    throw new BatchError("overwriteBatch", "expected key counts in both or in neither");
  }
  runtime.write(device.ids, ids);
  runtime.write(device.cuSeqlens, cuSeqlens);
  runtime.write(device.positions, positionsOf(host));
  runtime.write(device.sequences, sequencesOf(host));
  if (device.typeIds && typeIds) runtime.write(device.typeIds, typeIds);
  if (device.keyCounts && keyCounts) runtime.write(device.keyCounts, keyCounts);
  return { ...device, host: { ...host, maxSeqlen: old.maxSeqlen } };
}

function sequencesOf({ ids, cuSeqlens }: PackedBatch): Int32Array {
  const sequences = new Int32Array(ids.length);
  for (let n = 0; n + 1 < cuSeqlens.length; n++) sequences.fill(n, cuSeqlens[n]!, cuSeqlens[n + 1]!);
  return sequences;
}
