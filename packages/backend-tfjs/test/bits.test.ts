/** Buffers are bytes: commands of all dtypes on views of the same buffers, in any order, leave what the TypeScript engine leaves. */
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import type { Backend, BufferId, DType, View } from "@modernbert-ts/tensor-core";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createTfjsBackend } from "../src/index.ts";
import { tf } from "./tfjs.ts";

/** Elements of a buffer. */
const length = 24;
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
  fc.record({ offset: fc.nat(2), turned: fc.boolean() }).map(({ offset, turned }) => {
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
