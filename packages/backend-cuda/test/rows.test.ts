/**
 * The kernels of rows, against the composites' references in f64, where the suite of all backends does not go: dtypes mixed as a model mixes
 * them, each way of holding a row, rows of many blocks, tensors that 16-byte loads may not touch.
 */
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { cast, glu, layerNorm, reshape, residualLayerNorm, Runtime, slice, vjp } from "@modernbert-ts/tensor-core";
import type { Backend, DType, Tensor } from "@modernbert-ts/tensor-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { expectSolution, makeInputs, normal, normalAround, solve, widen } from "../../conformance/src/problem.ts";
import type { Input, Problem } from "../../conformance/src/problem.ts";
import { createCudaBackend } from "../src/index.ts";
import { missing } from "./library.ts";

let backend: Backend;
let oracle: Backend;
beforeAll(async () => {
  if (missing) return;
  backend = await createCudaBackend({ emulate: true });
  oracle = await createCpuBackend({ engine: "typescript" });
});
beforeEach(({ skip }) => {
  if (missing) skip(missing);
});
afterAll(async () => {
  await backend?.[Symbol.asyncDispose]();
  await oracle?.[Symbol.asyncDispose]();
});

type Kind = "f32" | "f16" | "bf16";
const roundoff: Readonly<Record<Kind, number>> = { f32: 2 ** -24, f16: 2 ** -11, bf16: 2 ** -8 };
const of = (kind: Kind, input: Input): Input => ({ ...input, kind });

/** Fused on the device and by reference in f64; `narrowest`: what the largest rounding error comes from. */
async function check(problem: Problem, narrowest: Kind): Promise<void> {
  const inputs = makeInputs(problem, "f32", problem.name);
  const got = await solve(backend, "fused", problem, inputs);
  const want = await solve(oracle, "reference", problem, widen(inputs));
  const short = 4 * roundoff[narrowest];
  expectSolution(got, want, { outputs: 4e-6 + short, gradients: 1e-5 + 2 * short });
}

interface Norm {
  readonly rows: number;
  readonly width: number;
  /** Of x and the sum, delta, weight and bias, y. */
  readonly dtypes: readonly [Kind, Kind, Kind, Kind];
  readonly biased: boolean;
  readonly rate: number;
}

function residualNorm({ rows, width, dtypes, biased, rate }: Norm): Problem {
  const [stream, delta, weight, y] = dtypes;
  return {
    name: `[${rows}, ${width}] ${dtypes.join(" ")}${biased ? " with bias" : ""}, dropout ${rate}`,
    inputs: [
      of(stream, normal(rows, width)),
      of(delta, normalAround(0.2, 2, rows, width)),
      of(weight, normalAround(1, 0.5, width)),
      biased ? of(weight, normal(width)) : null,
    ],
    run([input, added, scale, shift]) {
      const wide = input!.dtype === "f64";
      const draw = { seed: 3, stream: 4, step: 5 };
      const { sum, normed } = residualLayerNorm(input!, added!, scale!, shift!, {
        eps: 1e-5,
        dtype: wide ? "f64" : y,
        dropout: rate > 0 ? { rate, draw } : undefined,
      });
      return [sum, normed];
    },
    seeded: [0, 1],
    wanted: biased ? [0, 1, 2, 3] : [0, 1, 2],
  };
}

const mixes: readonly Norm["dtypes"][] = [
  ["f32", "bf16", "f32", "bf16"],
  ["bf16", "bf16", "f32", "bf16"],
  ["bf16", "bf16", "bf16", "f32"],
  ["f32", "f16", "f32", "f16"],
  ["f16", "f32", "f32", "f32"],
];
const norms: readonly Norm[] = [
  // In two, three and four packs of a lane, by blocks, and where no pack fits.
  ...[264, 768, 1024, 1032, 777].flatMap((width) =>
    mixes.map((dtypes, at): Norm => ({ rows: 7, width, dtypes, biased: at % 2 === 0, rate: at < 2 ? 0.25 : 0 })),
  ),
  ...[8, 7].map((width): Norm => ({
    rows: 3300,
    width,
    dtypes: ["f32", "f32", "f32", "f32"],
    biased: true,
    rate: 0.5,
  })),
];
const names = norms.map((norm) => [residualNorm(norm).name, norm] as const);

test.each(names)("residual norm %s", async (_name, norm) => {
  const short = norm.dtypes.find((dtype) => dtype !== "f32");
  await check(residualNorm(norm), norm.dtypes.includes("bf16") ? "bf16" : (short ?? "f32"));
});

test.each(["f32", "f16", "bf16"] as const)("glu of whole packs, %s", async (kind) => {
  const problem: Problem = {
    name: kind,
    inputs: [of(kind, normal(3, 2 * 264))],
    run: ([input]) => [glu(input!, "gelu")],
    seeded: [0],
    wanted: [0],
  };
  await check(problem, kind);
});

test("rows and a weight that do not begin at a multiple of 16 bytes", async () => {
  const [rows, width] = [3, 64];
  const problem: Problem = {
    name: "off by one",
    inputs: [normal(rows * width + 1), normal(width + 1)],
    run([flat, weight]) {
      const shifted = reshape(slice(flat!, 0, 1, rows * width + 1), [rows, width]);
      return [layerNorm(shifted, slice(weight!, 0, 1, width + 1), null, 1e-5), glu(shifted, "silu")];
    },
    seeded: [0, 1],
    wanted: [0, 1],
  };
  await check(problem, "f32");
});

const values = (size: number): Float32Array =>
  Float32Array.from({ length: size }, (_, at) => ((at * 37) % 64) / 32 - 1);

/** Of the weight of a norm of 40 rows. */
function weightGradient(runtime: Runtime, dtype: DType): Promise<ArrayLike<number>> {
  const [rows, width] = [40, 64];
  const gradient = runtime.scope(() => {
    const input = cast(runtime.tensor(values(rows * width), [rows, width], "f32"), dtype);
    const weight = cast(runtime.tensor(values(width), [width], "f32"), dtype);
    const norm = (): Tensor => layerNorm(input, weight, null, 1e-5, dtype);
    const seed = (output: Tensor): { output: Tensor; gradient: Tensor }[] => [{ output, gradient: input }];
    return vjp(runtime, [weight], norm, seed, () => (dtype === "f64" ? "f64" : "f32")).gradients[0]!;
  });
  return gradient.read().finally(() => gradient.dispose());
}

test("gradients of 16-bit weights in f32 are not rounded", async () => {
  const got = Array.from(await weightGradient(new Runtime(backend), "bf16"));
  const want = Array.from(await weightGradient(new Runtime(oracle), "f64"));
  expect(got).toEqual(want.map((value) => expect.closeTo(value, 4) as number));
});
