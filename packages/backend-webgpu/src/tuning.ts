/** The matmul table of an adapter: kept from an earlier run, or measured now and kept. */
import type { WebGpuBackend } from "./options.ts";
import type { MatmulTable } from "./kernels/recipe-names.ts";
import { recipes } from "./kernels/matmul-recipes.ts";
import type { TuningStore } from "./tuning-store.ts";

/** Changes with the shaders: what was measured on others says nothing. */
const version = 2;

/** @param adapter Its names and the features in use; tables are kept by them. */
export async function loadTable(store: TuningStore, adapter: string): Promise<MatmulTable | undefined> {
  const text = await store.load(keyOf(adapter)).catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const table: unknown = JSON.parse(text);
    return isTable(table) ? table : undefined;
  } catch {
    return undefined;
  }
}

/** A table that cannot be kept is still used. */
export async function measureTable(backend: WebGpuBackend, store: TuningStore, adapter: string): Promise<void> {
  const table = await backend.tune();
  await store.save(keyOf(adapter), JSON.stringify(table)).catch(() => undefined);
}

function keyOf(adapter: string): string {
  return `webgpu-matmul-${version}-${adapter}`;
}

function isTable(value: unknown): value is MatmulTable {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((name) => typeof name === "string" && Object.hasOwn(recipes, name));
}
