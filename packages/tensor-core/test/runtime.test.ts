import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  add,
  cast,
  concat,
  contiguous,
  expand,
  gather,
  layerNorm,
  linear,
  map,
  matmul,
  max,
  mul,
  permute,
  reshape,
  Runtime,
  scalar,
  scale,
  ShapeError,
  slice,
  sum,
  sumAll,
  transpose,
  truncatedNormal,
  uniform,
  UseAfterDisposeError,
  UnsupportedError,
  valueAndGradients,
  vjp,
  x,
} from "../src/index.ts";
import type { Backend, Tensor } from "../src/index.ts";
import { createTypeScriptBackend } from "./backend.ts";

let backend: Backend;
let runtime: Runtime;

beforeEach(() => {
  backend = createTypeScriptBackend();
  runtime = new Runtime(backend);
});

afterEach(async () => {
  await backend[Symbol.asyncDispose]();
});

const values = async (tensor: Tensor): Promise<number[]> => {
  const dense = contiguous(tensor);
  const result = [...(await dense.read())];
  dense.dispose();
  tensor.dispose();
  return result;
};

describe("scope", () => {
  it("disposes what is not returned, searches arrays, maps and objects, and keeps what is kept", () => {
    let inner: Tensor | undefined;
    const kept: Tensor[] = [];
    const result = runtime.scope(() => {
      inner = runtime.tensor([1], [1]);
      kept.push(runtime.keep(runtime.tensor([2], [1])));
      return { list: [runtime.tensor([3], [1])], map: new Map([["a", runtime.tensor([4], [1])]]) };
    });
    expect(inner?.disposed).toBe(true);
    expect(backend.memory().liveBuffers).toBe(3);
    for (const tensor of [...kept, ...result.list, ...result.map.values()]) tensor.dispose();
    expect(backend.memory().liveBuffers).toBe(0);
  });

  it("hands results to the scope around it", () => {
    runtime.scope(() => {
      runtime.scope(() => runtime.tensor([1], [1]));
      expect(backend.memory().liveBuffers).toBe(1);
    });
    expect(backend.memory().liveBuffers).toBe(0);
  });

  it("frees everything when the body throws or returns a promise", () => {
    expect(() =>
      runtime.scope(() => {
        runtime.tensor([1], [1]);
        throw new Error("stop");
      }),
    ).toThrow("stop");
    expect(() => runtime.scope(() => Promise.resolve(runtime.tensor([1], [1])))).toThrow(
      "[scope] expected a synchronous body",
    );
    expect(backend.memory().liveBuffers).toBe(0);
  });

  it("says so when a disposed tensor is used", () => {
    const gone = runtime.tensor([1], [1]);
    gone.dispose();
    expect(() => add(gone, gone)).toThrow(UseAfterDisposeError);
  });
});

describe("views", () => {
  it("permute, slice, expand, reshape and concat agree with index arithmetic", async () => {
    const a = runtime.tensor([0, 1, 2, 3, 4, 5], [2, 3]);
    expect(await values(permute(a, [1, 0]))).toEqual([0, 3, 1, 4, 2, 5]);
    expect(await values(slice(a, 1, 1, 3))).toEqual([1, 2, 4, 5]);
    expect(await values(reshape(transpose(a), [6]))).toEqual([0, 3, 1, 4, 2, 5]);
    expect(await values(expand(slice(a, 0, 1, 2), [2, 3]))).toEqual([3, 4, 5, 3, 4, 5]);
    expect(await values(concat([a, slice(a, 1, 0, 1)], 1))).toEqual([0, 1, 2, 0, 3, 4, 5, 3]);
    expect(() => reshape(a, [4])).toThrow(ShapeError);
    expect(() => slice(a, 0, 1, 3)).toThrow("[slice] expected 0 ≤ start ≤ end ≤ 2");
  });
});

