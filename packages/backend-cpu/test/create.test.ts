/** Choosing the engine of the CPU backend. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { createCpuBackend as createInBrowser } from "../src/browser.ts";
import { createCpuBackend } from "../src/index.ts";
import { describeNative } from "./native.ts";

afterEach(() => {
  vi.doUnmock("../src/engines/native/create.ts");
  vi.unstubAllEnvs();
  vi.resetModules();
  vi.unstubAllGlobals();
});

test("the device line names the engine", async () => {
  await using backend = await createCpuBackend({ engine: "typescript" });
  expect(backend.capabilities.device).toContain("TypeScript");
});

function withoutNative(): void {
  vi.doMock("../src/engines/native/create.ts", () => ({
    loadNativeEngine: () => Promise.reject(new Error("[createCpuBackend] expected a library, found none")),
  }));
}

test("auto takes the WebAssembly engine with one notice when the native one cannot run", async () => {
  withoutNative();
  const notices: string[] = [];
  await using backend = await createCpuBackend({ threads: 1, onNotice: (notice) => notices.push(notice) });
  expect(backend.capabilities.device).toMatch(/^CPU, WebAssembly .*SIMD, 1 thread$/);
  expect(notices).toEqual([expect.stringContaining("[createCpuBackend] expected a library, found none")]);
  await expect(createCpuBackend({ engine: "native" })).rejects.toThrow("expected a library, found none");
});

test("auto ends at the TypeScript engine with one notice that names both reasons", async () => {
  withoutNative();
  vi.stubGlobal("WebAssembly", undefined);
  const notices: string[] = [];
  await using backend = await createCpuBackend({ onNotice: (notice) => notices.push(notice) });
  expect(backend.capabilities.device).toContain("TypeScript");
  expect(notices).toEqual([expect.stringMatching(/expected a library, found none; .*expected WebAssembly/)]);
});

test("auto does not replace wrong options", async () => {
  withoutNative();
  await expect(createCpuBackend({ threads: 0 })).rejects.toThrow("expected 1 to 64 threads, got 0");
});

test("the browser's entry takes the WebAssembly engine without a notice and has no native one", async () => {
  const onNotice = vi.fn();
  await using backend = await createInBrowser({ threads: 1, onNotice });
  expect(backend.capabilities.device).toContain("WebAssembly");
  expect(onNotice).not.toHaveBeenCalled();
  await expect(createInBrowser({ engine: "native" })).rejects.toThrow("in a browser, got native");
});

test("an engine that does not exist is refused", async () => {
  await expect(createCpuBackend({ engine: "cuda" as "auto" })).rejects.toThrow(
    "[createCpuBackend] expected engine auto, native, wasm or typescript, got cuda",
  );
});

/** `auto` in a process that finds its library at a path. */
const createWith = async (library: string): Promise<unknown> => {
  vi.stubEnv("MODERNBERT_CPU_LIBRARY", library);
  vi.resetModules();
  const fresh = await import("../src/index.ts");
  return fresh.createCpuBackend();
};

describeNative("the native engine's library", () => {
  test("a wrong path, or a file that is no library, is an error, not another engine", async () => {
    await expect(createWith("/nowhere/modernbert_cpu.so")).rejects.toThrow(
      /expected a native library of modernbert-ts at \/nowhere\/modernbert_cpu\.so, got one that does not load \(.+\): reinstall/,
    );
    await expect(createWith(fileURLToPath(import.meta.url))).rejects.toThrow("does not load");
  });

  test("a library of another version is an error, not another engine", async ({ skip }) => {
    const folder = mkdtempSync(join(tmpdir(), "modernbert-version-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const library = join(folder, "other.so");
    const source = "int mb_abi(void) { return 1000; }\n";
    const { status } = spawnSync("cc", ["-shared", "-fPIC", "-x", "c", "-", "-o", library], { input: source });
    if (status !== 0) skip("there is no C compiler to make a library of another version");
    await expect(createWith(library)).rejects.toThrow(
      /expected a native library of version \d+ at .*, got version 1000/,
    );
  });
});

describeNative("the native engine's options", () => {
  test("auto takes the native engine silently, with the options", async () => {
    const onNotice = vi.fn();
    await using backend = await createCpuBackend({ threads: 1, onNotice });
    expect(backend.capabilities.device).toMatch(/^CPU, native engine \(\w+\), 1 thread$/);
    expect(onNotice).not.toHaveBeenCalled();
  });

  test("wrong options are refused, not replaced", async () => {
    for (const threads of [0, -1, 1.5, Number.NaN]) {
      await expect(createCpuBackend({ threads })).rejects.toThrow("expected 1 to 1024 threads");
    }
    await expect(createCpuBackend({ instructionSet: "mmx" })).rejects.toThrow(
      /expected an instruction set of this machine \(.*\), got mmx/,
    );
    vi.stubEnv("MODERNBERT_CPU_ISA", "sse9");
    await expect(createCpuBackend()).rejects.toThrow("got sse9");
  });
});
