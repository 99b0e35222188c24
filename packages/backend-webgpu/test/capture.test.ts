/** Capture and replay of dispatches and uploads. */
import { DeviceValueError, scalar, x } from "@modernbert-ts/tensor-core";
import type { Backend, DType, View } from "@modernbert-ts/tensor-core";
import { describe, expect, test } from "vitest";
import { createWebGpuBackend } from "../src/index.ts";
import { onDevice } from "./adapter.ts";

function vector(backend: Backend, values: Float32Array | Int32Array, dtype: DType = "f32"): View {
  const buffer = backend.allocate(values.byteLength);
  backend.write(buffer, values);
  return { buffer, dtype, shape: [values.length], strides: [1], offset: 0 };
}

async function valuesOf(backend: Backend, { buffer, shape }: View): Promise<number[]> {
  return [...new Float32Array(await backend.read(buffer, 0, 4 * shape[0]!))];
}

onDevice("capture of webgpu", () => {
  describe("capture of webgpu", () => {
    test("recorded commands run at each replay, on memory that nobody else gets meanwhile", async () => {
      await using backend = await createWebGpuBackend();
      const [inside, after] = [vector(backend, Float32Array.of(1, 2, 3)), vector(backend, Float32Array.of(10, 20, 30))];
      const total = vector(backend, Float32Array.of(0, 0, 0));
      const replay = backend.capture!(() => {
        const ones = vector(backend, Float32Array.of(1, 1, 1));
        const terms = [total, inside, after, ones];
        const expression = scalar.add(scalar.add(x(0), x(1)), scalar.add(x(2), x(3)));
        // Reads and writes one buffer, which takes a copy on the device.
        backend.run("map", [total], terms, { expression });
        backend.release(ones.buffer);
        backend.release(inside.buffer);
      });
      backend.release(after.buffer);
      expect(await valuesOf(backend, total)).toEqual([0, 0, 0]);
      for (let run = 1; run <= 3; run++) {
        const other = vector(backend, Float32Array.of(5, 5, 5));
        replay.run();
        expect(await valuesOf(backend, total)).toEqual([12 * run, 23 * run, 34 * run]);
        expect(await valuesOf(backend, other)).toEqual([5, 5, 5]);
      }
      const { activeBytes } = backend.memory();
      replay.dispose();
      expect(backend.memory().activeBytes).toBe(activeBytes - 3 * 256);
      expect(() => replay.run()).toThrow("[replay] expected a live replay, got one that was disposed");
    });

    test("a bad value is reported at each replay, and what would wait is refused", async () => {
      await using backend = await createWebGpuBackend();
      const table = { ...vector(backend, Float32Array.of(1, 2)), shape: [2, 1], strides: [1, 1] };
      const rows = { ...vector(backend, Float32Array.of(0)), shape: [1, 1], strides: [1, 1] };
      const ids = vector(backend, Int32Array.of(2), "i32");
      let read: Promise<unknown> | undefined;
      const replay = backend.capture!(() => {
        backend.run("gather", [rows], [table, ids], {});
        read = backend.read(rows.buffer, 0, 4);
        expect(() => backend.trim()).toThrow("[capture] expected no trim while commands are recorded");
      });
      await expect(read).rejects.toThrow("[capture] expected no read while commands are recorded");
      for (let run = 0; run < 2; run++) {
        await backend.synchronize();
        replay.run();
        await expect(backend.synchronize()).rejects.toThrow(DeviceValueError);
      }
    });
  });
});
