/** Buffers that are parts of a file: the same numbers wherever they lie, writes that stay here, pages that processes share, changes that are told. */
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeviceValueError, linear, Runtime, ShapeError } from "@modernbert-ts/tensor-core";
import type { Backend, DType, FileMapping, Tensor, View } from "@modernbert-ts/tensor-core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { reason, startChild } from "./children.ts";
import { expectSameBits, numbers, supportedSets, withBackend } from "./fused.ts";
import { describeNative, missing, valuesOf } from "./native.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "modernbert-map-"));
  file = join(folder, "weights");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Of the file as it is now; its descriptor is closed at once, as a reader does. */
function mapped(backend: Backend, byteLength = readFileSync(file).length): FileMapping | undefined {
  const descriptor = openSync(file, "r");
  try {
    return backend.mapFile!(descriptor, byteLength);
  } finally {
    closeSync(descriptor);
  }
}

function whole(backend: Backend, count: number): View {
  const mapping = mapped(backend)!;
  const buffer = mapping.buffer(0, 4 * count);
  mapping.close();
  return { buffer, dtype: "f32", shape: [count], strides: [1], offset: 0 };
}

const maps = (): boolean => readFileSync("/proc/self/maps", "utf8").includes(folder);
const noMaps = process.platform === "linux" ? undefined : "there is no /proc here";
const noFiles = missing ?? (process.platform === "win32" ? "files are not mapped on Windows" : undefined);

describeNative(
  "files as buffers",
  () => {
    test("a buffer holds the bytes of its part, and what is written to it stays in this process", () =>
      withBackend(undefined, 2, async (backend) => {
        writeFileSync(file, Float32Array.of(1, 2, 3, 4));
        const mapping = mapped(backend)!;
        const [first, last] = [mapping.buffer(0, 8), mapping.buffer(8, 8)];
        mapping.close();
        const view = { dtype: "f32", shape: [2], strides: [1], offset: 0 } as const;
        expect(await valuesOf(backend, { ...view, buffer: last })).toEqual([3, 4]);
        backend.run("fill", [{ ...view, buffer: first }], [], { value: 7 });
        backend.write(last, Float32Array.of(8));
        expect(await valuesOf(backend, { ...view, buffer: first })).toEqual([7, 7]);
        expect(await valuesOf(backend, { ...view, buffer: last })).toEqual([8, 4]);
        expect([0, 4, 8].map((at) => readFileSync(file).readFloatLE(at))).toEqual([1, 2, 3]);
      }));

    test("parts outside the file, after closing, and a file of another size are refused", () =>
      withBackend(undefined, 1, async (backend) => {
        writeFileSync(file, new Uint8Array(64));
        expect(mapped(backend, 63)).toBeUndefined();
        const mapping = mapped(backend)!;
        for (const [at, bytes] of [
          [-1, 4],
          [61, 4],
          [0, -1],
        ] as const)
          expect(() => mapping.buffer(at, bytes)).toThrow(ShapeError);
        mapping.close();
        mapping.close();
        expect(() => mapping.buffer(0, 4)).toThrow(/closed/);
      }));

    test("the file stays mapped while a buffer or a capture needs it, and no longer", ({ skip }) => {
      if (noMaps !== undefined) return skip(noMaps);
      return withBackend(undefined, 1, async (backend) => {
        writeFileSync(file, numbers(1, 1024));
        const before = backend.memory();
        const source = whole(backend, 1024);
        expect(backend.memory().activeBytes).toBe(before.activeBytes + 4096);
        const target = { ...source, buffer: backend.allocate(4096) };
        const replay = backend.capture!(() => {
          backend.run("copy", [target], [source], {});
          backend.release(source.buffer);
        });
        await backend.synchronize();
        expect(maps()).toBe(true);
        replay.run();
        expectSameBits(await valuesOf(backend, target), numbers(1, 1024));
        replay.dispose();
        await backend.synchronize();
        expect(maps()).toBe(false);
        backend.release(target.buffer);
        expect(backend.memory()).toMatchObject({ activeBytes: before.activeBytes, liveBuffers: before.liveBuffers });
      });
    });

    test("a buffer that is released while other commands are recorded ends outside the recording", ({ skip }) => {
      if (noMaps !== undefined) return skip(noMaps);
      return withBackend(undefined, 1, async (backend) => {
        writeFileSync(file, numbers(1, 1024));
        const source = whole(backend, 1024);
        const replay = backend.capture!(() => backend.release(source.buffer));
        await backend.synchronize();
        expect(maps()).toBe(false);
        replay.run();
        await backend.synchronize();
      });
    });

    test("a backend that is disposed of lets its files go", async ({ skip }) => {
      if (noMaps !== undefined) return skip(noMaps);
      writeFileSync(file, numbers(1, 1024));
      await withBackend(undefined, 1, async (backend) => {
        whole(backend, 1024);
        mapped(backend);
        await backend.synchronize();
        expect(maps()).toBe(true);
      });
      expect(maps()).toBe(false);
    });

    test.each<[string, () => void]>([
      ["written to", () => utimesSync(file, 1, 1)],
      ["cut inside a page", () => truncateSync(file, 4000)],
      ["made longer", () => writeFileSync(file, new Uint8Array(8), { flag: "a" })],
    ])("a file that is %s meanwhile is an error of each read until it is let go", (_, change) =>
      withBackend(undefined, 1, async (backend) => {
        writeFileSync(file, numbers(1, 1024));
        const source = whole(backend, 1024);
        await valuesOf(backend, source);
        change();
        await expect(valuesOf(backend, source)).rejects.toThrow(DeviceValueError);
        await expect(backend.synchronize()).rejects.toThrow(/file of weights .* was changed: open the model again/);
        const own = backend.allocate(4);
        backend.release(source.buffer);
        await backend.synchronize().catch(() => undefined);
        backend.write(own, Float32Array.of(5));
        expect(new Float32Array(await backend.read(own, 0, 4))).toEqual(Float32Array.of(5));
      }),
    );

    test("another file in its place changes nothing", () =>
      withBackend(undefined, 1, async (backend) => {
        writeFileSync(file, numbers(1, 1024));
        const source = whole(backend, 1024);
        writeFileSync(`${file}.new`, numbers(2, 1024));
        renameSync(`${file}.new`, file);
        expectSameBits(await valuesOf(backend, source), numbers(1, 1024));
      }));

    test.each(supportedSets)("products read matrices at any element of a file: %s", (set) =>
      withBackend(set, 2, async (backend) => {
        const runtime = new Runtime(backend);
        const [rows, columns] = [70, 96];
        for (const dtype of ["f32", "bf16"] as const satisfies readonly DType[]) {
          const size = dtype === "f32" ? 4 : 2;
          const bits = Uint8Array.from(new Uint8Array(numbers(3, rows * columns).buffer));
          // The upper halves of f32 numbers are bf16.
          const stored = dtype === "f32" ? bits : bits.filter((_, at) => at % 4 > 1);
          writeFileSync(file, new Uint8Array([...new Uint8Array(3 * size), ...stored]));
          const mapping = mapped(backend)!;
          const there = runtime.adopt(mapping.buffer(3 * size, stored.length), [rows, columns], dtype);
          mapping.close();
          const values = dtype === "f32" ? new Float32Array(stored.buffer) : new Uint16Array(stored.buffer);
          const here = runtime.tensor(values, [rows, columns], dtype);
          for (const tokens of [1, 5, 64]) {
            const input = runtime.tensor(numbers(4, tokens * columns), [tokens, columns]);
            const product = async (weight: Tensor): Promise<ArrayLike<number>> =>
              (await runtime.scope(() => linear(input, weight, null)).read()) as Float32Array;
            expectSameBits(await product(there), await product(here));
          }
          there.dispose();
        }
      }),
    );
  },
  noFiles,
);

