/** Memory of the emulated device over random histories: buffers keep what was written, and everything goes back. */
import type { Backend, BufferId } from "@modernbert-ts/tensor-core";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createCudaBackend } from "../src/index.ts";
import { missing } from "./library.ts";

beforeEach(({ skip }) => {
  if (missing) skip(missing);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

interface Live {
  readonly buffer: BufferId;
  readonly size: number;
  readonly value: number;
}

/** A buffer of one value. */
function filled(backend: Backend, size: number, value: number): Live {
  const buffer = backend.allocate(size * 4);
  const view = { buffer, dtype: "f32", shape: [size], strides: [1], offset: 0 } as const;
  backend.run("fill", [view], [], { value });
  return { buffer, size, value };
}

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ take: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 300_000 })) }),
  },
  { weight: 4, arbitrary: fc.record({ give: fc.nat() }) },
  { weight: 1, arbitrary: fc.constant("trim" as const) },
);

describe.each(["0", "1"])("any history, MODERNBERT_CUDA_GUARD=%s", (guard) => {
  test("leaves the values of live buffers alone, and no byte on the device", async () => {
    vi.stubEnv("MODERNBERT_CUDA_GUARD", guard);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        await using backend = await createCudaBackend({ emulate: true });
        const live: Live[] = [];
        for (const [at, each] of steps.entries()) {
          if (each === "trim") backend.trim();
          else if ("take" in each) live.push(filled(backend, each.take, at + 1));
          else {
            const [gone] = live.splice(each.give % Math.max(1, live.length), 1);
            if (gone) backend.release(gone.buffer);
          }
        }
        for (const { buffer, size, value } of live) {
          const values = new Float32Array(await backend.read(buffer, 0, size * 4));
          expect(values.every((found) => found === value)).toBe(true);
          backend.release(buffer);
        }
        backend.trim();
        expect(backend.memory()).toMatchObject({ activeBytes: 0, cachedBytes: 0, liveBuffers: 0 });
      }),
      { numRuns: 25 },
    );
  });
});
