/** Random programs of `map` on the native engine: register reuse must never lose a value that is still needed. */
import { compileProgram, constant, denseStrides, scalar, scalarTable, x } from "@modernbert-ts/tensor-core";
import type { Backend, Expression, View } from "@modernbert-ts/tensor-core";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCpuBackend } from "../src/index.ts";
import { mapEncoder } from "@modernbert-ts/device-kit";
import { describeNative } from "./native.ts";

/** A program grown step by step from earlier values, so that values are shared and live long. Arithmetic that f64 does exactly alike. */
const programs = fc
  .array(fc.record({ kind: fc.nat(6), a: fc.nat(), b: fc.nat(), c: fc.nat() }), { minLength: 1, maxLength: 40 })
  .map((steps) => {
    const values: Expression[] = [x(0), x(1), x(2), constant(0.5), constant(-3)];
    for (const { kind, a, b, c } of steps) {
      const [p, q, r] = [a, b, c].map((index) => values[index % values.length]!) as [
        Expression,
        Expression,
        Expression,
      ];
      const grown = [
        () => scalar.add(p, q),
        () => scalar.sub(p, q),
        () => scalar.mul(scalar.min(p, 8), scalar.max(q, -8)),
        () => scalar.min(p, q),
        () => scalar.less(p, q),
        () => scalar.select(p, q, r),
        () => scalar.abs(p),
      ][kind]!();
      values.push(grown);
    }
    // The result is the last value that depends on an input.
    return values.findLast((value) => value.kind === "call") ?? x(0);
  });

function evaluate(expression: Expression, inputs: readonly number[]): number {
  const program = compileProgram(expression);
  const registers = [...inputs];
  for (const instruction of program.instructions) {
    if (instruction.kind === "constant") registers[instruction.target] = instruction.value;
    else {
      const [a = 0, b = 0, c = 0] = instruction.args.map((argument) => registers[argument]!);
      registers[instruction.target] = scalarTable[instruction.name].evaluate(a, b, c);
    }
  }
  return registers[program.result]!;
}

describeNative("native map", () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await createCpuBackend({ engine: "native", threads: 2 });
  });
  afterAll(() => backend[Symbol.asyncDispose]());

  test("random programs give what the scalar table gives", async () => {
    const size = 5;
    const inputs = [0, 1, 2].map((i) => Float64Array.from({ length: size }, (_, at) => Math.sin(7 * i + at) * 4));
    const views = inputs.map((values): View => {
      const buffer = backend.allocate(size * 8);
      backend.write(buffer, values);
      return { buffer, dtype: "f64", shape: [size], strides: denseStrides([size]), offset: 0 };
    });
    const out: View = { ...views[0]!, buffer: backend.allocate(size * 8) };
    await fc.assert(
      fc.asyncProperty(programs, async (expression) => {
        const used = compileProgram(expression).inputs;
        backend.run("map", [out], views.slice(0, used), { expression });
        const results = new Float64Array(await backend.read(out.buffer, 0, size * 8));
        results.forEach((result, at) => {
          expect(result).toBeCloseTo(evaluate(expression, inputs.map((values) => values[at]!).slice(0, used)), 9);
        });
      }),
      { numRuns: 200 },
    );
  });

  test("registers are reused: a long chain takes one", () => {
    let chain: Expression = x(0);
    for (let i = 0; i < 50; i++) chain = scalar.add(scalar.mul(chain, 0.5), x(0));
    const numbers = Object.fromEntries(Object.keys(scalarTable).map((name, index) => [name, index]));
    expect(mapEncoder(numbers as Parameters<typeof mapEncoder>[0])(chain)[0]).toBe(1);
  });
});
