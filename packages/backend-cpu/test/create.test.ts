/** Choosing the engine of the CPU backend. */
import { afterEach, expect, test, vi } from "vitest";
import { createCpuBackend as createInBrowser } from "../src/browser.ts";
import { createCpuBackend } from "../src/index.ts";
import { describeNative } from "./native.ts";

afterEach(() => {
  vi.doUnmock("../src/native/create.ts");
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

test("the device line names the engine", async () => {
  await using backend = await createCpuBackend({ engine: "typescript" });
  expect(backend.capabilities.device).toContain("TypeScript");
});

function withoutNative(): void {
  vi.doMock("../src/native/create.ts", () => ({
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
