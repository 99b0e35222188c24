/** The pooled rows of a pack, brought to the host. */
import { pool } from "@modernbert-ts/encoder";
import type { PackedBatch } from "@modernbert-ts/encoder";
import { cast } from "@modernbert-ts/tensor-core";
import type { PoolingMode } from "../folder/pooling.ts";
import { requireFinite } from "../sequences.ts";
import type { TextModel } from "../text-model.ts";
import { poolRows } from "./pool-rows.ts";

/**
 * One vector per sequence, each in memory of its own: `modes.length` times the hidden size. Only what a device pools by itself leaves the
 * hidden states there.
 * @param skip tokens at the beginning of each sequence that do not count.
 */
export async function pooledVectors(
  operation: string,
  { model }: TextModel,
  pack: PackedBatch,
  modes: readonly PoolingMode[],
  skip = 0,
): Promise<Float32Array[]> {
  const [mode] = modes;
  const onDevice = modes.length === 1 && skip === 0 && (mode === "cls" || mode === "mean") ? mode : undefined;
  const rows = model.run(pack, (hidden, batch) => cast(onDevice ? pool(hidden, batch, onDevice) : hidden, "f32"));
  try {
    const values = requireFinite(operation, (await rows.read()) as Float32Array);
    const width = model.info.hiddenSize;
    if (!onDevice) return poolRows(values, width, pack.cuSeqlens, modes, skip);
    return Array.from({ length: values.length / width }, (_, row) => values.slice(row * width, (row + 1) * width));
  } finally {
    rows.dispose();
  }
}
