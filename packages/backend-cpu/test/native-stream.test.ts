/** The command stream of the native engine under stress: order, reads in between, disposal, several backends, errors, refusals. */
import { DeviceValueError, scalar, ShapeError, UseAfterDisposeError, x } from "@modernbert-ts/tensor-core";
import type { Backend } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { loadAddon } from "../src/engines/native/addon.ts";
import { findNativeLibrary } from "../src/engines/native/locate.ts";
import { createCpuBackend } from "../src/index.ts";
import { describeNative, ids, tensor, valuesOf } from "./native.ts";

const plusOne = { expression: scalar.add(x(0), 1) };

async function withBackend(work: (backend: Backend) => Promise<void>, threads = 2): Promise<void> {
  const backend = await createCpuBackend({ engine: "native", threads });
  await work(backend);
  await backend[Symbol.asyncDispose]();
}

describeNative("native stream", () => {
  test.each([1, 2, 5])("thousands of small commands with reads in between, %i threads", async (threads) => {
    await withBackend(async (backend) => {
      let value = tensor(backend, [7], [0, 1, 2, 3, 4, 5, 6]);
      const reads: Promise<number[]>[] = [];
      for (let step = 1; step <= 6000; step++) {
        const next = tensor(backend, [7]);
        backend.run("map", [next], [value], plusOne);
        backend.release(value.buffer);
        value = next;
        if (step % 300 === 0) reads.push(valuesOf(backend, value));
        if (step % 1500 === 0) await reads.at(-1);
      }
      const results = await Promise.all(reads);
      results.forEach((result, at) =>
        expect(result).toEqual([0, 1, 2, 3, 4, 5, 6].map((start) => start + 300 * (at + 1))),
      );
      expect(backend.memory().liveBuffers).toBe(1);
      expect(backend.memory().allocations).toBeLessThan(50);
    }, threads);
  });

  test("a read gives the content at the time of the call, whatever happens to the buffer afterwards", async () => {
    await withBackend(async (backend) => {
      const first = tensor(backend, [50_000], new Float32Array(50_000).fill(1));
      const read = valuesOf(backend, first);
      backend.release(first.buffer);
      const second = tensor(backend, [50_000]);
      backend.run("fill", [second], [], { value: 2 });
      expect(new Set(await read)).toEqual(new Set([1]));
      expect(new Set(await valuesOf(backend, second))).toEqual(new Set([2]));
    });
  });

  test("timers and immediates run while the device works: only the answer waits", async () => {
    await withBackend(async (backend) => {
      const a = tensor(backend, [600, 600], new Float32Array(360_000).fill(1));
      const product = tensor(backend, [600, 600]);
      for (let step = 0; step < 50; step++)
        backend.run("matmul", [product], [a, a], { alpha: 1, accumulate: step > 0 });
      let turns = 0;
      let ticks = 0;
      const timer = setInterval(() => ticks++, 1);
      let immediate = setImmediate(function turn() {
        turns++;
        immediate = setImmediate(turn);
      });
      expect((await valuesOf(backend, product))[0]).toBe(30_000);
      clearInterval(timer);
      clearImmediate(immediate);
      // A loop that stood still during the work would have met the answer in its first turns, with hardly a tick before it.
      expect(turns).toBeGreaterThan(100);
      expect(ticks).toBeGreaterThan(2);
    });
  });

  test("large writes behind queued work arrive in order", async () => {
    await withBackend(async (backend) => {
      const a = tensor(backend, [512, 512], new Float32Array(512 * 512).fill(0.5));
      const product = tensor(backend, [512, 512]);
      const target = tensor(backend, [3_000_000]);
      const sums: Promise<number[]>[] = [];
      for (let step = 1; step <= 4; step++) {
        backend.run("matmul", [product], [a, a], { alpha: 1, accumulate: false });
        const data = new Float32Array(3_000_000).fill(step);
        backend.write(target.buffer, data);
        data.fill(-1);
        const sum = tensor(backend, [1]);
        backend.run("reduce", [sum], [target], { kind: "sum", axes: [0] });
        sums.push(valuesOf(backend, sum));
      }
      expect(await Promise.all(sums)).toEqual([[3e6], [6e6], [9e6], [12e6]]);
    });
  });

  test("disposal executes what is queued and answers reads that were asked before", async () => {
    const backend = await createCpuBackend({ engine: "native", threads: 2 });
    const a = tensor(backend, [600, 600], new Float32Array(360_000).fill(1));
    const product = tensor(backend, [600, 600]);
    for (let step = 0; step < 20; step++) backend.run("matmul", [product], [a, a], { alpha: 1, accumulate: step > 0 });
    const read = valuesOf(backend, product);
    const disposed = backend[Symbol.asyncDispose]();
    expect((await read)[359_999]).toBe(12_000);
    await disposed;
    await backend[Symbol.asyncDispose]();
    expect(() => backend.allocate(4)).toThrow(UseAfterDisposeError);
    expect(() => backend.read(product.buffer, 0, 4)).toThrow(UseAfterDisposeError);
    backend.release(product.buffer);
  });

  test("two backends work side by side", async () => {
    const backends = await Promise.all([1, 2].map(() => createCpuBackend({ engine: "native", threads: 2 })));
    const results = await Promise.all(
      backends.map(async (backend, index) => {
        const value = tensor(backend, [100, 100], new Float32Array(10_000).fill(index + 1));
        const product = tensor(backend, [100, 100]);
        for (let step = 0; step < 200; step++)
          backend.run("matmul", [product], [value, value], { alpha: 1, accumulate: false });
        return (await valuesOf(backend, product))[0];
      }),
    );
    expect(results).toEqual([100, 400]);
    await Promise.all(backends.map((backend) => backend[Symbol.asyncDispose]()));
  });

  test("a bad id rejects the first read after it, not one before, and is then forgotten", async () => {
    await withBackend(async (backend) => {
      const table = tensor(backend, [3, 2], [1, 2, 3, 4, 5, 6]);
      const rows = tensor(backend, [2, 2]);
      const before = valuesOf(backend, table);
      backend.run("gather", [rows], [table, ids(backend, [2], [2, 3])], {});
      const after = valuesOf(backend, rows).catch((error: unknown) => error);
      expect(await before).toEqual([1, 2, 3, 4, 5, 6]);
      expect(await after).toEqual(new DeviceValueError("gather", "expected ids from 0 to 2, got 3"));
      expect(await valuesOf(backend, rows)).toEqual([5, 6, 0, 0]);
      await backend.synchronize();
    });
  });

  test("wrong buffers, views and ranges are refused before they reach C", async () => {
    await withBackend(async (backend) => {
      const view = tensor(backend, [4], [1, 2, 3, 4]);
      const huge = { ...view, shape: [400], strides: [1] };
      expect(() => backend.run("fill", [huge], [], { value: 1 })).toThrow(ShapeError);
      expect(() => backend.run("fill", [{ ...view, offset: -1 }], [], { value: 1 })).toThrow(ShapeError);
      expect(() => backend.write(view.buffer, new Float32Array(400))).toThrow(ShapeError);
      await expect(backend.read(view.buffer, 0, 4000)).rejects.toThrow(ShapeError);
      backend.release(view.buffer);
      expect(() => backend.run("fill", [view], [], { value: 1 })).toThrow(UseAfterDisposeError);
      expect(() => backend.release(view.buffer)).toThrow(UseAfterDisposeError);
    });
  });

  test("the addon throws at arguments of another type, and at more bytes than there are", () => {
    const addon = loadAddon(findNativeLibrary()!);
    const untyped = addon as unknown as Record<string, (...values: unknown[]) => unknown>;
    expect(() => untyped["operation"]!(7)).toThrow("A string was expected");
    expect(() => untyped["createStream"]!("two", 0)).toThrow("A number was expected");
    expect(() => untyped["wait"]!()).toThrow("A number was expected");
    const stream = addon.createStream(1, 0);
    expect(() => untyped["submit"]!(stream, [1, 2], 2)).toThrow("Invalid argument");
    expect(() => untyped["submit"]!(stream, new Float32Array(2), 2)).toThrow("expected a Uint8Array");
    expect(() => addon.submit(stream, new Uint8Array(8), 16)).toThrow("expected no more bytes of commands");
    expect(addon.completed(stream)).toBe(0);
    addon.destroyStream(stream);
  });
});
