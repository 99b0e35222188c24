/** Capture and replay on the native engine. */
import { scalar, x } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { createCpuBackend } from "../src/index.ts";
import { describeNative, tensor, valuesOf } from "./native.ts";

describeNative("native capture", () => {
  test("recorded commands run at each replay, on the same buffers, and not before", async () => {
    const backend = await createCpuBackend({ engine: "native", threads: 2 });
    const value = tensor(backend, [3], [1, 2, 3]);
    const replay = backend.capture!(() => {
      const doubled = tensor(backend, [3]);
      backend.run("map", [doubled], [value], { expression: scalar.mul(x(0), 2) });
      const ones = tensor(backend, [3], [1, 1, 1]);
      backend.run("map", [value], [doubled, ones], { expression: scalar.add(x(0), x(1)) });
      backend.release(doubled.buffer);
      backend.release(ones.buffer);
    });
    expect(await valuesOf(backend, value)).toEqual([1, 2, 3]);
    replay.run();
    expect(await valuesOf(backend, value)).toEqual([3, 5, 7]);
    // Other work between replays must not land in the memory that the recording uses.
    const others = Array.from({ length: 8 }, () => tensor(backend, [3], [9, 9, 9]));
    replay.run();
    replay.run();
    expect(await valuesOf(backend, value)).toEqual([15, 23, 31]);
    for (const other of others) expect(await valuesOf(backend, other)).toEqual([9, 9, 9]);

    const { cachedBytes } = backend.memory();
    replay.dispose();
    replay.dispose();
    expect(backend.memory().cachedBytes).toBe(cachedBytes + 128);
    await backend[Symbol.asyncDispose]();
  });

  test("a failing recording leaves the backend as it was", async () => {
    const backend = await createCpuBackend({ engine: "native", threads: 2 });
    const value = tensor(backend, [3], [1, 2, 3]);
    const failing = (): void => {
      backend.run("fill", [value], [], { value: 0 });
      throw new Error("stop");
    };
    expect(() => backend.capture!(failing)).toThrow("stop");
    expect(await valuesOf(backend, value)).toEqual([1, 2, 3]);
    await backend[Symbol.asyncDispose]();
  });

  test("what would wait for recorded commands is refused", async () => {
    const backend = await createCpuBackend({ engine: "native", threads: 2 });
    const value = tensor(backend, [1], [1]);
    const replay = backend.capture!(() => backend.run("fill", [value], [], { value: 5 }));
    let read: Promise<unknown> | undefined;
    let synchronized: Promise<unknown> | undefined;
    backend.capture!(() => {
      read = backend.read(value.buffer, 0, 4);
      synchronized = backend.synchronize();
      expect(() => backend.trim()).toThrow("[capture]");
      expect(() => replay.run()).toThrow("[capture]");
      expect(() => backend.capture!(() => undefined)).toThrow("[capture]");
    }).dispose();
    await expect(read).rejects.toThrow("[capture] expected no read while commands are recorded");
    await expect(synchronized).rejects.toThrow("[capture]");
    await backend[Symbol.asyncDispose]();
  });
});
