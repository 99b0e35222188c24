/** The backends and modes that every model test runs on. An engine that cannot run here is listed as skipped, with its reason. */
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { createWasmBackend } from "@modernbert-ts/backend-cpu/wasm";
import { Runtime } from "@modernbert-ts/tensor-core";
import type { Backend, DType, FusionMode } from "@modernbert-ts/tensor-core";
import { afterEach, describe, it } from "vitest";

export interface Engine {
  readonly name: string;
  readonly dtype: DType;
  /** A runtime on a fresh backend, disposed after the test. */
  create(): Promise<Runtime>;
}

const open: Backend[] = [];
afterEach(async () => {
  for (const backend of open.splice(0)) await backend[Symbol.asyncDispose]();
});

function engine(name: string, dtype: DType, fusion: FusionMode, backend: () => Backend | Promise<Backend>): Engine {
  return {
    name,
    dtype,
    async create() {
      const created = await backend();
      open.push(created);
      return new Runtime(created, { fusion });
    },
  };
}

const native = (): Promise<Backend> => createCpuBackend({ engine: "native", threads: 2 });

async function whyNotNative(): Promise<string | undefined> {
  try {
    await (await native())[Symbol.asyncDispose]();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Fresh buffers of the TypeScript engine are poisoned, so that reading what was never written shows. */
const poisoned = (): Backend => createTypeScriptBackend({ poison: true });

const webAssembly = (): Promise<Backend> => createWasmBackend({ threads: 2, poison: true });

const noNative = await whyNotNative();

export const engines: readonly Engine[] = [
  engine("TypeScript f32", "f32", "reference", poisoned),
  engine("TypeScript f64", "f64", "reference", poisoned),
  engine("WebAssembly, fused", "f32", "fused", webAssembly),
  ...(noNative === undefined
    ? [engine("native, from primitives", "f32", "reference", native), engine("native, fused", "f32", "fused", native)]
    : []),
];

/** Runs the tests of `body` on every engine. */
export function onEveryEngine(body: (engine: Engine) => void): void {
  for (const each of engines) describe(each.name, () => body(each));
  if (noNative !== undefined) it("native engine", ({ skip }) => skip(noNative));
}
