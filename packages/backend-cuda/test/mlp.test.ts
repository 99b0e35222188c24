/** The gated feed-forward block of sm_90, emulated: outputs and gradients against f64, sizes round the edges of tiles, what it refuses. */
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { mlp, Runtime, zeros } from "@modernbert-ts/tensor-core";
import type { Activation, Backend, Tensor } from "@modernbert-ts/tensor-core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { unitRoundoff } from "../../conformance/src/numbers.ts";
import { expectSolution, makeInputs, normal, solve, widen } from "../../conformance/src/problem.ts";
import type { Problem } from "../../conformance/src/problem.ts";
import { createCudaBackend } from "../src/index.ts";
import { missing } from "./library.ts";

vi.stubEnv("MODERNBERT_CUDA_FIBER_ORDER", "shuffled");

/** Tokens, width, units, width of the output. */
type Sizes = readonly [number, number, number, number];

function problemOf([tokens, width, units, outer]: Sizes, activation: Activation): Problem {
  return {
    name: `mlp ${activation} ${tokens} ${units}`,
    inputs: [normal(tokens, width), normal(2 * units, width), normal(outer, units)],
    run: ([x, wi, wo]) => [mlp(x!, [wi!, null], [wo!, null], { activation, gated: true })],
    seeded: [0],
    wanted: [0, 1, 2],
  };
}

let backend: Backend;

beforeEach(async ({ skip }) => {
  if (missing) skip(missing);
  backend = await createCudaBackend({ emulate: true });
});
afterEach(async () => {
  await backend[Symbol.asyncDispose]();
});

const bounds = { outputs: 3 * unitRoundoff.bf16, gradients: 4 * unitRoundoff.bf16 };

describe("in bf16", () => {
  test.for([
    ["gelu", [1, 8, 8, 8]],
    ["gelu_tanh", [130, 72, 136, 40]],
    ["silu", [128, 64, 128, 64]],
    ["relu", [64, 136, 248, 72]],
    ["gelu", [300, 328, 200, 136]],
  ] as const)("%s with tokens, widths and units %o", async ([activation, sizes]) => {
    await using oracle = await createCpuBackend({ engine: "typescript" });
    const problem = problemOf(sizes, activation);
    const inputs = makeInputs(problem, "bf16", problem.name);
    const got = await solve(backend, "fused", problem, inputs);
    expectSolution(got, await solve(oracle, "reference", problem, widen(inputs)), bounds);
    const again = await solve(backend, "fused", { ...problem, wanted: [] }, inputs);
    expect(again.outputs).toEqual(got.outputs);
  });

  test("gradients of one input at a time are those of all at once", async () => {
    const problem = problemOf([20, 16, 24, 8], "gelu");
    const inputs = makeInputs(problem, "bf16", problem.name);
    const all = await solve(backend, "fused", problem, inputs);
    for (const wanted of [0, 1, 2]) {
      const one = await solve(backend, "fused", { ...problem, wanted: [wanted] }, inputs);
      expect(one.gradients[0]).toEqual(all.gradients[wanted]);
    }
  });
});

/** Whether the kernel ran on tensors of zeros. */
function fused(given: Backend, dtype: "bf16" | "f32", [tokens, width, units, outer]: Sizes, biased = false): boolean {
  const runtime = new Runtime(given);
  const made = (...shape: number[]): Tensor => zeros(runtime, shape, dtype);
  runtime.scope(() => {
    const bias = biased ? made(2 * units) : null;
    const attrs = { activation: "gelu", gated: true } as const;
    mlp(made(tokens, width), [made(2 * units, width), bias], [made(outer, units), null], attrs);
  });
  return runtime.fusedReport().some(({ composite }) => composite === "mlp");
}

describe("what it does not take runs as two products and a unit", () => {
  test.for([
    ["f32", [4, 8, 8, 8], false],
    ["bf16", [4, 12, 8, 8], false],
    ["bf16", [4, 8, 12, 8], false],
    ["bf16", [4, 8, 8, 12], false],
    ["bf16", [0, 8, 8, 8], false],
    ["bf16", [4, 8, 8, 8], true],
  ] as const)("%s %o, biased: %s", ([dtype, sizes, biased]) => {
    expect(fused(backend, dtype, sizes, biased)).toBe(false);
    expect(fused(backend, "bf16", [4, 8, 8, 8])).toBe(true);
  });

  test("another architecture", async () => {
    vi.stubEnv("MODERNBERT_CUDA_EMULATE_ARCHITECTURE", "80");
    await using older = await createCudaBackend({ emulate: true });
    vi.unstubAllEnvs();
    expect(fused(older, "bf16", [4, 8, 8, 8])).toBe(false);
  });
});
