/** What is particular to the TypeScript engine; what every backend must do is in the conformance suite. */
import { readFileSync, readdirSync } from "node:fs";
import { scalarTable } from "@modernbert-ts/tensor-core";
import type { ScalarFunctionName } from "@modernbert-ts/tensor-core";
import { describe, expect, test } from "vitest";
import { createTypeScriptBackend } from "../src/engines/typescript/index.ts";
import { encodeHalf } from "../src/engines/typescript/half.ts";
import { mapFunctions } from "../src/engines/typescript/map-functions.ts";

test("every loop computes what the scalar table says", () => {
  const values = [0, -0, 1, -1, 0.3, -2.7, 9, 1e-9, 1e9, Infinity, -Infinity, Number.NaN];
  const columns = [0, 1, 2].map((shift) =>
    Float64Array.from({ length: 144 }, (_, i) => values[([i, i / 12, i * 5][shift]! % 12) | 0]!),
  );
  const [a, b, c] = columns as [Float64Array, Float64Array, Float64Array];
  const target = new Float64Array(144);
  for (const name of Object.keys(scalarTable) as ScalarFunctionName[]) {
    mapFunctions[name](144, target, a, b, c);
    const { evaluate } = scalarTable[name];
    expect([...target], name).toEqual(Array.from(a, (_, i) => evaluate(a[i]!, b[i]!, c[i]!)));
  }
});

test("f64 is rounded to 16 bits once", () => {
  // To f32 first, this would become the tie between two bf16 numbers and then the wrong one.
  expect(encodeHalf(1 + 2 ** -8 + 2 ** -40, "bf16")).toBe(0x3f81);
  expect(encodeHalf(1 + 2 ** -11 + 2 ** -40, "f16")).toBe(0x3c01);
});

describe("memory", () => {
  test("the pool keeps no more than its limit", () => {
    const backend = createTypeScriptBackend({ maxCachedBytes: 10_000 });
    for (const buffer of [4000, 4000, 4000].map((bytes) => backend.allocate(bytes))) backend.release(buffer);
    expect(backend.memory().cachedBytes).toBeLessThanOrEqual(10_000);
    expect(backend.memory().cachedBytes).toBeGreaterThan(0);
  });

  test("a buffer that was released is refused with the operation's name", () => {
    const backend = createTypeScriptBackend();
    const buffer = backend.allocate(4);
    backend.release(buffer);
    expect(() => backend.release(buffer)).toThrow(/^\[release\] expected a live buffer/);
    expect(() => backend.write(buffer, new Float32Array(1))).toThrow(/^\[write\] expected a live buffer/);
  });

  test("poison shows what was never written", async () => {
    const backend = createTypeScriptBackend({ poison: true });
    const buffer = backend.allocate(8);
    expect([...new Float32Array(await backend.read(buffer, 0, 8))]).toEqual([Number.NaN, Number.NaN]);
  });
});

test("no Node API: the engine runs in browsers", () => {
  const folder = new URL("../src/engines/typescript/", import.meta.url);
  const files = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith(".ts"));
  expect(files.length).toBeGreaterThan(10);
  for (const file of files) {
    expect(readFileSync(new URL(file, folder), "utf8"), file).not.toMatch(
      /from "node:|\bprocess\.|\bBuffer\.|\beval\(|new Function/,
    );
  }
});
