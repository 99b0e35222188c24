/** Random batches for attention, solved on any backend. */
import { Runtime, varlenAttention, vjp } from "@modernbert-ts/tensor-core";
import type { Backend, DType, FusionMode, Tensor } from "@modernbert-ts/tensor-core";

export interface Batch {
  readonly lengths: readonly number[];
  readonly window: number | null;
  readonly heads?: number;
  readonly width?: number;
  readonly maxSeqlen?: number;
  readonly turned?: true;
  readonly keyCounts?: readonly number[];
  readonly dropRate?: number;
  /** Replaces elements of qkv by what it gives for their token. */
  readonly spoil?: (token: number) => number | undefined;
}

export interface Result {
  readonly out: Float64Array;
  readonly gradient: Float64Array;
}

/** Numbers about as wide as a normal distribution's, the same for one seed, exact in bf16. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed;
  const values = Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 31 - 1) * 1.7;
  });
  const words = new Uint32Array(values.buffer);
  words.forEach((word, at) => (words[at] = word & 0xff_ff_00_00));
  return values;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function angles(of: (angle: number) => number, positions: number, half: number): Float32Array {
  return Float32Array.from({ length: positions * half }, (_, at) =>
    of(Math.floor(at / half) * 10_000 ** (-(at % half) / half)),
  );
}

/** Words of 16 bits of numbers that they hold; f64 and f32 as they are. */
function hostOf(values: Float32Array, dtype: DType): Float32Array | Float64Array | Uint16Array {
  if (dtype === "f64") return Float64Array.from(values);
  if (dtype !== "bf16") return values;
  const words = new Uint32Array(values.buffer);
  return Uint16Array.from(words, (word) => word >>> 16);
}

/** out [T, H, D] and the gradient of qkv for a random gradient of out. */
export async function solveAttention(
  backend: Backend,
  fusion: FusionMode,
  dtype: "f64" | "f32" | "bf16",
  batch: Batch,
): Promise<Result> {
  const { lengths, window, heads = 1, width = 64, turned, keyCounts, dropRate, spoil } = batch;
  const { maxSeqlen = Math.max(1, ...lengths) } = batch;
  const tokens = sum(lengths);
  const runtime = new Runtime(backend, { fusion });
  const tensor = (values: Float32Array, shape: readonly number[], as: DType): Tensor =>
    runtime.tensor(hostOf(values, as), shape, as);
  const values = numbers(tokens * 3 * heads * width, 1 + tokens);
  if (spoil) values.forEach((value, at) => (values[at] = spoil(Math.floor(at / (3 * heads * width))) ?? value));
  const qkv = tensor(values, [tokens, 3, heads, width], dtype);
  const seed = tensor(numbers(tokens * heads * width, 2), [tokens, heads, width], dtype);
  const ends = runtime.tensor(
    [0, ...lengths.map((_, at) => sum(lengths.slice(0, at + 1)))],
    [lengths.length + 1],
    "i32",
  );
  const table = (of: (angle: number) => number): Tensor =>
    tensor(angles(of, maxSeqlen, width / 2), [maxSeqlen, width / 2], dtype === "f64" ? "f64" : "f32");
  const positions = runtime.tensor(
    lengths.flatMap((length) => Array.from({ length }, (_, at) => at)),
    [tokens],
    "i32",
  );
  const rope = turned && { rope: { cos: table(Math.cos), sin: table(Math.sin), positions } };
  const counts = keyCounts && { keyCounts: runtime.tensor(keyCounts, [keyCounts.length], "i32") };
  const step = runtime.tensor([7, 0], [2], "u32");
  const dropout = dropRate && { dropout: { rate: dropRate, draw: { seed: 5, stream: 6, step } } };
  const options = { scale: width ** -0.5, window, maxSeqlen, ...rope, ...counts, ...dropout };
  const { value, gradients } = vjp(
    runtime,
    [qkv],
    () => varlenAttention(qkv, ends, options),
    (out) => [{ output: out, gradient: seed }],
  );
  return { out: await read(value), gradient: await read(gradients[0]!) };
}

async function read(tensor: Tensor): Promise<Float64Array> {
  const host = (await tensor.read()) as Float32Array | Float64Array | Uint16Array;
  if (tensor.dtype !== "bf16") return Float64Array.from(host);
  return Float64Array.from(new Float32Array(Uint32Array.from(host, (word) => word << 16).buffer));
}

/** The largest difference, as a part of the largest expected number; NaN where one of them is. */
export function farthest(got: Float64Array, want: Float64Array): number {
  let [largest, off] = [1e-30, 0];
  want.forEach((value, at) => {
    largest = Math.max(largest, Math.abs(value));
    const difference = Math.abs(value - got[at]!);
    if (!(difference <= off)) off = difference;
  });
  return off / largest;
}
