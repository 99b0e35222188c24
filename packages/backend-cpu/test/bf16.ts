/** What the tests of bf16 share: numbers that it holds, and reading. */
import { cast } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { numbers } from "./fused.ts";

/** Numbers that bf16 holds as they are. */
export function halves(seed: number, count: number): Float32Array {
  const values = numbers(seed, count);
  new Uint32Array(values.buffer).forEach((bits, at, all) => (all[at] = bits & 0xffff0000));
  return values;
}

export async function readAsF32(tensor: Tensor): Promise<Float32Array> {
  return (await (tensor.dtype === "f32" ? tensor : cast(tensor, "f32")).read()) as Float32Array;
}
