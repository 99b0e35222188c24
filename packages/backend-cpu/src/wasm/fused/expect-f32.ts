/** The reason why a fused kernel refuses: all of them compute in f32. */
import type { CompositeName, CompositeQuery } from "@modernbert-ts/tensor-core";

/** Supports queries whose inputs at `places` are f32; the others run from primitives, which take every dtype. */
export function expectF32<K extends CompositeName>(
  ...places: readonly number[]
): (query: CompositeQuery<K>) => true | { readonly reason: string } {
  return ({ inputs }) => {
    const other = places.map((at) => inputs[at]?.dtype).find((dtype) => dtype !== undefined && dtype !== "f32");
    return other === undefined || { reason: `the WebAssembly engine fuses f32 only, got ${other}` };
  };
}
