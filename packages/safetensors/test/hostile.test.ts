import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  openCheckpoint,
  readSafetensors,
  SafetensorsError,
  type ByteSource,
  type Folder,
} from "@modernbert-ts/safetensors";
import { openSafetensors } from "@modernbert-ts/safetensors/node";
import { craft, serialize, temporaryFolder } from "./support.ts";

const folder = temporaryFolder();
const f32 = (shape: unknown, offsets: unknown): object => ({ dtype: "F32", shape, data_offsets: offsets });

const cases: Record<string, [file: Uint8Array, message: RegExp]> = {
  "an empty file": [new Uint8Array(0), /at least 8 bytes, got 0/],
  "a header longer than the file": [craft({}, 0, 3), /header of 3 bytes, got a file of 10: it is truncated/],
  "a header beyond the limit": [craft({}, 0, 100_000_001), /at most 100000000 bytes, got 100000001/],
  "a header length with the top bit set": [craft({}, 0, 2n ** 64n - 1n), /at most 100000000 bytes/],
  "a header of no bytes": [craft("", 0), /expected a JSON header/],
  "text that is not JSON": [craft("{'a': 1}", 0), /expected a JSON header/],
  "bytes that are not UTF-8": [craft("{}", 0).fill(0xff, 8), /expected a JSON header/],
  "a byte-order mark": [craft("\uFEFF{}", 0), /expected a JSON header/],
  "a header that is a list": [craft([], 0), /expected the header to be a JSON object/],
  "a header that is null": [craft("null", 0), /expected the header to be a JSON object/],
  "deep nesting": [craft(`{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`, 0), /"a": expected \{dtype/],
  "a deeply nested shape": [
    craft(`{"a":{"dtype":"F32","shape":${"[".repeat(200_000)}${"]".repeat(200_000)},"data_offsets":[0,0]}}`, 0),
    /"a": expected a shape/,
  ],
  "a name twice": [
    craft(
      '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\\u0061" : {"dtype":"I8","shape":[1],"data_offsets":[0,1]}}',
      1,
    ),
    /"a": expected each name once/,
  ],
  "a key twice in one tensor": [
    craft('{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}', 1),
    /"dtype": expected each name once/,
  ],
  "metadata that is not strings": [craft({ __metadata__: { a: 1 } }, 0), /__metadata__/],
  "a tensor that is a number": [craft({ a: 5 }, 0), /"a": expected \{dtype, shape, data_offsets\}, got 5/],
  "a dtype that is not a name": [
    craft({ a: { dtype: 8, shape: [1], data_offsets: [0, 1] } }, 1),
    /"a": expected the name of a dtype, got 8/,
  ],
  "offsets that run backwards, of an unknown dtype": [
    craft({ a: { dtype: "F4", shape: [1], data_offsets: [1, 0] } }, 1),
    /"a": expected 0 bytes for "F4" \[1\], got data offsets \[1,0\]/,
  ],
  "offsets beyond the end, of an unknown dtype": [
    craft({ a: { dtype: "F4", shape: [2 ** 40, 2 ** 40], data_offsets: [0, 9e15] } }, 1),
    /"a": expected its data within 1 bytes, got an end at 9000000000000000/,
  ],
  "a hole after an unknown dtype": [
    craft({ a: { dtype: "F4", shape: [2], data_offsets: [0, 1] }, b: f32([1], [2, 6]) }, 6),
    /"b": expected its data at 1, got 2: a hole/,
  ],
  "a negative shape": [
    craft({ a: f32([-1, -1], [0, 4]) }, 4),
    /"a": expected a shape of non-negative integers, got \[-1,-1\]/,
  ],
  "a fractional shape": [craft({ a: f32([0.5], [0, 2]) }, 2), /"a": expected a shape/],
  "a huge shape": [craft({ a: f32([2 ** 40, 2 ** 40], [0, 4]) }, 4), /"a": expected a shape that fits in memory/],
  "a shape with an infinite size": [
    craft('{"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,4]}}', 4),
    /"a": expected a shape/,
  ],
  "no shape": [craft({ a: { dtype: "F32", data_offsets: [0, 4] } }, 4), /"a": expected a shape .* got undefined/],
  "one offset": [craft({ a: f32([1], [0]) }, 4), /"a": expected two data offsets/],
  "offsets that run backwards": [craft({ a: f32([1], [4, 0]) }, 4), /"a": expected 4 bytes/],
  "offsets that do not match the shape": [
    craft({ a: f32([2], [0, 4]) }, 4),
    /"a": expected 8 bytes for "F32" \[2\], got data offsets \[0,4\]/,
  ],
  "offsets beyond the end": [
    craft({ a: f32([2], [0, 8]) }, 4),
    /"a": expected its data within 4 bytes, got an end at 8: the file is truncated/,
  ],
  "an overlap": [
    craft({ a: f32([2], [0, 8]), b: f32([2], [4, 12]) }, 12),
    /"b": expected its data at 8, got 4: an overlap/,
  ],
  "two tensors on the same bytes": [craft({ a: f32([1], [0, 4]), b: f32([1], [0, 4]) }, 4), /an overlap/],
  "a hole": [craft({ a: f32([1], [0, 4]), b: f32([1], [8, 12]) }, 12), /"b": expected its data at 4, got 8: a hole/],
  "a hole at the start": [craft({ a: f32([1], [4, 8]) }, 8), /"a": expected its data at 0, got 4: a hole/],
  "bytes after the last tensor": [craft({ a: f32([1], [0, 4]) }, 5), /bytes after the last tensor/],
};

describe("a malformed file is refused in one line", () => {
  test.each(Object.keys(cases))("%s", async (name) => {
    const [bytes, message] = cases[name]!;
    const caught = capture(() => readSafetensors(bytes, "x.safetensors"));
    expect(caught.message).toMatch(message);
    expect(caught.message).toMatch(/^\[safetensors\] x\.safetensors: [^\n]{1,300}$/);
    const path = join(folder, "x.safetensors");
    writeFileSync(path, bytes);
    await expect(openSafetensors(path)).rejects.toThrow(message);
  });
});

function capture(read: () => unknown): SafetensorsError {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(SafetensorsError);
    return error as SafetensorsError;
  }
  return expect.fail("expected an error");
}

