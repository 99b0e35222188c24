/** Captures of the emulated device: replays as CUDA graphs, on changed inputs, between other work, with writes inside and bad ids. */
import { DeviceValueError, scalar, UseAfterDisposeError, x } from "@modernbert-ts/tensor-core";
import type { Backend, View } from "@modernbert-ts/tensor-core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createCudaBackend } from "../src/index.ts";
import { missing } from "./library.ts";

beforeEach(({ skip }) => {
  if (missing) skip(missing);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

function tensor(backend: Backend, values: readonly number[], dtype: "f32" | "i32" = "f32"): View {
  const buffer = backend.allocate(values.length * 4);
  backend.write(buffer, dtype === "f32" ? Float32Array.from(values) : Int32Array.from(values));
  return { buffer, dtype, shape: [values.length], strides: [1], offset: 0 };
}

async function valuesOf(backend: Backend, view: View): Promise<number[]> {
  return [...new Float32Array(await backend.read(view.buffer, 0, view.shape[0]! * 4))];
}

const sum = { expression: scalar.add(x(0), x(1)) };

describe.each(["1", "0"])("captures with MODERNBERT_CUDA_GRAPHS=%s", (graphs) => {
  beforeEach(() => {
    vi.stubEnv("MODERNBERT_CUDA_GRAPHS", graphs);
  });

  test("run on what is written between replays, on their own memory, in order with other work", async () => {
    await using backend = await createCudaBackend({ emulate: true });
    const [value, total] = [tensor(backend, [1, 2, 3]), tensor(backend, [0, 0, 0])];
    const replay = backend.capture!(() => {
      const hundred = tensor(backend, [100, 100, 100]);
      const part = tensor(backend, [0, 0, 0]);
      backend.run("map", [part], [value, hundred], sum);
      backend.run("map", [total], [total, part], sum);
      for (const { buffer } of [hundred, part]) backend.release(buffer);
    });
    let want = [0, 0, 0];
    for (let round = 1; round <= 5; round++) {
      const written = [round, 10 * round, -round];
      backend.write(value.buffer, Float32Array.from(written));
      const others = Array.from({ length: 4 }, () => tensor(backend, [9, 9, 9]));
      replay.run();
      want = want.map((before, at) => before + 100 + written[at]!);
      if (round % 2) replay.run();
      if (round % 2) want = want.map((before, at) => before + 100 + written[at]!);
      expect(await valuesOf(backend, total)).toEqual(want);
      for (const other of others) {
        expect(await valuesOf(backend, other)).toEqual([9, 9, 9]);
        backend.release(other.buffer);
      }
    }
    replay.dispose();
    replay.dispose();
    expect(() => replay.run()).toThrow(UseAfterDisposeError);
    expect(await valuesOf(backend, total)).toEqual(want);
  });

  test("that end while runs are queued still run, and others take their place", async () => {
    await using backend = await createCudaBackend({ emulate: true });
    const total = tensor(backend, [0]);
    for (let step = 1; step <= 8; step++) {
      const replay = backend.capture!(() => {
        const part = tensor(backend, [step]);
        backend.run("map", [total], [total, part], sum);
        backend.release(part.buffer);
      });
      for (let run = 0; run < 3; run++) replay.run();
      replay.dispose();
    }
    expect(await valuesOf(backend, total)).toEqual([3 * 36]);
  });

  test("meet bad ids as their operation, at the read after the replay that met them", async () => {
    await using backend = await createCudaBackend({ emulate: true });
    const [table, chosen] = [tensor(backend, [5, 6, 7]), tensor(backend, [0, 1], "i32")];
    const out = tensor(backend, [0, 0]);
    const rows = { shape: [3, 1], strides: [1, 1] };
    const replay = backend.capture!(() =>
      backend.run("gather", [{ ...out, shape: [2, 1], strides: [1, 1] }], [{ ...table, ...rows }, chosen], {}),
    );
    for (const id of [1, 9, 2, 8, 0]) {
      const before = backend.synchronize();
      backend.write(chosen.buffer, Int32Array.of(id, 0));
      replay.run();
      const read = valuesOf(backend, out).catch((error: unknown) => error);
      await before;
      if (id < 3) expect(await read).toEqual([5 + id, 5]);
      else expect(await read).toEqual(new DeviceValueError("gather", `expected ids from 0 to 2, got ${id}`));
    }
    replay.dispose();
  });

  test("of nothing do nothing", async () => {
    await using backend = await createCudaBackend({ emulate: true });
    const replay = backend.capture!(() => undefined);
    for (let run = 0; run < 3; run++) replay.run();
    await backend.synchronize();
    replay.dispose();
  });
});
