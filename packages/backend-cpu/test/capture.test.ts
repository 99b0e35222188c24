/** Capture and replay on every engine. */
import { glu, Runtime, scalar, UseAfterDisposeError, x } from "@modernbert-ts/tensor-core";
import type { Backend } from "@modernbert-ts/tensor-core";
import { describe, expect, test } from "vitest";
import { createCpuBackend } from "../src/index.ts";
import { missing, tensor, valuesOf } from "./native.ts";

const double = { expression: scalar.mul(x(0), 2) };
const sum = { expression: scalar.add(x(0), x(1)) };

describe.each(["native", "wasm", "typescript"] as const)("capture, %s engine", (engine) => {
  function testOn(name: string, body: (backend: Backend) => Promise<void>): void {
    test(name, async ({ skip }) => {
      if (engine === "native" && missing) skip(missing);
      await using backend = await createCpuBackend({ engine, threads: engine === "typescript" ? 1 : 2 });
      await body(backend);
    });
  }

  testOn("recorded commands run at each replay, on the same buffers, and not before", async (backend) => {
    const value = tensor(backend, [3], [1, 2, 3]);
    const replay = backend.capture!(() => {
      const doubled = tensor(backend, [3]);
      backend.run("map", [doubled], [value], double);
      const ones = tensor(backend, [3], [1, 1, 1]);
      backend.run("map", [value], [doubled, ones], sum);
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

    const { cachedBytes, activeBytes } = backend.memory();
    replay.dispose();
    replay.dispose();
    expect(backend.memory()).toMatchObject({ cachedBytes: cachedBytes + 128, activeBytes: activeBytes - 128 });
    expect(() => replay.run()).toThrow(UseAfterDisposeError);
  });

  testOn("what a recording uses is not handed out while its replay lives, though it was released", async (backend) => {
    const [inside, after] = [tensor(backend, [3], [1, 2, 3]), tensor(backend, [3], [10, 20, 30])];
    const result = tensor(backend, [3]);
    const replay = backend.capture!(() => {
      backend.run("map", [result], [inside, after], sum);
      backend.release(inside.buffer);
      // Takes the memory of neither input.
      const scratch = tensor(backend, [3], [7, 7, 7]);
      backend.release(scratch.buffer);
    });
    backend.release(after.buffer);
    for (let run = 0; run < 3; run++) {
      const other = tensor(backend, [3], [5, 5, 5]);
      replay.run();
      expect(await valuesOf(backend, result)).toEqual([11, 22, 33]);
      expect(await valuesOf(backend, other)).toEqual([5, 5, 5]);
    }
    replay.dispose();
    // Input, scratch and the other input are free again.
    expect(backend.memory().cachedBytes).toBeGreaterThanOrEqual(3 * 64);
  });

  testOn("fused kernels replay on what is written between replays", async (backend) => {
    const runtime = new Runtime(backend, { fusion: engine === "typescript" ? "auto" : "fused" });
    const input = runtime.tensor([1, 2, 3, 4], [1, 4]);
    const output = runtime.tensor([0, 0], [1, 2]);
    const replay = backend.capture!(() => {
      const gated = glu(input, "relu");
      backend.run("copy", [output.view], [gated.view], {});
      gated.dispose();
    });
    for (const values of [
      [1, 2, 3, 4],
      [-1, 5, 6, 7],
    ]) {
      backend.write(input.view.buffer, Float32Array.from(values));
      replay.run();
      const [a, b, c, d] = values as [number, number, number, number];
      expect([...(await output.read())]).toEqual([Math.max(a, 0) * c, Math.max(b, 0) * d]);
    }
    replay.dispose();
  });

  testOn("a failing recording leaves the backend as it was", async (backend) => {
    const value = tensor(backend, [3], [1, 2, 3]);
    const failing = (): void => {
      backend.run("fill", [value], [], { value: 0 });
      throw new Error("stop");
    };
    expect(() => backend.capture!(failing)).toThrow("stop");
    expect(await valuesOf(backend, value)).toEqual([1, 2, 3]);
  });

  testOn("what would wait for recorded commands is refused", async (backend) => {
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
  });
});