describeNative(
  "files in several processes",
  () => {
    test("two processes hold one copy of what neither writes to", async () => {
      const bytes = 32 << 20;
      writeFileSync(file, new Uint8Array(bytes).fill(1), { flush: true });
      const processes = [1, 2].map(() =>
        startChild(`
          const { openSync } = await import("node:fs");
          const backend = await createCpuBackend({ engine: "native" });
          const mapping = backend.mapFile(openSync(${JSON.stringify(file)}, "r"), ${bytes});
          const whole = { buffer: mapping.buffer(0, ${bytes}), dtype: "f32", shape: [${bytes / 4}], strides: [1], offset: 0 };
          const sum = { ...whole, buffer: backend.allocate(4), shape: [1] };
          backend.run("reduce", [sum], [whole], { kind: "sum", axes: [0] });
          await backend.read(sum.buffer, 0, 4);
          console.log("ready");
          setTimeout(() => {}, 1e6);`),
      );
      try {
        for (const { stdout } of processes) expect(String((await once(stdout!, "data"))[0])).toBe("ready\n");
        for (const { pid } of processes) {
          const [, entry = ""] = readFileSync(`/proc/${pid}/smaps`, "utf8").split(file);
          const kilobytes = (name: string): number =>
            Number(new RegExp(`^${name}: *([0-9]+) kB`, "m").exec(entry)?.[1]);
          const resident = bytes >> 10;
          expect(["Rss", "Pss", "Shared_Clean", "Private_Dirty"].map(kilobytes)).toEqual([
            resident,
            resident / 2,
            resident,
            0,
          ]);
        }
      } finally {
        for (const child of processes) child.kill("SIGKILL");
      }
    });
  },
  noFiles ?? reason ?? noMaps,
);
