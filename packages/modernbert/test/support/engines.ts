/** The backends and modes that every model test runs on. */
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { Runtime } from "@modernbert-ts/tensor-core";
import type { DType } from "@modernbert-ts/tensor-core";

export interface Engine {
  readonly name: string;
  readonly dtype: DType;
  create(): Runtime;
}

/** Fresh buffers are poisoned, so that a kernel that reads what was never written shows. */
const typeScript = (): Runtime => new Runtime(createTypeScriptBackend({ poison: true }), { fusion: "reference" });

export const engines: readonly Engine[] = [
  { name: "TypeScript f32", dtype: "f32", create: typeScript },
  { name: "TypeScript f64", dtype: "f64", create: typeScript },
];
