/** The compiled kernels: plain SIMD, or with fused multiply-add where the host has relaxed SIMD. */
import { TensorError } from "@modernbert-ts/tensor-core";
import { KERNELS, PLAIN_BYTES } from "../../../generated/wasm.js";
import { webAssembly } from "./platform.ts";
import type { WasmModule } from "./platform.ts";

/** This machine's WebAssembly cannot run the engine; the message says what it lacks. */
export class WasmUnavailableError extends TensorError {}

export interface Kernels {
  readonly module: WasmModule;
  /** True when products are rounded once (fused multiply-add) where the processor has it. */
  readonly relaxed: boolean;
}

/** @param relaxed Whether to use relaxed SIMD; default: where it exists. */
export async function compileKernels(relaxed?: boolean): Promise<Kernels> {
  const api = webAssembly();
  if (api === undefined)
    throw new WasmUnavailableError("createWasmBackend", "expected WebAssembly, got a host without");
  if (typeof DecompressionStream === "undefined")
    throw new WasmUnavailableError("createWasmBackend", "expected DecompressionStream, got a host without");
  const both = await inflate(KERNELS);
  const plain = both.subarray(0, PLAIN_BYTES);
  if (!api.validate(plain)) {
    throw new WasmUnavailableError(
      "createWasmBackend",
      "expected WebAssembly with SIMD and shared memory (Chrome 91, Firefox 113, Safari 16.4, Node 18 or newer), got an older one",
    );
  }
  const fused = both.subarray(PLAIN_BYTES);
  const supported = api.validate(fused);
  if (relaxed === true && !supported) {
    throw new WasmUnavailableError("createWasmBackend", "expected WebAssembly with relaxed SIMD, got one without");
  }
  const chosen = relaxed ?? supported;
  try {
    return { module: await api.compile(chosen ? fused : plain), relaxed: chosen };
  } catch (cause) {
    // What validates compiles, unless the page's policy forbids it.
    const why = `expected a page that may compile WebAssembly, got: ${(cause as Error).message}; allow 'wasm-unsafe-eval' in script-src`;
    throw new WasmUnavailableError("createWasmBackend", why, { cause });
  }
}

async function inflate(base64: string): Promise<Uint8Array> {
  const deflated = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
