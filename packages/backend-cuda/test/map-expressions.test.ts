/** What a training step maps is compiled with the library, not interpreted; and compiled programs give what the expressions say. */
import { readFileSync } from "node:fs";
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { bfloat16Precision, cast, expand, float16Precision, float32Precision } from "@modernbert-ts/tensor-core";
import { inputCount, map, Runtime, transpose } from "@modernbert-ts/tensor-core";
import type { DType, Expression, Precision, Tensor } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { createCudaBackend } from "../src/index.ts";
import { missing } from "./library.ts";
import { stepExpressions } from "./support/step-expressions.ts";

const compiled = JSON.parse(
  readFileSync(new URL("../scripts/map-expressions.json", import.meta.url), "utf8"),
) as string[];

const precisions: readonly (readonly [string, Precision, boolean])[] = [
  ["f32", float32Precision, false],
  ["bf16", bfloat16Precision, false],
  ["f16, the loss scaled", float16Precision, true],
  ["bf16 with the residual in bf16", { ...bfloat16Precision, residual: "bf16" }, false],
];

test.each(precisions)("every expression of a step is compiled, %s", (_name, precision, lossScale) => {
  const absent = [...stepExpressions(precision, lossScale).keys()].filter((text) => !compiled.includes(text));
  expect(absent, "add them to scripts/map-expressions.json").toEqual([]);
});

test("nothing else is compiled", () => {
  const steps = precisions.flatMap(([, precision, lossScale]) => [...stepExpressions(precision, lossScale).keys()]);
  expect(compiled.toSorted()).toEqual([...new Set(steps)].toSorted());
});

const [rows, width] = [9, 37];

/** Input `at` in one of the ways in which inputs lie. */
function inputOf(runtime: Runtime, at: number, layout: string, dtype: DType): Tensor {
  const numbers = Float32Array.from({ length: rows * width }, (_, i) => (((i + 1) * (at + 3) * 29) % 101) / 25 - 2);
  if (layout === "one number" && at > 0)
    return expand(cast(runtime.tensor(numbers.subarray(0, 1), [1, 1], "f32"), dtype), [rows, width]);
  if (layout === "transposed") return transpose(cast(runtime.tensor(numbers, [width, rows], "f32"), dtype));
  return cast(runtime.tensor(numbers, [rows, width], "f32"), dtype);
}

async function valuesOf(runtime: Runtime, expression: Expression, layout: string, dtype: DType): Promise<number[]> {
  const result = runtime.scope(() => {
    const inputs = Array.from({ length: inputCount(expression) }, (_, at) => inputOf(runtime, at, layout, dtype));
    return cast(map(expression, inputs), "f32");
  });
  return Array.from(await result.read().finally(() => result.dispose()));
}

test.for([
  ["dense", "f32"],
  ["dense", "bf16"],
  ["dense", "f16"],
  ["one number", "f32"],
  ["transposed", "f32"],
] as const)("compiled programs on inputs that are %s, %s", async ([layout, dtype], { skip }) => {
  if (missing) skip(missing);
  await using device = await createCudaBackend({ emulate: true });
  await using oracle = await createCpuBackend({ engine: "typescript" });
  const wrong: string[] = [];
  for (const [text, expression] of stepExpressions(float16Precision, true)) {
    const got = await valuesOf(new Runtime(device), expression, layout, dtype);
    const want = await valuesOf(new Runtime(oracle), expression, layout, dtype);
    const tolerance = { f32: 1e-5, f16: 4e-3, bf16: 3e-2 }[dtype];
    const isNear = (value: number, at: number): boolean =>
      Object.is(got[at], value) || Math.abs(got[at]! - value) <= tolerance * (1 + Math.abs(value));
    const at = want.findIndex((value, i) => !isNear(value, i));
    if (at >= 0) wrong.push(`${text} at ${at}: expected ${want[at]}, got ${got[at]}`);
  }
  expect(wrong).toEqual([]);
});
