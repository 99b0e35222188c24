/** Every tensor that the backend makes is disposed of, whatever became of the commands. */
import { DeviceValueError, layerNorm, Runtime, valueAndGradients, mean } from "@modernbert-ts/tensor-core";
import type { Backend, View } from "@modernbert-ts/tensor-core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTfjsBackend } from "../src/index.ts";
import { tf } from "./tfjs.ts";

let before = 0;
beforeEach(() => {
  before = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(before);
});

function vector(backend: Backend, values: Float32Array | Int32Array): View {
  const buffer = backend.allocate(values.byteLength);
  backend.write(buffer, values);
  const dtype = values instanceof Float32Array ? "f32" : "i32";
  return { buffer, dtype, shape: [values.length], strides: [1], offset: 0 };
}

test("after a layer and its gradients", async () => {
  await using backend = await createTfjsBackend(tf);
  const runtime = new Runtime(backend);
  const [x, weight] = [runtime.tensor([1, 2, 3, 4], [2, 2]), runtime.tensor([1, 2], [2])];
  const { value, gradients } = valueAndGradients(runtime, [x, weight], () =>
    runtime.scope(() => mean(layerNorm(x, weight, null, 1e-5))),
  );
  expect(await value.item()).toBeCloseTo(0.5, 3);
  for (const tensor of [x, weight, value, ...gradients]) tensor?.dispose();
  backend.trim();
  expect(tf.memory().numTensors).toBe(before);
});

test("after a capture that outlives its buffers", async () => {
  await using backend = await createTfjsBackend(tf);
  const [from, to] = [vector(backend, Float32Array.of(1, 2)), vector(backend, Float32Array.of(0, 0))];
  const replay = backend.capture!(() => backend.run("copy", [to], [from], {}));
  backend.release(from.buffer);
  replay.run();
  expect([...new Float32Array(await backend.read(to.buffer, 0, 8))]).toEqual([1, 2]);
});

test("after bad ids, reported or not", async () => {
  await using backend = await createTfjsBackend(tf);
  const table = { ...vector(backend, Float32Array.of(5, 6)), shape: [2, 1], strides: [1, 1] };
  const gather = (...ids: number[]): void => {
    const out = { ...vector(backend, new Float32Array(ids.length)), shape: [ids.length, 1], strides: [1, 1] };
    backend.run("gather", [out], [table, vector(backend, Int32Array.from(ids))], {});
  };
  gather(0, 1);
  gather(0, 7, 1);
  gather(-3);
  const error: unknown = await backend.synchronize().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(DeviceValueError);
  expect(error).toHaveProperty("message", "[gather] expected ids from 0 to 1, got 7");
  await backend.synchronize();
  gather(2);
});

test("after a command that TensorFlow.js refuses, and after a read that is not awaited", async () => {
  const backend = await createTfjsBackend(tf);
  const [x, out] = [vector(backend, Float32Array.of(1)), vector(backend, Float32Array.of(0))];
  const nothing = { kind: "input", index: 1 } as const;
  expect(() => backend.run("map", [out], [x], { expression: nothing })).toThrow();
  backend.run("fill", [out], [], { value: 3 });
  const reading = backend.read(out.buffer, 0, 4);
  await backend[Symbol.asyncDispose]();
  expect([...new Float32Array(await reading)]).toEqual([3]);
});

test("inside the caller's own tidy", async () => {
  await using backend = await createTfjsBackend(tf);
  const out = vector(backend, Float32Array.of(0));
  tf.tidy(() => backend.run("fill", [out], [], { value: 3 }));
  expect([...new Float32Array(await backend.read(out.buffer, 0, 4))]).toEqual([3]);
});
