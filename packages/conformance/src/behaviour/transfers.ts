/** `write`, `read` and the order of commands: what any program above the interface relies on. */
import { bytesOf, TensorError } from "@modernbert-ts/tensor-core";
import type { View } from "@modernbert-ts/tensor-core";
import { scalar, x } from "@modernbert-ts/tensor-core";
import type { Backend } from "@modernbert-ts/tensor-core";
import type { ConformanceCase } from "../case.ts";
import { expectThat } from "../case.ts";

const increment = { expression: scalar.add(x(0), 1) };
const length = 1000;

/** A dense f32 vector on the backend; the case releases it. */
export function vector(backend: Backend, values: Float32Array): View {
  const buffer = backend.allocate(values.byteLength);
  backend.write(buffer, values);
  return { buffer, dtype: "f32", shape: [values.length], strides: [1], offset: 0 };
}

export async function readVector(backend: Backend, view: View): Promise<Float32Array> {
  return new Float32Array(await backend.read(view.buffer, 0, view.shape[0]! * bytesOf("f32")));
}

export function expectAll(got: Float32Array, value: (index: number) => number): void {
  const wrong = got.findIndex((actual, index) => actual !== value(index));
  expectThat(wrong < 0, `expected ${value(Math.max(wrong, 0))} at ${wrong}, got ${got[Math.max(wrong, 0)]}`);
}

/** `call` throws or rejects with a TensorError of `operation`. */
export async function expectRefusal(operation: string, call: () => unknown): Promise<void> {
  let error: unknown;
  try {
    await call();
  } catch (reason) {
    error = reason;
  }
  expectThat(
    error instanceof TensorError && error.operation === operation,
    `expected ${operation} to be refused by name, got ${String(error)}`,
  );
}

export function transferCases(): ConformanceCase[] {
  return [
    {
      name: "transfers / what is written is read",
      async run({ backend, random }) {
        for (const bytes of [4, 64, 100, 4096, 100_000, 3_000_000]) {
          const data = Uint8Array.from({ length: bytes }, () => random.whole(0, 255));
          const buffer = backend.allocate(bytes);
          backend.write(buffer, data);
          const back = new Uint8Array(await backend.read(buffer, 0, bytes));
          expectThat(back.length === bytes, `expected ${bytes} bytes, got ${back.length}`);
          expectThat(
            back.every((byte, i) => byte === data[i]),
            `expected the ${bytes} bytes that were written`,
          );
          backend.release(buffer);
        }
      },
    },
    {
      name: "transfers / parts of a buffer at offsets",
      async run({ backend }) {
        const view = vector(backend, new Float32Array(length));
        for (const [start, count] of [
          [0, 3],
          [997, 3],
          [500, 1],
          [17, 200],
        ] as const) {
          backend.write(view.buffer, new Float32Array(count).fill(start + 1), start * 4);
          const part = new Float32Array(await backend.read(view.buffer, start * 4, count * 4));
          expectThat(part.length === count, `expected ${count} numbers, got ${part.length}`);
          expectAll(part, () => start + 1);
        }
        const whole = await readVector(backend, view);
        expectAll(whole.subarray(3, 17), () => 0);
        expectAll(whole.subarray(217, 500), () => 0);
        expectAll(whole.subarray(501, 997), () => 0);
        backend.release(view.buffer);
      },
    },
    {
      name: "transfers / two-byte elements at odd places",
      requires: { storage: ["bf16"] },
      async run({ backend }) {
        const buffer = backend.allocate(14);
        backend.write(buffer, Uint16Array.of(1, 2, 3, 4, 5, 6, 7));
        backend.write(buffer, Uint16Array.of(30), 4);
        const part = new Uint16Array(await backend.read(buffer, 2, 6));
        expectThat(part.join() === "2,30,4", `expected 2,30,4, got ${part.join()}`);
        backend.release(buffer);
      },
    },
    {
      name: "transfers / the source may change after write",
      async run({ backend }) {
        for (const size of [4, length, 1_000_000]) {
          const data = new Float32Array(size).fill(1);
          const view = vector(backend, data);
          data.fill(2);
          expectAll(await readVector(backend, view), () => 1);
          backend.release(view.buffer);
        }
      },
    },
    {
      name: "transfers / only the window of a typed array is written",
      async run({ backend }) {
        const wide = Float32Array.of(9, 1, 2, 3, 9);
        const view = vector(backend, wide.subarray(1, 4));
        expectAll(await readVector(backend, view), (i) => i + 1);
        backend.release(view.buffer);
      },
    },
    {
      name: "transfers / write, run, write, run, read happen in that order",
      requires: { arithmetic: ["f32"] },
      async run({ backend }) {
        const input = vector(backend, new Float32Array(length).fill(1));
        const first = vector(backend, new Float32Array(length));
        const second = vector(backend, new Float32Array(length));
        backend.run("map", [first], [input], increment);
        backend.write(input.buffer, new Float32Array(length).fill(10));
        backend.run("map", [second], [input], increment);
        backend.write(input.buffer, new Float32Array(length).fill(100));
        const early = readVector(backend, first);
        backend.run("map", [first], [second], increment);
        expectAll(await early, () => 2);
        expectAll(await readVector(backend, second), () => 11);
        expectAll(await readVector(backend, first), () => 12);
        expectAll(await readVector(backend, input), () => 100);
        for (const { buffer } of [input, first, second]) backend.release(buffer);
      },
    },
    {
      name: "transfers / bytes outside a buffer are refused by name, and nothing breaks",
      async run({ backend }) {
        const view = vector(backend, Float32Array.of(1, 2, 3));
        const far = 2 ** 20;
        for (const [byteOffset, byteLength] of [
          [far, 4],
          [0, far],
          [-4, 4],
        ] as const) {
          await expectRefusal("write", () => backend.write(view.buffer, new Uint8Array(byteLength), byteOffset));
          await expectRefusal("read", () => backend.read(view.buffer, byteOffset, byteLength));
        }
        expectAll(await readVector(backend, view), (i) => i + 1);
        backend.release(view.buffer);
        await expectRefusal("write", () => backend.write(view.buffer, new Uint8Array(4)));
        await expectRefusal("read", () => backend.read(view.buffer, 0, 4));
      },
    },
    {
      name: "transfers / nothing to read or write",
      async run({ backend }) {
        const buffer = backend.allocate(0);
        backend.write(buffer, new Float32Array(0));
        expectThat((await backend.read(buffer, 0, 0)).byteLength === 0, "expected no bytes");
        backend.release(buffer);
        await backend.synchronize();
      },
    },
  ];
}
