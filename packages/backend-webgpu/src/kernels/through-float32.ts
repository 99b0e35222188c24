/** Sums of 16-bit results that are made in parts. */
import type { View } from "@modernbert-ts/tensor-core";
import { denseStrides, sizeOf } from "@modernbert-ts/tensor-core";
import type { Device } from "./device.ts";

/**
 * Sums that a binding limit cuts in parts go through f32: a 16-bit output would round between the parts.
 * @param copy The primitive; `keep` also brings the old content of `out`.
 */
export function throughFloat32(
  { memory }: Device,
  copy: (out: View, x: View) => void,
  out: View,
  keep: boolean,
  body: (wide: View) => void,
): void {
  const buffer = memory.allocate(sizeOf(out.shape) * 4);
  const wide: View = { buffer, dtype: "f32", shape: out.shape, strides: denseStrides(out.shape), offset: 0 };
  if (keep) copy(wide, out);
  body(wide);
  copy(out, wide);
  memory.release(buffer);
}
