/** `randomBits`: the same bits everywhere, checked against the published vectors and against big-integer arithmetic. */
import type { PrimitiveAttrs } from "@modernbert-ts/tensor-core";
import type { ConformanceCase } from "../case.ts";
import { expectThat, primitive } from "../case.ts";
import { expectSame } from "../compare.ts";
import { denseOutputs } from "../layout.ts";
import { makeArray } from "../nd-array.ts";
import { knownAnswers, philox4x32 } from "../oracle/philox.ts";

const sizes = [1, 2, 3, 4, 5, 127, 1027];
const keys = [
  { key: [0, 0], counter: [0, 0] },
  { key: [0xa4093822, 0x299f31d0], counter: [0x13198a2e, 0x03707344] },
  { key: [0xffffffff, 0xffffffff], counter: [0xffffffff, 0xffffffff] },
  { key: [1, 0x80000000], counter: [0x80000000, 7] },
] as const;

function words(length: number, { key, counter }: PrimitiveAttrs["randomBits"]): number[] {
  return Array.from({ length: Math.ceil(length / 4) }, (_, block) => philox4x32([block, 0, ...counter], key))
    .flat()
    .slice(0, length);
}

export function randomCases(): ConformanceCase[] {
  const compared = (["u32", "f32"] as const).flatMap((dtype) =>
    keys.map((attrs): ConformanceCase => {
      return {
        name: `randomBits / ${dtype} / key ${attrs.key.join(" ")}, counter ${attrs.counter.join(" ")}`,
        covers: primitive("randomBits", dtype),
        requires: { arithmetic: [dtype] },
        async run({ bench }) {
          for (const size of sizes) {
            for (const layout of denseOutputs) {
              const got = await bench.compute("randomBits", { dtype, shape: [size], layout }, [], attrs);
              const want = words(size, attrs);
              expectSame(got, dtype === "u32" ? want : want.map((word) => (word >>> 8) * 2 ** -24));
            }
          }
        },
      };
    }),
  );
  return [
    ...compared,
    ...(["u32", "f32"] as const).map((dtype): ConformanceCase => ({
      name: `randomBits / ${dtype} / a step from the device is added to the counter`,
      covers: primitive("randomBits", dtype),
      requires: { arithmetic: [dtype, "u32"] },
      async run({ bench }) {
        for (const [low, high] of [
          [0, 0],
          [5, 0],
          [0xffffffff, 0x80000000],
        ] as const) {
          // Off the start of its buffer; 3 and 0xfffffff0 make the sums pass 2^32.
          const step = bench.input(
            makeArray("u32", [2], (at) => [low, high][at]!),
            denseOutputs.at(-1)!,
          );
          const attrs = { key: [1, 2], counter: [3, 0xfffffff0] } as const;
          const sum = { key: [1, 2], counter: [(3 + low) % 2 ** 32, (0xfffffff0 + high) % 2 ** 32] } as const;
          const got = await bench.compute("randomBits", { dtype, shape: [1027] }, [step], attrs);
          const want = words(1027, sum);
          expectSame(got, dtype === "u32" ? want : want.map((word) => (word >>> 8) * 2 ** -24));
        }
      },
    })),
    {
      name: "randomBits / u32 / published vector",
      covers: primitive("randomBits", "u32"),
      requires: { arithmetic: ["u32"] },
      async run({ bench }) {
        const [first] = knownAnswers;
        const attrs = { key: [0, 0], counter: [0, 0] } as const;
        expectSame(await bench.compute("randomBits", { dtype: "u32", shape: [4] }, [], attrs), first!.words);
      },
    },
    {
      name: "randomBits / f32 / uniform",
      covers: primitive("randomBits", "f32"),
      requires: { arithmetic: ["f32"] },
      async run({ bench }) {
        const shape = [4, 2500];
        const { values } = await bench.compute("randomBits", { dtype: "f32", shape }, [], {
          key: [11, 12],
          counter: [13, 14],
        });
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        expectThat(
          values.every((value) => value >= 0 && value < 1),
          "expected every number in [0, 1)",
        );
        expectThat(Math.abs(mean - 0.5) < 0.02, `expected a mean near 0.5, got ${mean}`);
        expectThat(new Set(values).size > 9900, "expected nearly all of 10,000 numbers to differ");
      },
    },
  ];
}
