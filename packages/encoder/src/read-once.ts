/** Computes a tensor, brings it to the host as f32, and frees it. */
import { cast, contiguous } from "@modernbert-ts/tensor-core";
import type { Runtime, Tensor } from "@modernbert-ts/tensor-core";

/** `body` runs in a scope: what it makes is freed, what was there before stays. */
export async function readOnce(runtime: Runtime, body: () => Tensor): Promise<Float32Array> {
  const tensor = runtime.scope(() => contiguous(cast(body(), "f32")).alias());
  try {
    return (await tensor.read()) as Float32Array;
  } finally {
    tensor.dispose();
  }
}
