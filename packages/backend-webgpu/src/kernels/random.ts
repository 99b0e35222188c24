/** `iota` and `randomBits`. */
import type { PrimitiveKernels, View } from "@modernbert-ts/tensor-core";
import { bytesOf, denseStrides, hostArray, sizeOf } from "@modernbert-ts/tensor-core";
import { groupIndex, mainArguments } from "../device/dispatch.ts";
import { bindDense } from "./bind.ts";
import type { Device } from "./device.ts";

const threads = 64;

/** @param copy The primitive `copy`, from a scratch view made of a buffer here. */
export function sourceKernels(
  device: Device,
  copyRow: (out: View, row: Uint8Array, dtype: "f32" | "i32" | "u32") => void,
): Pick<PrimitiveKernels<View>, "iota" | "randomBits"> {
  return {
    // WGSL has no doubles: the host works one row out in f64, and the device repeats it.
    iota([out], _inputs, { start, step }) {
      if (out!.shape.includes(0)) return;
      const { dtype } = out!;
      const values = Float64Array.from({ length: out!.shape.at(-1) ?? 1 }, (_, index) => start + step * index);
      const type = dtype === "i32" || dtype === "u32" ? dtype : "f32";
      const row = hostArray(type, values);
      copyRow(out!, new Uint8Array(row.buffer), type);
    },
    randomBits([out], [added], { key, counter }) {
      const size = sizeOf(out!.shape);
      const dtype = out!.dtype;
      const stepOf = added && bindDense(device, "randomBits", "added", added, false);
      const step = Math.floor(device.maxBindingBytes / bytesOf(dtype) / 8) * 4;
      for (let from = 0; from < size; from += step) {
        const count = Math.min(step, size - from);
        const to = bindDense(device, "randomBits", "y", out!, true, { from, count });
        device.stream.dispatch({
          key: `randomBits ${dtype}${stepOf ? " of a device step" : ""}`,
          parameters: [
            ["size", "u32", count],
            ["first_block", "u32", from / 4],
            ["base", "u32", to.base],
            ["added_base", "u32", stepOf?.base ?? 0],
            ["key0", "u32", key[0]],
            ["key1", "u32", key[1]],
            ["counter0", "u32", counter[0]],
            ["counter1", "u32", counter[1]],
          ],
          bindings: stepOf ? [to.binding, stepOf.binding] : [to.binding],
          groups: Math.ceil(count / 4 / threads),
          body: () =>
            print(
              dtype === "u32" ? "word" : "f32(word >> 8u) * 5.9604644775390625e-08",
              stepOf ? "vec4u(0u, 0u, added[p.added_base], added[p.added_base + 1u])" : "vec4u()",
            ),
        });
      }
    },
  };
}

/** Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC'11); a thread makes a block of four. */
function print(convert: string, added: string): string {
  return `@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let block = ${groupIndex} * ${threads}u + local;
  if (block * 4u >= p.size) { return; }
  var c = vec4u(p.first_block + block, 0u, p.counter0, p.counter1) + ${added};
  var k = vec2u(p.key0, p.key1);
  for (var round = 0u; round < 10u; round++) {
    let high0 = multiply_high_(0xd2511f53u, c.x);
    let high1 = multiply_high_(0xcd9e8d57u, c.z);
    c = vec4u(high1 ^ c.y ^ k.x, 0xcd9e8d57u * c.z, high0 ^ c.w ^ k.y, 0xd2511f53u * c.x);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  for (var i = 0u; i < 4u; i++) {
    if (block * 4u + i < p.size) {
      let word = c[i];
      y[p.base + block * 4u + i] = ${convert};
    }
  }
}`;
}

/** A view of one row repeated over `shape`. */
export function repeatedRow(row: View, shape: readonly number[]): View {
  const strides = denseStrides(shape).map((_, axis) => (axis === shape.length - 1 ? 1 : 0));
  return { ...row, shape, strides };
}
