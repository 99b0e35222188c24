/** Buffers are bytes: commands of all dtypes on views of the same buffers, in any order, leave what the TypeScript engine leaves. */
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import type { Backend, BufferId, DType, View } from "@modernbert-ts/tensor-core";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createTfjsBackend } from "../src/index.ts";
import { tf } from "./tfjs.ts";

/** Elements of a buffer. */
const length = 32;
const count = 3;

/** Bits that are other things in other dtypes: infinities, NaN with and without a sign, numbers below the normal ones. */
const words = fc.constantFrom(0, 1, -1, 0x7f800000, 0x7fc00001, 0x7fa00000, -(2 ** 31), 0x3f800000, 77);
const anyType = fc.constantFrom<DType>("f32", "i32", "u32");
const buffer = fc.nat(count - 1);

interface Window {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

/** A box of some axes of a dense array, turned round and moved; of the same few shapes, so that any two fit. */
const place: fc.Arbitrary<Window> = fc.oneof(
  fc.record({ offset: fc.nat(length - 12), turned: fc.boolean() }).map(({ offset, turned }) => {
    return { shape: [3, 4], strides: turned ? [1, 3] : [4, 1], offset };
  }),
  fc.record({ offset: fc.nat(5), turned: fc.boolean() }).map(({ offset, turned }) => {
    return { shape: [3, 4], strides: turned ? [1, 6] : [6, 1], offset };
  }),
  fc.record({ offset: fc.nat(1) }).map(({ offset }) => ({ shape: [3, 4], strides: [8, 2], offset })),
);

type Command =
  | {
      readonly kind: "fill";
      readonly to: number;
      readonly window: Window;
      readonly dtype: DType;
      readonly value: number;
    }
  | { readonly kind: "copy"; readonly to: number; readonly from: number; readonly windows: readonly [Window, Window] }
  | { readonly kind: "write"; readonly to: number; readonly bytes: Uint8Array; readonly at: number }
  | { readonly kind: "words"; readonly to: number; readonly words: Int32Array }
  | { readonly kind: "renew"; readonly to: number };

const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    kind: fc.constant("fill" as const),
    to: buffer,
    window: place,
    dtype: anyType,
    value: fc.constantFrom(0, 1, 3, 2 ** 30),
  }),
  fc.record({ kind: fc.constant("copy" as const), to: buffer, from: buffer, windows: fc.tuple(place, place) }),
  fc.record({
    kind: fc.constant("write" as const),
    to: buffer,
    bytes: fc.uint8Array({ minLength: 1, maxLength: 20 }),
    at: fc.nat(length * 4 - 20),
  }),
  fc.record({
    kind: fc.constant("words" as const),
    to: buffer,
    words: fc.array(words, { minLength: length, maxLength: length }).map((each) => Int32Array.from(each)),
  }),
  fc.record({ kind: fc.constant("renew" as const), to: buffer }),
);

/** Runs all commands; gives the bytes of every buffer. */
async function play(backend: Backend, commands: readonly Command[]): Promise<Uint8Array[]> {
  const zeros = new Uint8Array(length * 4);
  const fresh = (): BufferId => {
    const id = backend.allocate(length * 4);
    backend.write(id, zeros);
    return id;
  };
  const buffers = Array.from({ length: count }, fresh);
  const view = (at: number, window: Window, dtype: DType): View => ({ ...window, buffer: buffers[at]!, dtype });
  for (const each of commands) {
    if (each.kind === "fill") {
      backend.run("fill", [view(each.to, each.window, each.dtype)], [], { value: each.value });
    } else if (each.kind === "copy") {
      // As whole numbers, whose bits all pass; within one buffer views would overlap.
      if (each.from === each.to) continue;
      const [to, from] = each.windows;
      backend.run("copy", [view(each.to, to, "i32")], [view(each.from, from, "i32")], {});
    } else if (each.kind === "write") {
      backend.write(buffers[each.to]!, each.bytes, each.at);
    } else if (each.kind === "words") {
      backend.write(buffers[each.to]!, each.words);
    } else {
      backend.release(buffers[each.to]!);
      buffers[each.to] = fresh();
    }
  }
  const bytes = await Promise.all(buffers.map((id) => backend.read(id, 0, length * 4)));
  for (const id of buffers) backend.release(id);
  return bytes.map((each) => new Uint8Array(each));
}

