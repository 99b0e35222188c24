import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  readSafetensors,
  safetensorsDTypes,
  SafetensorsError,
  serializeSafetensors,
  type TensorEntry,
} from "@modernbert-ts/safetensors";
import { openSafetensors, writeSafetensors } from "@modernbert-ts/safetensors/node";
import { bytesOf, craft, serialize, temporaryFolder } from "./support.ts";

const folder = temporaryFolder();
const path = join(folder, "model.safetensors");
const bytesPerElement = {
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E4M3FNUZ: 1,
  F8_E5M2FNUZ: 1,
  F64: 8,
  I64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

const entry: fc.Arbitrary<TensorEntry> = fc
  .record({
    name: fc.string({ unit: "grapheme" }),
    dtype: fc.constantFrom(...safetensorsDTypes),
    shape: fc.array(fc.nat(4), { maxLength: 3 }),
  })
  .filter(({ name }) => name !== "__metadata__")
  .chain(({ name, dtype, shape }) => {
    const byteLength = shape.reduce((product, size) => product * size, bytesPerElement[dtype]);
    return fc
      .uint8Array({ minLength: byteLength, maxLength: byteLength })
      .map((data) => ({ name, dtype, shape, data }));
  });
const entries = fc.uniqueArray(entry, { selector: ({ name }) => name, maxLength: 6 });
const metadata = fc.dictionary(fc.string(), fc.string());

describe("what is written is what is read", () => {
  test("in memory: names, dtypes, shapes, bytes, metadata, alignment", async () => {
    await fc.assert(
      fc.asyncProperty(entries, metadata, async (tensors, strings) => {
        const file = readSafetensors(await serialize(tensors, strings));
        expect(file.metadata).toEqual(strings);
        expect(file.tensors.size).toBe(tensors.length);
        for (const { name, dtype, shape, data } of tensors) {
          const info = file.tensors.get(name)!;
          expect(info).toMatchObject({ dtype, shape });
          expect(info.byteOffset % bytesPerElement[dtype]).toBe(0);
          expect(bytesOf(file.get(name).data)).toEqual(data);
        }
      }),
    );
  });

  test("at an odd address in a Buffer", async () => {
    const data = Float64Array.of(1.5, -2.5);
    const bytes = await serialize([{ name: "a", dtype: "F64", shape: [2], data }]);
    const shifted = Buffer.concat([Buffer.of(0), bytes]).subarray(1);
    expect(readSafetensors(shifted).get("a").data).toEqual(data);
    expect(readSafetensors(shifted).toFloat32("a")).toEqual(Float32Array.from(data));
  });

  test("on the disk, from views into larger buffers, in one file and in shards", async () => {
    const memory = Float32Array.from({ length: 20 }, (_, i) => i / 3);
    const first = { name: "a", dtype: "F32", shape: [2, 3], data: memory.subarray(3, 9) } as const;
    const second = { name: "b", dtype: "F32", shape: [4], data: async () => memory.subarray(10, 14) } as const;
    await writeSafetensors(path, [first, second]);
    await using whole = await openSafetensors(folder);
    expect(whole.metadata).toEqual({ format: "pt" });

    const sharded = join(folder, "sharded");
    mkdirSync(sharded);
    await writeSafetensors(join(sharded, "one.safetensors"), [first, { ...second, data: new Float32Array(4) }]);
    mkdirSync(join(sharded, "w"));
    await writeSafetensors(join(sharded, "w/two.safetensors"), [second]);
    writeFileSync(
      join(sharded, "model.safetensors.index.json"),
      JSON.stringify({ weight_map: { a: "one.safetensors", b: "w/two.safetensors" } }),
    );
    await using shards = await openSafetensors(sharded);

    for (const reader of [whole, shards]) {
      expect(reader.names().toSorted()).toEqual(["a", "b"]);
      expect(await reader.readFloat32("a")).toEqual(memory.slice(3, 9));
      expect(await reader.readFloat32("b")).toEqual(memory.slice(10, 14));
    }
  });
});

test("data is asked for one tensor at a time, in file order", async () => {
  const log: string[] = [];
  const lazy = (name: string): TensorEntry => ({
    name,
    dtype: "U8",
    shape: [1],
    data: async () => (log.push(name), Uint8Array.of(7)),
  });
  const chunks = serializeSafetensors([lazy("a"), lazy("b")]);
  await chunks.next();
  expect(log).toEqual([]);
  await chunks.next();
  expect(log).toEqual(["a"]);
  await chunks.next();
  expect(log).toEqual(["a", "b"]);
});

describe("entries that cannot be written are refused and the earlier file stays", () => {
  const data = new Float32Array(4);
  const good: TensorEntry = { name: "a", dtype: "F32", shape: [4], data };
  const bad: Record<string, [TensorEntry[], RegExp]> = {
    "a name twice": [[good, good], /"a": .*twice/],
    "the reserved name": [[{ ...good, name: "__metadata__" }], /"__metadata__": .*free/],
    "too little data": [[{ ...good, shape: [5] }], /"a": expected 20 bytes of data, got 16/],
    "too little data from a function": [
      [good, { ...good, name: "b", data: async () => new Float32Array(3) }],
      /"b": expected 16 bytes of data, got 12/,
    ],
    "a fractional shape": [[{ ...good, shape: [1.5] }], /"a": expected a shape/],
    "an unknown dtype": [[{ ...good, dtype: "F8" as "F32" }], /"a": expected a dtype/],
  };
  test.each(Object.keys(bad))("%s", async (name) => {
    const target = join(folder, "kept.safetensors");
    await writeSafetensors(target, [good]);
    const before = readFileSync(target);
    const [tensors, message] = bad[name]!;
    await expect(writeSafetensors(target, tensors)).rejects.toThrow(message);
    await expect(writeSafetensors(target, tensors)).rejects.toBeInstanceOf(SafetensorsError);
    expect(readFileSync(target)).toEqual(before);
    expect(readdirSync(folder).filter((file) => file.endsWith(".tmp"))).toEqual([]);
  });
});

describe("a checkpoint that cannot be opened says why", () => {
  const dir = join(folder, "broken");
  mkdirSync(dir);
  const index = join(dir, "model.safetensors.index.json");
  writeFileSync(join(dir, "one.safetensors"), craft({ a: { dtype: "U8", shape: [1], data_offsets: [0, 1] } }, 1));

  test("a missing path and an empty folder", async () => {
    await expect(openSafetensors(join(folder, "nowhere"))).rejects.toThrow(
      /nowhere: expected a readable file, got ENOENT; check the path/,
    );
    await expect(openSafetensors(dir)).rejects.toThrow(
      /broken: expected model.safetensors or model.safetensors.index.json/,
    );
  });

  const indexes: Record<string, [string, RegExp]> = {
    "not JSON": ["{", /expected a JSON index/],
    "no weight map": ["[]", /expected an object "weight_map"/],
    "a shard that is not there": [
      '{"weight_map":{"a":"two.safetensors"}}',
      /two\.safetensors: expected this shard, as model\.safetensors\.index\.json says, got no such file/,
    ],
    "a tensor that its shard lacks": [
      '{"weight_map":{"b":"one.safetensors"}}',
      /one\.safetensors: tensor "b": expected it in this shard/,
    ],
  };
  test.each(Object.keys(indexes))("an index with %s", async (name) => {
    const [text, message] = indexes[name]!;
    writeFileSync(index, text);
    await expect(openSafetensors(dir)).rejects.toThrow(message);
    await expect(openSafetensors(dir)).rejects.toBeInstanceOf(SafetensorsError);
  });

  const strays = [
    "../one",
    "w/../../one",
    "./one",
    "/one",
    "w//one",
    "w\\one",
    "C:/one",
    "one\0",
    "one\n",
    "%2e%2e/one",
    "one?",
    "",
  ];
  test.each(strays)("an index with the path %j", async (stray) => {
    writeFileSync(index, JSON.stringify({ weight_map: { a: `${stray}.safetensors`.replace(/^\.safe/, "safe") } }));
    await expect(openSafetensors(dir)).rejects.toThrow(
      /^\[safetensors\] [^\n]*"a": expected the name of a \.safetensors file beside the index or in a folder there, got [^\n]*$/,
    );
  });

  test("a name that the file system refuses", async () => {
    writeFileSync(index, JSON.stringify({ weight_map: { a: `${"long".repeat(100)}.safetensors` } }));
    await expect(openSafetensors(dir)).rejects.toThrow(SafetensorsError);
  });

  test("a file that shrinks after it was opened", async () => {
    const target = join(folder, "shrinks.safetensors");
    await writeSafetensors(target, [{ name: "a", dtype: "U8", shape: [100], data: new Uint8Array(100) }]);
    await using reader = await openSafetensors(target);
    writeFileSync(target, readFileSync(target).subarray(0, -50));
    await expect(reader.read("a")).rejects.toThrow(/expected 100 bytes .* the file was cut while it was read/);
  });
});
