/** The optimizer's kernels beside plain loops in f64: more tensors than a launch takes, tensors that begin anywhere, gradients in 16 bits. */
import { stableAdamWControl } from "@modernbert-ts/tensor-core";
import type { Backend, View } from "@modernbert-ts/tensor-core";
import { beforeEach, expect, test } from "vitest";
import { createCudaBackend } from "../src/index.ts";
import { missing } from "./library.ts";

beforeEach(({ skip }) => {
  if (missing) skip(missing);
});

const settings = { learningRate: 1e-2, beta1: 0.9, beta2: 0.98, eps: 1e-6, maxLearningRate: null } as const;
const controls = [0.1, 0].map((weightDecay, at) => stableAdamWControl({ ...settings, weightDecay, step: 3 + at }));

interface Slot {
  readonly p: Float32Array;
  readonly g: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
  readonly group: number;
}

/** Numbers that bf16 holds. */
function numbers(seed: number, count: number, unit: number): Float32Array {
  return Float32Array.from({ length: count }, (_, at) => (((at * 31 + seed * 17) % 61) - 30) * unit);
}

function slot(index: number, size: number): Slot {
  const positive = numbers(index + 3, size, 2 ** -12).map(Math.abs);
  const g = numbers(index + 1, size, 2 ** -3);
  return { p: numbers(index, size, 2 ** -4), g, m: numbers(index + 2, size, 2 ** -6), v: positive, group: index % 2 };
}

/** p, m and v after a step. */
function stepped({ p, g, m, v, group }: Slot, scale: number): { p: number[]; m: number[]; v: number[] } {
  const [lr, beta1, beta2, eps, decay] = controls[group]! as unknown as [number, number, number, number, number];
  const gradients = Array.from(g, (value) => value * scale);
  const newM = gradients.map((value, at) => beta1 * m[at]! + (1 - beta1) * value);
  const newV = gradients.map((value, at) => beta2 * v[at]! + (1 - beta2) * value * value);
  const ratios = gradients.map((value, at) => (value * value) / Math.max(newV[at]!, eps * eps));
  const rate = lr / Math.max(1, Math.sqrt(ratios.reduce((sum, ratio) => sum + ratio, 0) / p.length));
  const newP = newM.map((value, at) => p[at]! * (1 - rate * decay) - (rate * value) / (Math.sqrt(newV[at]!) + eps));
  return { p: newP, m: newM, v: newV };
}

function upload(backend: Backend, values: Float32Array, offset: number): View {
  const buffer = backend.allocate(4 * (values.length + offset));
  if (values.length > 0) backend.write(buffer, values, 4 * offset);
  return { buffer, dtype: "f32", shape: [values.length], strides: [1], offset };
}

function uploadBf16(backend: Backend, values: Float32Array, offset: number): View {
  const buffer = backend.allocate(2 * (values.length + offset));
  const bits = Uint16Array.from(new Uint32Array(values.buffer), (word) => word >>> 16);
  if (bits.length > 0) backend.write(buffer, bits, 2 * offset);
  return { buffer, dtype: "bf16", shape: [values.length], strides: [1], offset };
}

async function read({ buffer, dtype, shape, offset }: View, backend: Backend): Promise<Float32Array> {
  if (dtype === "f32") return new Float32Array(await backend.read(buffer, 4 * offset, 4 * shape[0]!));
  const bits = new Uint16Array(await backend.read(buffer, 2 * offset, 2 * shape[0]!));
  return new Float32Array(Uint32Array.from(bits, (half) => half << 16).buffer);
}

function expectNear(got: ArrayLike<number>, want: ArrayLike<number>, relative: number): void {
  expect(got.length).toBe(want.length);
  const isFar = (value: number, at: number): boolean =>
    !(Math.abs(got[at]! - value) <= relative * (Math.abs(value) + 0.01));
  const at = Array.from(want).findIndex(isFar);
  expect(at, `got ${got[at]} at ${at}, not ${want[at]}`).toBe(-1);
}

interface Case {
  readonly sizes: readonly number[];
  /** Where tensors begin in their buffers. */
  readonly offset: number;
  readonly short: boolean;
  readonly scale: number;
}

async function run(backend: Backend, { sizes, offset, short, scale }: Case) {
  const slots = sizes.map((size, index) => slot(index, size));
  const views = slots.map(({ p, g, m, v }, index) => [
    upload(backend, p, offset),
    short ? uploadBf16(backend, g, offset) : upload(backend, g, offset),
    upload(backend, m, offset),
    upload(backend, v, offset),
    index % 3 === 0 ? null : uploadBf16(backend, p, offset),
  ]);
  const gradScale = upload(backend, Float32Array.of(scale), 0);
  const rows = {
    ...upload(backend, Float32Array.from(controls.flatMap((control) => [...control])), 0),
    shape: [2, 5],
    strides: [5, 1],
  };
  const groups = slots.map(({ group }) => group);
  const inputs = [gradScale, rows, ...views.flat()];
  backend.fused.stableAdamWAll!.forward({ attrs: { groups }, inputs, outputs: [], saved: [] });
  return { slots, views };
}

const many = Array.from({ length: 470 }, (_, index) => index % 11);

test.for([
  { sizes: many, offset: 0, short: false, scale: 1 },
  { sizes: [100_001, 32_768, 0, 5, 32_769], offset: 0, short: false, scale: 0.25 },
  { sizes: [1027, 6], offset: 1, short: false, scale: 1 },
  { sizes: [1027, 1028], offset: 2, short: true, scale: 1 },
  { sizes: [40_000, 7], offset: 0, short: true, scale: 0.5 },
])("stableAdamWAll, case %#", async (given) => {
  await using backend = await createCudaBackend({ emulate: true });
  const { slots, views } = await run(backend, given);
  for (const [index, each] of slots.entries()) {
    const want = stepped(each, given.scale);
    const [p, , m, v, copy] = views[index]!;
    const got = await read(p!, backend);
    expectNear(got, want.p, 1e-5);
    expectNear(await read(m!, backend), want.m, 1e-6);
    expectNear(await read(v!, backend), want.v, 1e-6);
    if (copy) expectNear(await read(copy, backend), got, 2 ** -8);
  }
});

test("a gradient scale of 0 changes no bit", async () => {
  await using backend = await createCudaBackend({ emulate: true });
  const { slots, views } = await run(backend, { sizes: [3001, 3], offset: 0, short: false, scale: 0 });
  for (const [index, { p, m, v }] of slots.entries()) {
    const [newP, , newM, newV, copy] = views[index]!;
    expect(await read(newP!, backend)).toEqual(p);
    expect(await read(newM!, backend)).toEqual(m);
    expect(await read(newV!, backend)).toEqual(v);
    if (copy) expect(await read(copy, backend)).toEqual(p);
  }
});

test("globalNorm over more tensors than a launch takes, of two dtypes, from anywhere", async () => {
  await using backend = await createCudaBackend({ emulate: true });
  const values = Array.from({ length: 1100 }, (_, index) => numbers(index, index === 1050 ? 70_003 : index % 7, 0.25));
  const views = values.map((each, index) => (index % 2 ? uploadBf16 : upload)(backend, each, index % 3));
  const norm = upload(backend, Float32Array.of(0), 0);
  backend.fused.globalNorm!.forward({ attrs: {}, inputs: views, outputs: [norm], saved: [] });
  const squares = values.reduce((sum, each) => each.reduce((total, value) => total + value * value, sum), 0);
  expectNear(await read(norm, backend), [Math.sqrt(squares)], 1e-6);
});