test("an empty tensor may share its offset with a tensor that is not, in any order", () => {
  const file = readSafetensors(craft({ a: f32([1], [0, 4]), none: f32([0], [0, 0]), last: f32([3, 0], [4, 4]) }, 4));
  expect([...file.tensors.keys()]).toEqual(["a", "none", "last"]);
});

test("names of tensors that look like object members are just names", async () => {
  const names = ["__proto__", "constructor", "hasOwnProperty", ""];
  const file = readSafetensors(
    await serialize(names.map((name, i) => ({ name, dtype: "U8", shape: [1], data: Uint8Array.of(i) }))),
  );
  expect([...file.tensors.keys()]).toEqual(names);
  expect(names.map((name) => file.bytes(name)[0])).toEqual([0, 1, 2, 3]);
});

const valid = await serialize(
  [
    { name: "weight", dtype: "F32", shape: [2, 3], data: new Float32Array(6) },
    { name: "ids", dtype: "I64", shape: [4], data: new BigInt64Array(4) },
    { name: "half", dtype: "BF16", shape: [5], data: new Uint16Array(5) },
  ],
  { format: "pt" },
);

/** Reads everything; anything but a clean read or a SafetensorsError fails the property. */
function readAll(bytes: Uint8Array): void {
  try {
    const file = readSafetensors(bytes);
    for (const [name, { byteLength }] of file.tensors) {
      expect(file.bytes(name).length).toBe(byteLength);
      file.get(name);
    }
  } catch (error) {
    if (!(error instanceof SafetensorsError) || error.message.includes("\n")) throw error;
  }
}

describe("any bytes are read or refused, never anything else", () => {
  test("random bytes behind a plausible length", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(80), (body, length) =>
        readAll(craft(new TextDecoder().decode(body), 8, length)),
      ),
    );
  });

  test("a valid file with bytes changed, cut or added", () => {
    const change = fc.tuple(fc.nat(valid.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(valid.length + 8), (changes, length) => {
        const bytes = new Uint8Array(length);
        bytes.set(valid.subarray(0, length));
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        readAll(bytes);
      }),
      { numRuns: 3000 },
    );
  });

  test("a header with arbitrary JSON in its fields", () => {
    const field = fc.oneof(fc.jsonValue(), fc.constantFrom("F32", "U8", [1], [2, 2], [0, 4], [0, 16], 0, -1, 1e300));
    const tensor = fc.record({ dtype: field, shape: field, data_offsets: field }, { requiredKeys: [] });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.oneof(tensor, fc.jsonValue())), fc.nat(32), (header, body) =>
        readAll(craft(header, body)),
      ),
      { numRuns: 3000 },
    );
  });

  test("truncation at every byte is refused", () => {
    for (let length = 0; length < valid.length; length++) capture(() => readSafetensors(valid.subarray(0, length)));
  });
});

/** A file in memory. */
function memorySource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.length,
    readInto: async (offset, target) => target.set(bytes.subarray(offset, offset + target.length)),
  };
}

/** Opens a checkpoint of this index beside one shard; anything but a SafetensorsError of one line, or a path out of the folder, fails the property. */
async function openIndex(index: string): Promise<void> {
  const asked: string[] = [];
  const beside: Folder = {
    name: "folder",
    open: async (path) => {
      asked.push(path);
      if (path === "model.safetensors.index.json") return memorySource(path, new TextEncoder().encode(index));
      return path === "one.safetensors" ? memorySource(path, valid) : undefined;
    },
  };
  await openCheckpoint(beside).catch((error: unknown) => {
    if (!(error instanceof SafetensorsError) || error.message.includes("\n")) throw error;
  });
  for (const path of asked) {
    expect(path).not.toMatch(/[\\:%\0\n]|^\/|\/\//);
    expect(path.split("/").filter((name) => name === ".." || name === ".")).toEqual([]);
  }
}

describe("any index is followed within its folder or refused in one line", () => {
  const parts = ["..", ".", "", "w", "one", "%2e%2e", "~", "a\\b", "C:", "\0", "\n", "\u2028", "con", "é"];
  const shard = fc
    .array(fc.constantFrom(...parts), { minLength: 1, maxLength: 4 })
    .map((names) => `${names.join("/")}.safetensors`);
  const map = fc.dictionary(fc.string(), fc.oneof({ weight: 3, arbitrary: shard }, fc.jsonValue()), { maxKeys: 3 });
  const json = fc.oneof(
    { weight: 4, arbitrary: map.map((weights) => JSON.stringify({ weight_map: weights })) },
    fc.jsonValue().map((value) => JSON.stringify({ weight_map: value })),
    fc
      .tuple(fc.string(), fc.string())
      .map(([before, after]) => `${before}{"weight_map":{"a":"one.safetensors"}}${after}`),
  );

  test("in any state", async () => {
    await fc.assert(fc.asyncProperty(json, openIndex), { numRuns: 2000, seed: 10 });
  });
});
