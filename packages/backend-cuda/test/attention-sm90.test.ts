/** Attention over long sequences on sm_90, emulated, beside f64 and beside the kernel of the older architectures. */
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { varlenAttention } from "@modernbert-ts/tensor-core";
import type { Backend } from "@modernbert-ts/tensor-core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { table } from "../../conformance/src/composites/problems.ts";
import { unitRoundoff } from "../../conformance/src/numbers.ts";
import { expectSolution, given, makeInputs, normal, solve, widen } from "../../conformance/src/problem.ts";
import type { Input, Problem } from "../../conformance/src/problem.ts";
import { createCudaBackend } from "../src/index.ts";
import { missing } from "./library.ts";

process.env["MODERNBERT_CUDA_FIBER_ORDER"] = "shuffled";

let backend: Backend;

beforeEach(async ({ skip }) => {
  if (missing) skip(missing);
  backend = await createCudaBackend({ emulate: true });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await backend[Symbol.asyncDispose]();
});

const bounds = { outputs: 2.5 * unitRoundoff.bf16, gradients: 3 * unitRoundoff.bf16 };
/** From this length on (of the hint alone) the kernel takes a call. */
const long = 512;

interface Options {
  readonly turned?: boolean;
  readonly keyCounts?: readonly number[];
  readonly heads?: number;
  readonly qkv?: Input;
}

function problemOf(lengths: readonly number[], { turned, keyCounts, heads = 1, qkv }: Options = {}): Problem {
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  const ends = lengths.map((_, at) => lengths.slice(0, at + 1).reduce((sum, length) => sum + length, 0));
  const maxSeqlen = Math.max(long, ...lengths);
  const positions = lengths.flatMap((length) => Array.from({ length }, (_, at) => at));
  return {
    name: `attention ${lengths.join(" ")}`,
    inputs: [
      qkv ?? normal(tokens, 3, heads, 64),
      given("i32", [lengths.length + 1], [0, ...ends]),
      ...(turned
        ? [table(Math.cos, maxSeqlen, 32), table(Math.sin, maxSeqlen, 32), given("i32", [tokens], positions)]
        : [null, null, null]),
      keyCounts ? given("i32", [lengths.length], keyCounts) : null,
    ],
    run: ([packed, cu, cos, sin, at, counts]) => [
      varlenAttention(packed!, cu!, {
        scale: 0.2,
        window: null,
        maxSeqlen,
        ...(cos ? { rope: { cos, sin: sin!, positions: at! } } : {}),
        ...(counts ? { keyCounts: counts } : {}),
      }),
    ],
    seeded: [0],
    wanted: [0],
  };
}

async function compare(problem: Problem): Promise<void> {
  await using oracle = await createCpuBackend({ engine: "typescript" });
  const inputs = makeInputs(problem, "bf16", problem.name);
  const want = await solve(oracle, "reference", problem, widen(inputs));
  expectSolution(await solve(backend, "fused", problem, inputs), want, bounds);
}

describe("outputs, and gradients by what the forward leaves", () => {
  test.for<readonly [readonly number[], Options]>([
    [[1], {}],
    [[127, 0, 128, 1], { turned: true }],
    [[129, 20], { heads: 2 }],
    [[0, 300, 0], { turned: true }],
    [[520], { turned: true }],
    [[70, 140, 30], { turned: true, keyCounts: [70, 0, 5] }],
  ])("lengths %o, %o", { timeout: 120_000 }, async ([lengths, options]) => {
    await compare(problemOf(lengths, options));
  });
});

test("the kernel is another one than that of older architectures, of nearly the same results", async () => {
  const problem = { ...problemOf([150, 40], { turned: true }), wanted: [] };
  const inputs = makeInputs(problem, "bf16", "seed");
  const got = await solve(backend, "fused", problem, inputs);
  vi.stubEnv("MODERNBERT_CUDA_EMULATE_ARCHITECTURE", "80");
  const older = await solve(backend, "fused", problem, inputs);
  expect(older.outputs).not.toEqual(got.outputs);
  expectSolution(older, got, bounds);
});

test("infinities and NaN of one sequence do not reach another", async () => {
  const lengths = [100, 60, 130];
  const clean = normal(290, 3, 1, 64);
  const dirty: Input = {
    ...clean,
    values: (random) => {
      const value = clean.values(random);
      return (at) => {
        const plain = value(at);
        const token = Math.floor(at / 192);
        return token < 100 || token >= 160 ? plain : [Infinity, Number.NaN, -Infinity][at % 3]!;
      };
    },
  };
  const solveWith = async (qkv: Input): Promise<Float64Array[]> => {
    const problem = problemOf(lengths, { turned: true, qkv });
    const { outputs, gradients } = await solve(backend, "fused", problem, makeInputs(problem, "bf16", "seed"));
    return [outputs[0]!, gradients[0]!].map(({ values }) => Float64Array.from(values));
  };
  const [got, want] = [await solveWith(dirty), await solveWith(clean)];
  got.forEach((values, at) => {
    const perToken = values.length / 290;
    expect(values.subarray(0, 100 * perToken)).toEqual(want[at]!.subarray(0, 100 * perToken));
    expect(values.subarray(160 * perToken)).toEqual(want[at]!.subarray(160 * perToken));
    expect(values.subarray(100 * perToken, 160 * perToken).every(Number.isNaN)).toBe(true);
  });
});