test("any commands leave the bits that they should", async () => {
  await using backend = await createTfjsBackend(tf);
  await using oracle = await createCpuBackend({ engine: "typescript" });
  const property = fc.asyncProperty(fc.array(command, { maxLength: 25 }), async (commands) => {
    expect(await play(backend, commands)).toEqual(await play(oracle, commands));
  });
  await fc.assert(property, { numRuns: 300 });
});

/** Runs one command from one whole buffer to another. */
async function compute(
  op: "copy" | "max",
  from: DType,
  values: ArrayBufferView,
  to: DType,
): Promise<Float32Array | Uint32Array> {
  await using backend = await createTfjsBackend(tf);
  const size = values.byteLength / 4;
  const [source, target] = [backend.allocate(values.byteLength), backend.allocate(values.byteLength)] as const;
  backend.write(source, values);
  const view = { shape: [size], strides: [1], offset: 0 };
  const outputs = [{ ...view, buffer: target, dtype: to, shape: [op === "max" ? 1 : size] }];
  const inputs = [{ ...view, buffer: source, dtype: from }];
  if (op === "max") backend.run("reduce", outputs, inputs, { kind: "max", axes: [0] });
  else backend.run("copy", outputs, inputs, {});
  const bytes = await backend.read(target, 0, op === "max" ? 4 : values.byteLength);
  return to === "f32" ? new Float32Array(bytes) : new Uint32Array(bytes);
}

/** Numbers that f32 holds, and neighbours that it rounds, once, to even. */
const large = [0, 1, 2 ** 24 + 1, 2 ** 24 + 3, 2 ** 31 - 65, 2 ** 31 + 128, 2 ** 31 + 129, 2 ** 32 - 129, 2 ** 32 - 1];

test("casts of whole buffers round once, and know u32 from i32", async () => {
  const rounded = Float32Array.from(large);
  expect(await compute("copy", "u32", Uint32Array.from(large), "f32")).toEqual(rounded);
  const signed = Int32Array.from(large, (value) => (value < 2 ** 31 ? -value : 2 ** 31 - value));
  expect(await compute("copy", "i32", signed, "f32")).toEqual(Float32Array.from(signed));
  const whole = rounded.filter((value) => value < 2 ** 32);
  expect(await compute("copy", "f32", whole, "u32")).toEqual(Uint32Array.from(whole));
  expect(await compute("max", "u32", Uint32Array.of(3, 2 ** 31 + 5, 7, 2 ** 31), "u32")).toEqual(
    Uint32Array.of(2 ** 31 + 5),
  );
  expect(await compute("max", "u32", Uint32Array.of(3, 7, 0), "u32")).toEqual(Uint32Array.of(7));
});

test("a copy of a whole buffer shares nothing with it", async () => {
  await using backend = await createTfjsBackend(tf);
  const [from, to] = [backend.allocate(16), backend.allocate(16)] as const;
  const whole = { dtype: "f32", shape: [4], strides: [1], offset: 0 } as const;
  backend.write(from, Float32Array.of(1, 2, 3, 4));
  backend.run("copy", [{ ...whole, buffer: to }], [{ ...whole, buffer: from }], {});
  backend.run("fill", [{ ...whole, buffer: to, shape: [2], strides: [2] }], [], { value: 9 });
  expect([...new Float32Array(await backend.read(from, 0, 16))]).toEqual([1, 2, 3, 4]);
  expect([...new Float32Array(await backend.read(to, 0, 16))]).toEqual([9, 2, 9, 4]);
});
