/** bf16 on the native engine beyond the conformance suite: what machines are said to have, and numbers that are not finite or very large. */
import { readFileSync } from "node:fs";
import { cast, linear, mean, Runtime, valueAndGradients, varlenAttention } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { createCpuBackend } from "../src/index.ts";
import { describeNative, instructionSets } from "./native.ts";

const supported = instructionSets.filter((set) => set.supported);

/** What Linux says of the processor; undefined elsewhere, where nobody is asked. */
function processorHas(flag: string): boolean | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  return readFileSync("/proc/cpuinfo", "utf8").includes(` ${flag}`);
}

/** Loss of attention over two sequences and dropout, and the gradient of qkv. */
async function attentionBits(threads: number, lengths: readonly number[]): Promise<Uint16Array> {
  await using backend = await createCpuBackend({ engine: "native", threads });
  const runtime = new Runtime(backend, { fusion: "fused" });
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  const values = Float32Array.from({ length: tokens * 3 * 2 * 32 }, (_, at) => Math.sin(at * 0.37) * 2);
  const qkv = runtime.scope(() => cast(runtime.tensor(values, [tokens, 3, 2, 32]), "bf16"));
  const ends = runtime.tensor(Int32Array.from([0, lengths[0]!, tokens]), [3], "i32");
  const options = {
    scale: 0.2,
    window: 20,
    maxSeqlen: 300,
    dropout: { rate: 0.2, draw: { seed: 1, stream: 2, step: 3 } },
  };
  const { gradients } = valueAndGradients(runtime, [qkv], () => mean(cast(varlenAttention(qkv, ends, options), "f32")));
  return (await gradients[0]!.read()) as Uint16Array;
}

describeNative("bf16", () => {
  test("attention's gradients are the same bits for any number of threads", async () => {
    const lengths = [300, 77];
    const wanted = await attentionBits(1, lengths);
    expect(wanted.some((bits) => bits !== 0)).toBe(true);
    expect(await attentionBits(3, lengths)).toEqual(wanted);
  });

  test.each(supported.map(({ name }) => name))("%s accelerates it where the processor multiplies it", async (name) => {
    await using backend = await createCpuBackend({ engine: "native", instructionSet: name, threads: 1 });
    const multiplied = name === "avx512" ? processorHas("avx512_bf16") : name === "neon" ? undefined : name === "amx";
    if (multiplied !== undefined) expect(backend.capabilities.accelerated.includes("bf16")).toBe(multiplied);
  });

  // Few rows go by dot products, 5 and more by panels.
  test.each(supported.flatMap(({ name }) => [4, 20].map((rows) => [name, rows] as const)))(
    "%s, %i rows: NaN, infinities and sums beyond the range stay in their rows",
    async (name, rows) => {
      await using backend = await createCpuBackend({ engine: "native", instructionSet: name, threads: 1 });
      const runtime = new Runtime(backend);
      const [depth, channels] = [34, 5];
      const values = new Float32Array(rows * depth).fill(1);
      values[0] = Number.NaN;
      values[depth] = -Infinity;
      values.fill(3e38, 2 * depth, 3 * depth);
      const read = (dtype: "bf16" | "f32"): PromiseLike<unknown> =>
        runtime
          .scope(() => {
            const x = cast(runtime.tensor(values, [rows, depth]), dtype);
            const weight = cast(runtime.tensor(new Float32Array(channels * depth).fill(2), [channels, depth]), dtype);
            return cast(linear(x, weight), "f32");
          })
          .read();
      const got = (await read("bf16")) as Float32Array;
      const expected = [Number.NaN, -Infinity, Infinity].concat(Array.from({ length: rows - 3 }, () => 2 * depth));
      expect([...got]).toEqual(expected.flatMap((value) => Array.from({ length: channels }, () => value)));
    },
  );
});
