/** The WebAssembly engine against the conformance suite, on one thread and on two. Fresh buffers are poisoned. */
import { describeConformance } from "@modernbert-ts/conformance/vitest";
import { createWasmBackend } from "../src/wasm/index.ts";

for (const threads of [1, 2]) {
  describeConformance({
    name: `cpu, WebAssembly engine, threads: ${threads}`,
    create: () => createWasmBackend({ threads, poison: true }),
  });
}
