/** The WebAssembly engine against the conformance suite: on one thread, on two, and with relaxed SIMD. Fresh buffers are poisoned. */
import { setFlagsFromString } from "node:v8";
import { describeConformance } from "@modernbert-ts/conformance/vitest";
import { test } from "vitest";
import { createWasmBackend } from "../src/engines/wasm/index.ts";

for (const threads of [1, 2]) {
  describeConformance({
    name: `cpu, WebAssembly engine, threads: ${threads}`,
    create: () => createWasmBackend({ threads, relaxed: false, poison: true }),
  });
}

const relaxed = { threads: 1, relaxed: true, poison: true };

// Node 20 has relaxed SIMD behind a flag of V8, Node 22 without.
if (process.versions.node.startsWith("20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");
const missing = await createWasmBackend(relaxed).then(
  (backend) => backend[Symbol.asyncDispose](),
  (error: Error) => error.message,
);

if (missing === undefined) {
  describeConformance({
    name: "cpu, WebAssembly engine, relaxed SIMD",
    create: () => createWasmBackend(relaxed),
  });
} else {
  test("the WebAssembly engine with relaxed SIMD", ({ skip }) => skip(missing));
}