describe("valueAndGradients", () => {
  it("differentiates through views, broadcasts, products and reductions", async () => {
    const w = runtime.tensor([1, 2, 3, 4, 5, 6], [3, 2]);
    const b = runtime.tensor([0.5, -0.5, 1], [3]);
    const input = runtime.tensor([1, -1, 2, 0.5], [2, 2]);
    const { value, gradients } = valueAndGradients(runtime, [w, b], () =>
      runtime.scope(() => sumAll(mul(add(matmul(input, transpose(w)), b), add(matmul(input, transpose(w)), b)))),
    );
    // y = x·wᵀ + b; d/dw = 2 yᵀx, d/db = 2 Σ y
    const y = [
      [-0.5, -1.5, 0],
      [3.5, 7.5, 14],
    ];
    const rows = [
      [1, -1],
      [2, 0.5],
    ];
    expect(await value.item()).toBeCloseTo(
      y.flat().reduce((s, v) => s + v * v, 0),
      4,
    );
    expect(gradients[0]!.dense).toBe(true);
    const dw = await values(gradients[0]!);
    [0, 1, 2].forEach((j) =>
      [0, 1].forEach((k) =>
        expect(dw[j * 2 + k]).toBeCloseTo(2 * (y[0]![j]! * rows[0]![k]! + y[1]![j]! * rows[1]![k]!), 4),
      ),
    );
    expect(await values(gradients[1]!)).toEqual([6, 12, 28]);
    for (const tensor of [value, w, b, input]) tensor.dispose();
    expect(backend.memory().liveBuffers).toBe(0);
  });

  it("gives undefined for what the loss does not depend on and frees the tape when the body throws", () => {
    const a = runtime.tensor([1], [1]);
    const unused = runtime.tensor([1], [1]);
    const { value, gradients } = valueAndGradients(runtime, [a, unused], () => scale(a, 3));
    expect(gradients[1]).toBeUndefined();
    value.dispose();
    gradients[0]!.dispose();
    const body = (): Tensor => {
      mul(a, a);
      throw new Error("stop");
    };
    expect(() => valueAndGradients(runtime, [a], body)).toThrow("stop");
    expect(runtime.tape).toBeUndefined();
    expect(backend.memory().liveBuffers).toBe(2);
  });

  it("sums the paths of a tensor used twice and splits ties of max", async () => {
    const table = runtime.tensor([1, 2, 3, 4], [2, 2]);
    const ids = runtime.tensor([1, 1, 0], [3], "i32");
    const first = valueAndGradients(runtime, [table], () =>
      runtime.scope(() => add(sumAll(gather(table, ids)), sumAll(table))),
    );
    expect(await values(first.gradients[0]!)).toEqual([2, 2, 3, 3]);
    const tied = runtime.tensor([5, 5, 1], [1, 3]);
    const second = valueAndGradients(runtime, [tied], () => runtime.scope(() => reshape(max(tied, [1]), [1])));
    expect(await values(second.gradients[0]!)).toEqual([0.5, 0.5, 0]);
  });

  it("gives the gradient of a batched product in the order of a transposed matrix", async () => {
    const w = runtime.tensor([1, 2, 3, 4, 5, 6], [2, 3]);
    const a = runtime.tensor([1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1], [2, 2, 3]);
    const right = valueAndGradients(runtime, [w], () => sumAll(matmul(a, transpose(w))));
    expect(right.gradients[0]!.dense).toBe(true);
    expect(await values(right.gradients[0]!)).toEqual([2, 2, 2, 2, 2, 2]);
    const b = runtime.tensor([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]);
    const left = valueAndGradients(runtime, [w], () => sumAll(matmul(transpose(w), b)));
    expect(left.gradients[0]!.dense).toBe(true);
    expect(await values(left.gradients[0]!)).toEqual([14, 14, 14, 22, 22, 22]);
  });

  it("gives a parameter that is named twice its gradient twice", async () => {
    const a = runtime.tensor([3], [1]);
    const { gradients } = valueAndGradients(runtime, [a, a], () => mul(a, a));
    expect(await Promise.all(gradients.map((gradient) => gradient?.item()))).toEqual([6, 6]);
  });

  it("refuses a gradient inside another", () => {
    const a = runtime.tensor([3], [1]);
    const inner = (): Tensor => valueAndGradients(runtime, [a], () => mul(a, a)).gradients[0]!;
    expect(() => valueAndGradients(runtime, [a], () => mul(a, inner()))).toThrow(UnsupportedError);
    expect(runtime.tape).toBeUndefined();
    expect(() =>
      vjp(
        runtime,
        [a],
        () =>
          vjp(
            runtime,
            [a],
            () => mul(a, a),
            () => [],
          ).value,
        () => [],
      ),
    ).toThrow("[valueAndGradients] expected no open tape");
    expect(backend.memory().liveBuffers).toBe(1);
  });
});

const normTwo = (on: Runtime): Tensor =>
  on.scope(() => layerNorm(on.tensor([1, 2], [1, 2]), on.tensor([1, 1], [2]), null, 1e-5));

