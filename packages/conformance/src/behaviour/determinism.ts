/** The same commands twice give the same bits, for sizes at which kernels run in parallel. */
import type { View } from "@modernbert-ts/tensor-core";
import { scalar, x } from "@modernbert-ts/tensor-core";
import type { CaseContext, ConformanceCase } from "../case.ts";
import { expectThat } from "../case.ts";
import { randomArray, randomIds } from "../primitives/data.ts";

/** Uploads its inputs once and returns a function that queues the same command into a fresh output. */
type Setup = (context: CaseContext) => { out: () => View; run: (out: View) => void };

const setups: Readonly<Record<string, Setup>> = {
  matmul({ bench, random }) {
    const [a, b] = [
      bench.input(randomArray(random, "f32", [150, 400])),
      bench.input(randomArray(random, "f32", [400, 170])),
    ];
    return {
      out: () => bench.output("f32", [150, 170]),
      run: (out) => bench.run("matmul", out, [a, b], { alpha: 1, accumulate: false }),
    };
  },
  "matmul with a long inner dimension": ({ bench, random }) => {
    const [a, b] = [
      bench.input(randomArray(random, "f32", [9, 20_000])),
      bench.input(randomArray(random, "f32", [20_000, 5])),
    ];
    return {
      out: () => bench.output("f32", [9, 5]),
      run: (out) => bench.run("matmul", out, [a, b], { alpha: 1, accumulate: false }),
    };
  },
  "sum of everything": ({ bench, random }) => {
    const input = bench.input(randomArray(random, "f32", [200_003]));
    return {
      out: () => bench.output("f32", [1]),
      run: (out) => bench.run("reduce", out, [input], { kind: "sum", axes: [0] }),
    };
  },
  "sum over rows": ({ bench, random }) => {
    const input = bench.input(randomArray(random, "f32", [3001, 70]));
    return {
      out: () => bench.output("f32", [1, 70]),
      run: (out) => bench.run("reduce", out, [input], { kind: "sum", axes: [0] }),
    };
  },
  segmentSum({ bench, random }) {
    const [values, ids] = [
      bench.input(randomArray(random, "f32", [4000, 33])),
      bench.input(randomIds(random, [4000], 29)),
    ];
    return { out: () => bench.output("f32", [29, 33]), run: (out) => bench.run("segmentSum", out, [values, ids], {}) };
  },
  map({ bench, random }) {
    const input = bench.input(randomArray(random, "f32", [100_001]));
    const expression = scalar.mul(x(0), scalar.erf(scalar.exp(x(0))));
    return { out: () => bench.output("f32", [100_001]), run: (out) => bench.run("map", out, [input], { expression }) };
  },
};

export function determinismCases(): ConformanceCase[] {
  return Object.entries(setups).map(([name, setup]) => ({
    name: `determinism / ${name}`,
    requires: { arithmetic: ["f32", "i32"], deterministic: true },
    async run(context) {
      const { out, run } = setup(context);
      const outs = Array.from({ length: 6 }, out);
      for (const each of outs) run(each);
      const [first, ...others] = await Promise.all(outs.map((each) => bytesOfView(context, each)));
      others.forEach((bytes, i) => {
        expectThat(
          bytes.every((byte, at) => byte === first![at]),
          `expected run ${i + 2} to give the bits of run 1`,
        );
      });
    },
  }));
}

async function bytesOfView({ backend }: CaseContext, view: View): Promise<Uint8Array> {
  const size = view.shape.reduce((product, extent) => product * extent, 1);
  return new Uint8Array(await backend.read(view.buffer, 0, size * 4));
}
