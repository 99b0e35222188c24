/** The WebAssembly engine in its hosts: what they may lack, processes and their workers, what bundlers for browsers reach. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, describe, expect, test, vi } from "vitest";
import { chooseEngine } from "../src/choose.ts";
import type { CpuBackendOptions } from "../src/choose.ts";
import { createWasmBackend, WasmUnavailableError } from "../src/engines/wasm/index.ts";
import { tensor, valuesOf } from "./native.ts";

afterEach(() => vi.unstubAllGlobals());

/** Its members are not enumerable. */
const webAssembly = Object.fromEntries(
  Object.getOwnPropertyNames(WebAssembly).map((name) => [name, Reflect.get(WebAssembly, name)]),
);

/** As in a browser, where the native engine is not looked for. */
const choose = async (
  options: CpuBackendOptions = {},
): Promise<{ readonly device: string; readonly notices: readonly string[] }> => {
  const notices: string[] = [];
  await using backend = await chooseEngine({ ...options, onNotice: (notice) => notices.push(notice) });
  return { device: backend.capabilities.device, notices };
};

describe("hosts that lack something", () => {
  test("a host that refuses a large maximum gets a smaller one", async () => {
    const asked: number[] = [];
    class Frugal extends WebAssembly.Memory {
      constructor(size: WebAssembly.MemoryDescriptor) {
        asked.push(size.maximum!);
        if (size.maximum! > 20_000) throw new RangeError("out of memory");
        super(size);
      }
    }
    vi.stubGlobal("WebAssembly", { ...webAssembly, Memory: Frugal });
    await using backend = await createWasmBackend({ threads: 1 });
    expect(asked).toEqual([65_535, 32_767, 16_383]);
    backend.release(backend.allocate(2 ** 29));
    expect(() => backend.allocate(2 ** 30)).toThrow(/^\[allocate\] expected room/);
  });

  test("no WebAssembly, or one without SIMD, is said", async () => {
    vi.stubGlobal("WebAssembly", undefined);
    await expect(createWasmBackend()).rejects.toThrow(WasmUnavailableError);
    vi.stubGlobal("WebAssembly", { ...webAssembly, validate: () => false });
    await expect(createWasmBackend()).rejects.toThrow("expected WebAssembly with SIMD");
  });

  describe("a page whose policy forbids", () => {
    test("WebAssembly gets the TypeScript engine, with a notice", async () => {
      const refusal = new WebAssembly.CompileError("blocked by CSP");
      vi.stubGlobal("WebAssembly", { ...webAssembly, compile: () => Promise.reject(refusal) });
      await expect(createWasmBackend()).rejects.toThrow(WasmUnavailableError);
      const { device, notices } = await choose();
      expect(device).toContain("TypeScript");
      expect(notices).toEqual([expect.stringMatching(/TypeScript engine.*blocked by CSP; allow 'wasm-unsafe-eval'/)]);
    });

    test("workers gets one thread, with a notice, unless several were asked for", async () => {
      vi.spyOn(process, "getBuiltinModule").mockImplementation(() => undefined as never);
      const refuse = vi.fn(function refuse() {
        throw new Error("refused by worker-src");
      });
      vi.stubGlobal("Worker", refuse);
      vi.stubGlobal("navigator", { hardwareConcurrency: 2 });
      const { device, notices } = await choose();
      expect(device).toContain("1 thread");
      expect(notices).toEqual([
        expect.stringMatching(/one thread, because workers do not start.*refused by worker-src/),
      ]);
      await expect(choose({ threads: 2 })).rejects.toThrow("expected 1 workers to start");
      vi.restoreAllMocks();
    });
  });

  test("a main thread that may not sleep, as in browsers, looks for the end of a job", async () => {
    const wait = vi.spyOn(Atomics, "wait").mockImplementation(() => {
      throw new TypeError("Atomics.wait cannot be called in this context");
    });
    await using backend = await createWasmBackend({ threads: 2 });
    expect(wait).toHaveBeenCalledTimes(1);
    wait.mockRestore();
    const sleeps = vi.spyOn(Atomics, "wait");
    const ones = tensor(backend, [512, 512], new Float32Array(512 * 512).fill(1));
    const product = tensor(backend, [512, 512]);
    for (let i = 0; i < 5; i++) backend.run("matmul", [product], [ones, ones], { alpha: 1, accumulate: false });
    expect(new Set(await valuesOf(backend, product))).toEqual(new Set([512]));
    expect(sleeps).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });

  test("relaxed SIMD that is asked for and missing is refused", async () => {
    const { validate } = WebAssembly;
    let calls = 0;
    const plainOnly = (bytes: BufferSource): boolean => calls++ === 0 && validate(bytes);
    vi.spyOn(WebAssembly, "validate").mockImplementation(plainOnly);
    await expect(createWasmBackend({ relaxed: true })).rejects.toThrow("expected WebAssembly with relaxed SIMD");
    vi.restoreAllMocks();
  });
});

describe("processes", () => {
  const built = fileURLToPath(new URL("../dist/engines/wasm/index.js", import.meta.url));

  function runChild(code: string): { status: number | null; stdout: string; stderr: string } {
    const prelude = `
      const { createWasmBackend } = await import(${JSON.stringify(pathToFileURL(built).href)});
      const { readdirSync } = await import("node:fs");
      const threads = () => (process.platform === "linux" ? readdirSync("/proc/self/task").length : 0);
      let before = threads();
    `;
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", prelude + code], {
      encoding: "utf8",
      timeout: 30_000,
    });
    return { status, stdout, stderr };
  }

  test("idle workers do not keep a process alive", ({ skip }) => {
    if (!existsSync(built)) skip("the package is not built");
    expect(runChild(`await createWasmBackend({ threads: 3 }); console.log("made");`)).toEqual({
      status: 0,
      stdout: "made\n",
      stderr: "",
    });
  });

  test("dispose ends the workers", ({ skip }) => {
    if (!existsSync(built)) skip("the package is not built");
    const { status, stdout } = runChild(`
      const first = await createWasmBackend({ threads: 2 });
      await first[Symbol.asyncDispose]();
      before = threads(); // The first one also starts threads of V8's own.
      const backend = await createWasmBackend({ threads: 4 });
      const during = threads();
      await backend[Symbol.asyncDispose]();
      console.log(during - before, threads() - before);
    `);
    expect({ status, stdout }).toEqual({ status: 0, stdout: process.platform === "linux" ? "3 0\n" : "0 0\n" });
  });
});

test("nothing of Node is reached from the browser's entry", async () => {
  const { readFile } = await import("node:fs/promises");
  const seen = new Set<string>();
  const bare = new Set<string>();
  async function visit(url: URL): Promise<void> {
    if (seen.has(url.href)) return;
    seen.add(url.href);
    const code = (await readFile(url, "utf8")).replace(/import type [^;]*;|export type [^;]*;/g, "");
    for (const [, from] of code.matchAll(/(?:\bfrom|\bimport\(|\bimport|\brequire\()\s*"([^"]+)"/g)) {
      if (from!.startsWith(".")) await visit(new URL(from!, url));
      else bare.add(from!);
    }
  }
  await visit(new URL("../src/browser.ts", import.meta.url));
  await visit(new URL("../src/engines/wasm/index.ts", import.meta.url));
  expect(seen.size).toBeGreaterThan(readdirSync(new URL("../src/engines/wasm/", import.meta.url)).length);
  expect([...bare].sort()).toEqual(["@modernbert-ts/device-kit", "@modernbert-ts/tensor-core"]);
});