describe("fusion", () => {
  it("counts what runs from primitives and why, and throws in mode fused", () => {
    const strict = new Runtime(backend, { fusion: "fused" });
    expect(() => normTwo(strict)).toThrow(UnsupportedError);
    normTwo(runtime).dispose();
    expect(runtime.fusedReport()).toEqual([
      { composite: "layerNorm", backend: backend.name, reason: `no fused layerNorm on ${backend.name}`, count: 1 },
    ]);
  });
});

describe("linear", () => {
  it("takes a weight in the input's dtype or a shorter one, and is not reported where it is the primitive product", async () => {
    const input = runtime.tensor([1, 2], [1, 2]);
    const weight = runtime.tensor([3, 4], [1, 2]);
    const bias = runtime.tensor([5], [1]);
    expect(await values(linear(input, weight, bias))).toEqual([16]);
    expect(runtime.fusedReport()).toEqual([]);
    for (const dtype of ["bf16", "f16"] as const)
      expect(await values(linear(input, cast(weight, dtype), bias))).toEqual([16]);
    expect(await values(linear(cast(input, "f64"), weight, bias))).toEqual([16]);
    expect(runtime.fusedReport().map(({ reason, count }) => [reason, count])).toEqual([["no fused linear on cpu", 3]]);
    for (const [wide, narrow] of [
      ["f32", "f64"],
      ["f16", "f32"],
      ["bf16", "f16"],
    ] as const)
      expect(() => linear(cast(input, wide), cast(weight, narrow))).toThrow(`a shorter one, got ${wide} and ${narrow}`);
  });
});

describe("linear in one dtype", () => {
  it("queues a product and a sum, and a product for each gradient", () => {
    const queued: string[] = [];
    const watched = new Runtime({
      ...backend,
      run(op, ...rest) {
        queued.push(op);
        backend.run(op, ...rest);
      },
    });
    const [input, weight, bias] = [[2, 3], [4, 3], [4]].map((shape) => uniform(watched, shape, { seed: 1, stream: 2 }));
    queued.length = 0;
    watched.scope(() =>
      vjp(
        watched,
        [input!, weight!, bias!],
        () => linear(input!, weight!, bias!),
        (output) => [{ output, gradient: output }],
      ),
    );
    expect(queued).toEqual(["matmul", "map", "map", "map", "reduce", "matmul", "matmul"]);
  });
});

describe("errors", () => {
  it("name the operation, what was expected and what came", () => {
    const a = runtime.tensor([1, 2, 3], [3]);
    expect(() => add(a, runtime.tensor([1, 2], [2]))).toThrow("[map] expected shapes that broadcast, got [3] and [2]");
    expect(() => layerNorm(reshape(a, [1, 3]), slice(a, 0, 0, 2), null, 1e-5)).toThrow(
      "[layerNorm] expected weight of shape [3], got [2]",
    );
    expect(() => runtime.tensor([1], [2])).toThrow("[tensor] expected 2 f32 values for [2], got 1");
    expect(() => runtime.tensor(Int32Array.of(1), [1])).toThrow(
      "[tensor] expected f32 as Float32Array, got Int32Array",
    );
    expect(() => runtime.write(a, Uint32Array.of(1, 2, 3))).toThrow(
      "[write] expected f32 as Float32Array, got Uint32Array",
    );
    expect(() => sum(a, [1])).toThrow("[sum] expected an axis of a rank-1 tensor, got 1");
  });
});

describe("random", () => {
  it("truncatedNormal has the moments of the truncated distribution and the same bits for the same draw", async () => {
    const draw = { seed: 7, stream: 3 };
    const sample = await values(truncatedNormal(runtime, [40_000], 0.02, 2, draw));
    const mean = sample.reduce((s, v) => s + v, 0) / sample.length;
    const std = Math.sqrt(sample.reduce((s, v) => s + (v - mean) ** 2, 0) / sample.length);
    expect(Math.abs(mean)).toBeLessThan(3e-4);
    expect(std / 0.02).toBeCloseTo(0.8796, 2);
    expect(Math.max(...sample.map(Math.abs))).toBeLessThanOrEqual(0.04 + 1e-9);
    expect(await values(truncatedNormal(runtime, [40_000], 0.02, 2, draw))).toEqual(sample);
  });

  it("maps any expression", async () => {
    const a = runtime.tensor([-1, 0, 2], [3]);
    expect(await values(map(scalar.select(scalar.less(x(0), 0), 10, scalar.mul(x(0), x(0))), [a]))).toEqual([10, 0, 4]);
  });
});
