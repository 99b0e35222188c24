/** The pool and its statistics: honest, flat in steady work, and given back on request. */
import { scalar, x } from "@modernbert-ts/tensor-core";
import type { Backend } from "@modernbert-ts/tensor-core";
import type { ConformanceCase } from "../case.ts";
import { expectThat } from "../case.ts";
import { vector } from "./transfers.ts";

/** What a training step does to the pool: buffers of several sizes, taken and given back in the same order each time. */
function step(backend: Backend): void {
  const held = [100, 5000, 5000, 70_000, 12, 1].map((size) => vector(backend, new Float32Array(size)));
  const big = held[3]!;
  const next = { ...big, buffer: backend.allocate(70_000 * 4) };
  backend.run("map", [next], [big], { expression: scalar.add(x(0), 1) });
  for (const { buffer } of [...held, next]) backend.release(buffer);
}

export function memoryCases(): ConformanceCase[] {
  return [
    {
      name: "memory / statistics follow allocate and release",
      async run({ backend }) {
        const before = backend.memory();
        const buffers = [1000, 20_000, 3].map((bytes) => backend.allocate(bytes));
        const during = backend.memory();
        expectThat(
          during.liveBuffers === before.liveBuffers + 3,
          `expected 3 more live buffers, got ${during.liveBuffers - before.liveBuffers}`,
        );
        expectThat(
          during.activeBytes >= before.activeBytes + 21_003,
          "expected active bytes to grow by what was asked for",
        );
        expectThat(during.peakBytes >= during.activeBytes, "expected a peak of at least the active bytes");
        for (const buffer of buffers) backend.release(buffer);
        const after = backend.memory();
        expectThat(after.liveBuffers === before.liveBuffers, "expected as many live buffers as before");
        expectThat(after.activeBytes === before.activeBytes, "expected as many active bytes as before");
        expectThat(after.peakBytes >= during.activeBytes, "expected the peak to be remembered");
      },
    },
    {
      name: "memory / buffers are distinct and never 0",
      async run({ backend }) {
        const ids = Array.from({ length: 50 }, () => backend.allocate(64));
        expectThat(new Set(ids).size === 50, "expected fifty distinct buffers");
        expectThat(
          ids.every((id) => id !== 0),
          "expected no buffer named 0",
        );
        ids.forEach((id, i) => backend.write(id, Float32Array.of(i)));
        const values = await Promise.all(ids.map((id) => backend.read(id, 0, 4)));
        values.forEach((bytes, i) => expectThat(new Float32Array(bytes)[0] === i, `expected buffer ${i} to hold ${i}`));
        for (const id of ids) backend.release(id);
      },
    },
    {
      name: "memory / steady work makes no new allocation",
      requires: { arithmetic: ["f32"] },
      async run({ backend }) {
        for (let i = 0; i < 3; i++) step(backend);
        await backend.synchronize();
        const before = backend.memory();
        for (let i = 0; i < 20; i++) {
          step(backend);
          if (i % 5 === 0) await backend.synchronize();
        }
        await backend.synchronize();
        const after = backend.memory();
        expectThat(
          after.allocations === before.allocations,
          `expected no new allocation over 20 steps, got ${after.allocations - before.allocations}`,
        );
        expectThat(after.liveBuffers === before.liveBuffers, "expected as many live buffers as before");
      },
    },
    {
      name: "memory / trim gives cached bytes back",
      async run({ backend }) {
        for (const buffer of [1 << 20, 1 << 18, 1 << 16].map((bytes) => backend.allocate(bytes)))
          backend.release(buffer);
        await backend.synchronize();
        backend.trim(1 << 19);
        const some = backend.memory().cachedBytes;
        expectThat(some <= 1 << 19, `expected at most ${1 << 19} cached bytes, got ${some}`);
        backend.trim();
        const none = backend.memory().cachedBytes;
        expectThat(none === 0, `expected no cached bytes, got ${none}`);
        const buffer = backend.allocate(1 << 20);
        backend.release(buffer);
      },
    },
    {
      name: "memory / too large a buffer is refused with an error that names the operation",
      async run({ backend }) {
        const { maxBufferBytes } = backend.capabilities;
        const before = backend.memory();
        let thrown: unknown;
        try {
          backend.release(backend.allocate(maxBufferBytes * 2));
        } catch (error) {
          thrown = error;
        }
        expectThat(thrown instanceof Error, `expected allocate(${maxBufferBytes * 2}) to throw`);
        expectThat(
          thrown.message.startsWith("[allocate] "),
          `expected a message that starts with "[allocate]", got "${thrown.message}"`,
        );
        expectThat(backend.memory().liveBuffers === before.liveBuffers, "expected as many live buffers as before");
      },
    },
    {
      name: "memory / capabilities make sense",
      async run({ backend }) {
        const { storage, arithmetic, accelerated, device, maxBufferBytes } = backend.capabilities;
        expectThat(
          arithmetic.every((dtype) => storage.includes(dtype)),
          "expected arithmetic dtypes to be storage dtypes too",
        );
        expectThat(
          accelerated.every((dtype) => arithmetic.includes(dtype)),
          "expected accelerated dtypes to be arithmetic dtypes too",
        );
        expectThat(
          (["f32", "i32"] as const).every((dtype) => arithmetic.includes(dtype)),
          "expected f32 and i32 arithmetic",
        );
        expectThat(device.length > 0 && !device.includes("\n"), "expected one line that names the device");
        expectThat(maxBufferBytes > 0, "expected a positive buffer limit");
      },
    },
  ];
}
