/** Every matmul shader against the oracle, wherever it fits; the choice among them, and what is kept of it. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { Runtime } from "@modernbert-ts/tensor-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { relativeError } from "../../modernbert/test/support/compare.ts";
import { createWebGpuBackend } from "../src/index.ts";
import type { RecipeName, WebGpuBackend } from "../src/index.ts";
import { chooseRecipe } from "../src/kernels/matmul-choice.ts";
import { recipes } from "../src/kernels/matmul-recipes.ts";
import type { Product } from "../src/kernels/matmul-recipes.ts";
import { fileStore } from "../src/tuning-store.ts";
import { loadTable, measureTable } from "../src/tuning.ts";
import { onDevice } from "./adapter.ts";

/** Edges of every tile; those of fours take quads, the others elements. */
const sizes = [
  [4, 4, 4],
  [1, 132, 36],
  [68, 72, 20],
  [12, 260, 64],
  [7, 12, 20],
  [33, 9, 18],
] as const;
const layouts = ["rows", "columns"] as const;

onDevice("matmul on webgpu", () => {
  describe.each(Object.keys(recipes) as RecipeName[])("matmul on webgpu, %s", (name) => {
    let backend: WebGpuBackend;
    const oracle = createTypeScriptBackend();
    beforeAll(async () => {
      backend = await createWebGpuBackend({ matmul: name, withoutFeatures: [] });
    });
    afterAll(async () => {
      await backend[Symbol.asyncDispose]();
      await oracle[Symbol.asyncDispose]();
    });

    /** alpha · a·b added to what y held, of a batch of two, with a, b and y in the given memory orders. */
    async function product(
      target: WebGpuBackend | typeof oracle,
      [rows, columns, depth]: readonly [number, number, number],
      orders: readonly ("rows" | "columns")[],
      dtype: "f32" | "bf16" | "f16",
    ): Promise<Float32Array> {
      const runtime = new Runtime(target);
      const view = (at: number, [m, n]: readonly [number, number]) => {
        const values = Float32Array.from({ length: 2 * m * n }, (_, i) => (((i * 7 + at * 3) % 13) - 6) / 8);
        const wide = runtime.tensor(values, [2, m, n]);
        const tensor = runtime.empty([2, m, n], dtype);
        target.run("copy", [tensor.view], [wide.view], {});
        wide.dispose();
        const strides = orders[at] === "rows" ? [m * n, n, 1] : [m * n, 1, m];
        return { tensor, view: { ...tensor.view, strides } };
      };
      const [a, b, y] = [view(0, [rows, depth]), view(1, [depth, columns]), view(2, [rows, columns])];
      target.run("matmul", [y.view], [a.view, b.view], { alpha: 0.5, accumulate: true });
      const wide = runtime.empty([2, rows, columns]);
      target.run("copy", [wide.view], [y.tensor.view], {});
      const values = Float32Array.from(await wide.read());
      for (const tensor of [a.tensor, b.tensor, y.tensor, wide]) tensor.dispose();
      return values;
    }

    /** How 16-bit elements are loaded and stored differs between quads and elements, not between tiles. */
    const dtypes = name === "direct" || name === "medium" ? (["f32", "f16", "bf16"] as const) : (["f32"] as const);
    test.each(dtypes)("%s in every memory order", async (dtype) => {
      const failures: string[] = [];
      for (const size of sizes) {
        for (const orders of layouts.flatMap((a) => layouts.flatMap((b) => layouts.map((y) => [a, b, y])))) {
          const wanted = await product(oracle, size, orders, dtype);
          const error = relativeError(await product(backend, size, orders, dtype), wanted);
          const limit = { f32: 1e-6, f16: 1e-3, bf16: 8e-3 }[dtype];
          if (!(error <= limit)) failures.push(`${size.join("x")} ${orders.join(" ")}: ${error.toExponential(1)}`);
        }
      }
      expect(failures).toEqual([]);
      expect(backend.memory().liveBuffers).toBe(0);
    });
  });

  describe("the choice of a matmul shader", () => {
    test("tuning measures every class, takes what it measured, and leaves nothing behind", async () => {
      const backend = await createWebGpuBackend({ matmul: "rule", withoutFeatures: [] });
      const table = await backend.tune({ size: 64, rows: [8, 64] });
      expect(Object.keys(table).sort()).toEqual(
        [8, 64]
          .flatMap((rows) => ["depth depth", "depth side", "side side"].map((order) => `${rows} ${order}`))
          .flatMap((name) => (backend.features.f16Arithmetic ? [name, `${name} f16`] : [name]))
          .sort(),
      );
      for (const name of Object.values(table)) expect(recipes).toHaveProperty(name);
      expect(backend.memory().liveBuffers).toBe(0);
      await backend[Symbol.asyncDispose]();
    });
  });
});

function productOf(rows: number, offset = 0, dtype: "f32" | "f16" = "f32"): Product {
  const lane = (strides: readonly number[]) => ({ buffer: {} as never, dtype, offset, strides });
  return {
    extents: [rows, 64, 64],
    rows,
    columns: 64,
    depth: 64,
    batches: 1,
    lanes: [lane([64, 0, 1]), lane([0, 64, 1]), lane([64, 1, 0])],
    batch: { extents: [1], lanes: [lane([0]), lane([0]), lane([0])] },
  };
}

test("a table decides by class; a shader that does not fit is left to the rule", () => {
  const table = { "8 depth depth": "direct", "512 depth depth": "medium" } as const;
  expect(chooseRecipe(productOf(8), table).name).toBe("direct");
  expect(chooseRecipe(productOf(8, 2), table).name).toBe("flat");
  expect(chooseRecipe(productOf(64), table).name).toBe("medium");
  expect(chooseRecipe(productOf(4096), table).name).toBe("medium");
  expect(chooseRecipe(productOf(4096), undefined).name).toBe("large");
  expect(chooseRecipe(productOf(8), "large").name).toBe("large");
  // f16 has classes of its own where it was measured.
  expect(chooseRecipe(productOf(8, 0, "f16"), table).name).toBe("direct");
  expect(chooseRecipe(productOf(8, 0, "f16"), { ...table, "8 depth depth f16": "medium" }).name).toBe("medium");
});

test("a table is measured once, kept by adapter, and read back; one that is broken is measured again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "modernbert-tuning-"));
  try {
    const store = fileStore(join(folder, "cache"));
    const table = { "8 depth depth": "flat" } as const;
    const backend = { tune: async () => table } as unknown as WebGpuBackend;
    expect(await loadTable(store, "WebGPU: a/b")).toBeUndefined();
    await measureTable(backend, store, "WebGPU: a/b");
    expect(await loadTable(store, "WebGPU: a/b")).toEqual(table);
    expect(await loadTable(store, "WebGPU: another")).toBeUndefined();
    const [file] = readdirSync(join(folder, "cache"));
    for (const text of ["{", "[1]", '{"8 depth depth":"huge"}']) {
      writeFileSync(join(folder, "cache", file!), text);
      expect(await loadTable(store, "WebGPU: a/b")).toBeUndefined();
    }
    const readOnly = { load: async () => undefined, save: () => Promise.reject(new Error("read-only")) };
    await measureTable(backend, readOnly, "x");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
