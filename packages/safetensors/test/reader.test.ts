/** The reader over sources that are not files: what a browser would hand in. */

import { expect, test } from "vitest";
import { float32ToBfloat16, openSources, type ByteSource, type TensorEntry } from "@modernbert-ts/safetensors";
import { craft, serialize } from "./support.ts";

async function memorySource(name: string, entries: TensorEntry[]): Promise<ByteSource & { readonly reads: number[] }> {
  const bytes = await serialize(entries);
  const reads: number[] = [];
  return {
    name,
    size: bytes.length,
    reads,
    async readInto(offset, target) {
      reads.push(target.length);
      target.set(bytes.subarray(offset, offset + target.length));
    },
  };
}

const u8 = (name: string, size = 1): TensorEntry => ({ name, dtype: "U8", shape: [size], data: new Uint8Array(size) });
const int64 = (name: string, value: bigint): TensorEntry => ({
  name,
  dtype: "I64",
  shape: [1],
  data: BigInt64Array.of(value),
});

test("a large bfloat16 tensor is converted in parts, each read once", async () => {
  const values = Float32Array.from({ length: (1 << 20) + 3 }, (_, i) => i % 251);
  const data = float32ToBfloat16(values);
  const source = await memorySource("m", [{ name: "a", dtype: "BF16", shape: [values.length], data }]);
  await using reader = await openSources([source]);
  source.reads.length = 0;
  expect(Buffer.compare(Buffer.from((await reader.readFloat32("a")).buffer), Buffer.from(values.buffer))).toBe(0);
  expect(source.reads).toEqual([2 << 20, 6]);
});

test("opening reads headers only, and reading one tensor reads no other", async () => {
  const source = await memorySource("m", [u8("a", 5000), u8("b", 5000)]);
  await using reader = await openSources([source]);
  expect(Math.max(...source.reads)).toBeLessThan(300);
  await reader.read("b");
  expect(source.reads.slice(2)).toEqual([5000]);
});

test("without an index, shards are joined and a name in two of them is an error", async () => {
  const one = await memorySource("one", [u8("a")]);
  const two = await memorySource("two", [u8("b")]);
  await using reader = await openSources([one, two]);
  expect(reader.names()).toEqual(["a", "b"]);
  expect([reader.has("b"), reader.has("c")]).toEqual([true, false]);
  await expect(openSources([one, two, await memorySource("three", [u8("a")])])).rejects.toThrow(
    '[safetensors] three: tensor "a": expected it in one shard, got it in one too',
  );
});

test("a tensor larger than any memory is refused when it is read", async () => {
  const size = 2 ** 50;
  const header = craft({ a: { dtype: "U8", shape: [size], data_offsets: [0, size] } }, 0);
  const source: ByteSource = {
    name: "sparse",
    size: header.length + size,
    readInto: async (offset, target) => target.set(header.subarray(offset, offset + target.length)),
  };
  await using reader = await openSources([source]);
  for (const call of ["read", "readFloat32", "readInt32"] as const) {
    await expect(reader[call]("a")).rejects.toThrow(
      /^\[safetensors\] sparse: tensor "a": expected a tensor that fits in memory, got 1125899906842624 elements of \w+$/,
    );
  }
});

test("token ids beyond int32 are an error, not another id", async () => {
  const limits = [-(2n ** 31n), 2n ** 31n - 1n];
  const beyond = [-(2n ** 31n) - 1n, 2n ** 31n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n - 1n];
  const source = await memorySource(
    "m",
    [...limits, ...beyond].map((value) => int64(String(value), value)),
  );
  await using reader = await openSources([source]);
  for (const value of limits) expect([...(await reader.readInt32(String(value)))]).toEqual([Number(value)]);
  for (const value of beyond) {
    await expect(reader.readInt32(String(value))).rejects.toThrow(
      `expected integers within int32, got ${value} at element 0`,
    );
  }
});
