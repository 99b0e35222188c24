/** The engine of these tests: the TypeScript one, whose fresh buffers hold NaN, so that nothing is read before it is written. */
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { Runtime } from "@modernbert-ts/tensor-core";

export function newRuntime(): Runtime {
  return new Runtime(createTypeScriptBackend({ poison: true }));
}
