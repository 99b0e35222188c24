/** No room for a kernel's scratch memory: the command is an OutOfMemoryError at the next read, and the next one computes as before. */
import {
  gather,
  layerNorm,
  linearCrossEntropy,
  matmul,
  OutOfMemoryError,
  Runtime,
  stableAdamW,
  sum,
  varlenAttention,
  vjp,
} from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { afterEach, expect, test } from "vitest";
import { loadNativeLibrary } from "../src/engines/native/library.ts";
import { numbers, supportedSets, withBackend } from "./fused.ts";
import { describeNative } from "./native.ts";

const random = (runtime: Runtime, shape: number[], seed = 2): Tensor =>
  runtime.tensor(
    numbers(
      seed,
      shape.reduce((product, extent) => product * extent, 1),
    ),
    shape,
  );
const integers = (runtime: Runtime, values: number[]): Tensor => runtime.tensor(values, [values.length], "i32");

const gradientOf = (runtime: Runtime, input: Tensor, run: () => Tensor): Tensor =>
  vjp(runtime, [input], run, (output) => [{ output, gradient: random(runtime, [...output.shape], 7) }]).gradients[0]!;

const cases: Readonly<Record<string, (runtime: Runtime) => Tensor>> = {
  "matmul of few rows": (runtime) => matmul(random(runtime, [2, 3, 70]), random(runtime, [2, 70, 51])),
  matmul: (runtime) => matmul(random(runtime, [100, 70]), random(runtime, [70, 51])),
  sum: (runtime) => sum(random(runtime, [100_000])),
  layerNorm: (runtime) => {
    const weight = random(runtime, [77]);
    return gradientOf(runtime, weight, () => layerNorm(random(runtime, [900, 77]), weight, null, 1e-5));
  },
  varlenAttention: (runtime) =>
    varlenAttention(random(runtime, [107, 3, 2, 64]), integers(runtime, [0, 37, 107]), {
      scale: 0.1,
      window: null,
      maxSeqlen: 70,
    }),
  "varlenAttention's gradient": (runtime) => {
    const qkv = random(runtime, [200, 3, 2, 64]);
    const run = (): Tensor =>
      varlenAttention(qkv, integers(runtime, [0, 200]), { scale: 0.1, window: null, maxSeqlen: 200 });
    return gradientOf(runtime, qkv, run);
  },
  linearCrossEntropy: (runtime) =>
    linearCrossEntropy(
      random(runtime, [21, 40]),
      random(runtime, [301, 40]),
      null,
      integers(
        runtime,
        Array.from({ length: 21 }, (_, at) => at),
      ),
    ).lossSum,
  "gather's gradient": (runtime) => {
    const table = random(runtime, [50, 8]);
    return gradientOf(runtime, table, () => gather(table, integers(runtime, [3, 1, 3, 49])));
  },
  stableAdamW: (runtime) => {
    const [parameter, m, v, gradient] = [1, 2, 3, 4].map((seed) =>
      runtime.tensor(numbers(seed, 1000).map(Math.abs), [1000]),
    );
    const control = runtime.tensor([0.1, 0.9, 0.99, 1e-6, 0.01], [5]);
    stableAdamW(parameter!, gradient!, m!, v!, control, runtime.tensor([1], [1]));
    return parameter!;
  },
};

describeNative("no scratch memory", () => {
  afterEach(async () => (await loadNativeLibrary()).limitScratch(undefined));

  for (const set of supportedSets)
    test.each(Object.entries(cases))(`%s, ${set}`, async (_, run) => {
      const library = await loadNativeLibrary();
      await withBackend(set, 3, async (backend) => {
        const runtime = new Runtime(backend, { fusion: "fused" });
        const want = await run(runtime).read();
        // The larger limits are met inside tasks, after others have begun.
        for (const limit of [0, 1 << 8, 1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18]) {
          library.limitScratch(limit);
          const got = await run(runtime)
            .read()
            .catch((error: unknown) => error);
          library.limitScratch(undefined);
          if (limit === 0) expect(got).toBeInstanceOf(OutOfMemoryError);
          if (got instanceof OutOfMemoryError)
            expect(got.message).toMatch(/^\[\w+\] expected room for \d+ bytes of scratch/);
          else expect(got).toEqual(want);
          expect(await run(runtime).read()).toEqual(want);
        }
      });
    });

  test("a buffer without room is an error of allocate that tells what is held", async () => {
    await withBackend(supportedSets[0]!, 1, async (backend) => {
      const held = backend.allocate(1024);
      expect(() => backend.allocate(2 ** 52)).toThrow(OutOfMemoryError);
      expect(() => backend.allocate(2 ** 52)).toThrow("got none beside 1024 in use");
      backend.write(held, new Float32Array([7]));
      expect(new Float32Array(await backend.read(held, 0, 4))).toEqual(new Float32Array([7]));
    });
  });
});
