/** copy and fill in each of the ways that their kernels know, against the TypeScript engine: bit for bit. */
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { bytesOf, denseStrides, sizeOf } from "@modernbert-ts/tensor-core";
import type { Backend, DType, View } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { createCudaBackend } from "../src/index.ts";
import { missing } from "./library.ts";

type Layout = Pick<View, "shape" | "strides" | "offset">;
const dense = (...shape: number[]): Layout => ({ shape, strides: denseStrides(shape), offset: 0 });

/** Name, what is copied, where to, dtypes. */
const copies: readonly (readonly [string, Layout, Layout, DType, DType])[] = [
  ["bytes", dense(7, 31), dense(7, 31), "bf16", "bf16"],
  ["bytes of whole numbers", dense(7, 31), dense(7, 31), "u32", "u32"],
  ["a cast with a rest", dense(7, 31), dense(7, 31), "f32", "bf16"],
  ["a cast to f32", dense(7, 31), dense(7, 31), "f16", "f32"],
  ["a cast from an odd place", { ...dense(3, 8), offset: 1 }, dense(3, 8), "bf16", "f32"],
  ["columns of rows", { shape: [5, 24], strides: [48, 1], offset: 8 }, dense(5, 24), "f32", "bf16"],
  ["into columns of rows", dense(5, 24), { shape: [5, 24], strides: [48, 1], offset: 24 }, "bf16", "bf16"],
  ["one row repeated", { shape: [5, 24], strides: [0, 1], offset: 0 }, dense(5, 24), "f32", "f32"],
  ["one number repeated", { shape: [5, 24], strides: [0, 0], offset: 3 }, dense(5, 24), "f32", "f16"],
  [
    "heads before tokens",
    { shape: [2, 3, 9, 16], strides: [432, 16, 48, 1], offset: 0 },
    dense(2, 3, 9, 16),
    "bf16",
    "bf16",
  ],
  ["a transpose", { shape: [40, 70], strides: [1, 40], offset: 0 }, dense(40, 70), "f32", "f32"],
  ["a transpose, cast", { shape: [33, 64], strides: [1, 33], offset: 0 }, dense(33, 64), "bf16", "f32"],
  ["transposes", { shape: [3, 20, 34], strides: [680, 1, 20], offset: 0 }, dense(3, 20, 34), "f32", "bf16"],
  ["the first axis last", { shape: [20, 3, 34], strides: [1, 20, 60], offset: 0 }, dense(20, 3, 34), "f32", "f32"],
];

async function copied(backend: Backend, from: Layout, to: Layout, source: DType, target: DType): Promise<number[]> {
  const bytes = (layout: Layout, dtype: DType): number =>
    bytesOf(dtype) *
    (layout.offset + 1 + layout.strides.reduce((last, stride, axis) => last + stride * (layout.shape[axis]! - 1), 0));
  const [input, output] = [backend.allocate(bytes(from, source)), backend.allocate(bytes(to, target))];
  // Small floats in each dtype: the exponent bits vary little.
  const words = Uint16Array.from({ length: bytes(from, source) / 2 }, (_, at) => 0x3c00 + ((at * 2654435761) % 0x0400));
  backend.write(input, words);
  backend.write(output, new Uint8Array(bytes(to, target)));
  backend.run("copy", [{ ...to, buffer: output, dtype: target }], [{ ...from, buffer: input, dtype: source }], {});
  return Array.from(new Uint8Array(await backend.read(output, 0, bytes(to, target))));
}

test.for(copies)("copies %s", async ([, from, to, source, target], { skip }) => {
  if (missing) skip(missing);
  await using device = await createCudaBackend({ emulate: true });
  await using oracle = await createCpuBackend({ engine: "typescript" });
  expect(await copied(device, from, to, source, target)).toEqual(await copied(oracle, from, to, source, target));
});

test.for([0, -0, 1.5])("fills with %d", async (value, { skip }) => {
  if (missing) skip(missing);
  await using device = await createCudaBackend({ emulate: true });
  for (const layout of [dense(5, 7), { shape: [5, 7], strides: [14, 2], offset: 0 }]) {
    const buffer = device.allocate(1024);
    device.write(buffer, new Float32Array(256).fill(9));
    device.run("fill", [{ ...layout, buffer, dtype: "f32" }], [], { value });
    const got = new Float32Array(await device.read(buffer, 0, 1024));
    const places = new Set(
      Array.from(
        { length: sizeOf(layout.shape) },
        (_, i) => Math.floor(i / 7) * layout.strides[0]! + (i % 7) * layout.strides[1]!,
      ),
    );
    expect(Array.from(got)).toEqual(Array.from({ length: 256 }, (_, at) => (places.has(at) ? value : 9)));
  }
});
