import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { Runtime } from "@modernbert-ts/tensor-core";
import { describe, expect, test } from "vitest";
import { missing } from "../../backend-cpu/test/native.ts";
import { relativeError } from "../../modernbert/test/support/compare.ts";
import { AdamW } from "../src/optimizer/adamw.ts";
import { isMuonMatrix, Muon } from "../src/optimizer/muon.ts";
import { newRuntime } from "./support/runtime.ts";

/** Rows of numbers in f64. */
type Matrix = readonly (readonly number[])[];

const product = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0]!.map((_, column) => row.reduce((sum, value, k) => sum + value * b[k]![column]!, 0)));
const turned = (a: Matrix): Matrix => a[0]!.map((_, column) => a.map((row) => row[column]!));
const each = (f: (...values: number[]) => number, ...matrices: Matrix[]): Matrix =>
  matrices[0]!.map((row, i) => row.map((_, j) => f(...matrices.map((matrix) => matrix[i]![j]!))));

/** As the paper's listing: momentum, Nesterov, five iterations on the wide side, scale, decay. */
function reference(weights: Matrix, gradients: readonly Matrix[], rate: number, decay: number): Matrix {
  let momentum = each(() => 0, weights);
  let w = weights;
  for (const g of gradients) {
    momentum = each((m, value) => 0.95 * m + 0.05 * value, momentum, g);
    const direction = each((m, value) => 0.95 * m + 0.05 * value, momentum, g);
    const tall = direction.length > direction[0]!.length;
    const wide = tall ? turned(direction) : direction;
    const norm = Math.sqrt(wide.flat().reduce((sum, value) => sum + value * value, 0));
    let x = each((value) => value / norm, wide);
    for (let k = 0; k < 5; k++) {
      const a = product(x, turned(x));
      const b = each((once, twice) => -4.775 * once + 2.0315 * twice, a, product(a, a));
      x = each((value, change) => 3.4445 * value + change, x, product(b, x));
    }
    const size = 0.2 * Math.sqrt(Math.max(w.length, w[0]!.length));
    w = each((value, change) => value * (1 - rate * decay) - rate * size * change, w, tall ? turned(x) : x);
  }
  return w;
}

function noise(rows: number, columns: number, seed: number): Matrix {
  return Array.from({ length: rows }, (_, i) =>
    Array.from({ length: columns }, (__, j) => Math.sin(seed * 12.9898 + i * 78.233 + j * 37.719 + i * j)),
  );
}

describe.each(["native", "wasm", "typescript"] as const)("Muon, %s engine", (engine) => {
  test.for([
    [6, 10],
    [10, 6],
    [8, 8],
  ] as const)("four steps of a [%d, %d] matrix equal a plain computation in f64", async ([rows, columns], { skip }) => {
    if (engine === "native" && missing) skip(missing);
    await using backend = await createCpuBackend({ engine, threads: 1 });
    const runtime = new Runtime(backend);
    const start = noise(rows, columns, 1);
    const gradients = [2, 3, 4, 5].map((seed) => noise(rows, columns, seed));
    const parameter = runtime.tensor(start.flat(), [rows, columns]);
    const optimizer = new Muon(
      { runtime, parameters: new Map([["layers.0.w.weight", parameter]]) },
      { weightDecay: 0.1 },
    );
    optimizer.setLearningRate(0.02);
    for (const gradient of gradients)
      runtime.scope(() => void optimizer.update([runtime.tensor(gradient.flat(), [rows, columns])]));
    const expected = Float32Array.from(reference(start, gradients, 0.02, 0.1).flat());
    const actual = Float32Array.from(await parameter.read());
    expect(relativeError(actual, expected)).toBeLessThan(1e-5);
    optimizer.dispose();
    parameter.dispose();
    expect(backend.memory().liveBuffers).toBe(0);
  });
});

test("Muon: everything but the matrices of layers follows AdamW", async () => {
  expect(isMuonMatrix("model.layers.11.attn.Wqkv.weight", [6, 2])).toBe(true);
  for (const name of ["model.embeddings.tok_embeddings.weight", "head.dense.weight", "classifier.weight"])
    expect(isMuonMatrix(name, [6, 2])).toBe(false);
  expect(isMuonMatrix("model.layers.0.mlp_norm.weight", [6])).toBe(false);
  const [muon, adamw] = [await outcome(Muon), await outcome(AdamW)];
  expect(muon.slice(1)).toEqual(adamw.slice(1));
  expect(muon[0]).not.toEqual(adamw[0]);
  expect(muon[0]!.every(Number.isFinite)).toBe(true);
});

/** Parameters after three steps, the first of which is skipped. */
async function outcome(Kind: typeof Muon | typeof AdamW): Promise<number[][]> {
  const runtime = newRuntime();
  const names = ["layers.1.w.weight", "embeddings.weight", "layers.1.norm.weight"];
  const parameters = new Map(names.map((name) => [name, runtime.tensor([1, 2], name.includes("norm") ? [2] : [1, 2])]));
  const optimizer = new Kind({ runtime, parameters }, { weightDecay: 0.1 });
  optimizer.setLearningRate(0.1);
  for (const bad of [Number.NaN, 0.5, 0.25])
    optimizer.update([...parameters.values()].map(({ shape }) => runtime.tensor([bad, 1], shape)));
  return Promise.all([...parameters.values()].map(async (tensor) => Array.from(await tensor.read())));
}
