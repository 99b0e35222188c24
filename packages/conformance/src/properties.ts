/**
 * Properties over random shapes, layouts and axes, with a seed that is always the same and one that is fresh in every run.
 * A failure prints its seed and the smallest case found.
 */
import * as fc from "fast-check";
import { sizeOf } from "@modernbert-ts/tensor-core";
import type { Shape } from "@modernbert-ts/tensor-core";
import { scalar, x } from "@modernbert-ts/tensor-core";
import { createBench, repeatAlong } from "./bench.ts";
import type { CaseContext, ConformanceCase } from "./case.ts";
import { primitive } from "./case.ts";
import { expectRounded } from "./compare.ts";
import type { Layout } from "./layout.ts";
import { randomArray } from "./primitives/data.ts";
import { checkMap } from "./primitives/map.ts";
import { checkMatmul } from "./primitives/matmul.ts";
import { checkReduce } from "./primitives/reduce.ts";
import { createRandomSource } from "./random-source.ts";

const fixedSeed = 20_412_663;
const runs = 60;

const shapes: fc.Arbitrary<Shape> = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: 1, max: 9 }) },
      { weight: 1, arbitrary: fc.constantFrom(0, 1, 33) },
    ),
    {
      maxLength: 6,
    },
  )
  .filter((shape) => sizeOf(shape) <= 4000);

/** Any order of axes, any gap, any offset; broadcast axes only where the array is an input. */
function layoutFor(rank: number, mayRepeat: boolean): fc.Arbitrary<Layout> {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return fc
    .record({
      order: fc.shuffledSubarray(axes, { minLength: rank }),
      offset: fc.nat(7),
      step: fc.integer({ min: 1, max: 3 }),
      repeated: mayRepeat ? fc.subarray(axes) : fc.constant([]),
    })
    .map(({ order, offset, step, repeated }) => ({
      name: `order ${order.join("")} offset ${offset} step ${step} repeated ${repeated.join("")}`,
      order: () => order,
      offset,
      step,
      broadcast: () => repeated,
    }));
}

/** A shape, a layout for each input and for the output, axes to reduce, and a seed for the numbers. */
const problems = shapes.chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    inputs: fc.tuple(layoutFor(shape.length, true), layoutFor(shape.length, true)),
    output: layoutFor(shape.length, false),
    axes: fc.subarray(shape.map((_, axis) => axis)),
    seed: fc.nat(),
  }),
);
type Problem = typeof problems extends fc.Arbitrary<infer T> ? T : never;

interface Property {
  readonly name: string;
  readonly operation: "copy" | "map" | "reduce" | "matmul";
  check(context: CaseContext, problem: Problem): Promise<void>;
}

const properties: readonly Property[] = [
  {
    name: "copy moves any layout to any layout",
    operation: "copy",
    async check({ bench, random }, { shape, inputs: [layout], output }) {
      const array = repeatAlong(randomArray(random, "f32", shape), layout);
      expectRounded(
        await bench.compute("copy", { dtype: "f32", shape, layout: output }, [bench.input(array, layout)], {}),
        array.values,
      );
    },
  },
  {
    name: "map reads any two layouts",
    operation: "map",
    async check(context, { shape, inputs }) {
      const arrays = inputs.map((layout) => repeatAlong(randomArray(context.random, "f32", shape), layout));
      await checkMap(context, scalar.sub(x(0), scalar.mul(x(1), 0.5)), "f32", arrays, inputs);
    },
  },
  {
    name: "reduce sums any axes of any layout",
    operation: "reduce",
    async check(context, { shape, inputs: [layout], axes }) {
      const array = repeatAlong(randomArray(context.random, "f32", shape), layout);
      await checkReduce(context, array, { kind: "sum", axes }, layout);
      await checkReduce(context, array, { kind: "max", axes }, layout);
    },
  },
  {
    name: "matmul takes any layouts and batches",
    operation: "matmul",
    async check(context, { shape, inputs: [layoutA, layoutB], output, seed }) {
      if (shape.length < 2) return;
      const depth = 1 + (seed % 40);
      const [batch, rows, columns] = [shape.slice(0, -2), shape.at(-2)!, shape.at(-1)!];
      // Only batch axes may be broadcast.
      const onlyBatch = (layout: Layout): Layout => {
        const repeated = layout.broadcast(shape.length).filter((axis) => axis < batch.length);
        return { ...layout, broadcast: () => repeated };
      };
      const [a, b] = [onlyBatch(layoutA), onlyBatch(layoutB)];
      await checkMatmul(context, {
        a: repeatAlong(randomArray(context.random, "f32", [...batch, rows, depth]), a),
        b: repeatAlong(randomArray(context.random, "f32", [...batch, depth, columns]), b),
        layoutA: a,
        layoutB: b,
        layoutOut: output,
      });
    },
  },
];

export function propertyCases(): ConformanceCase[] {
  return properties.flatMap(({ name, operation, check }) =>
    (["fixed", "fresh"] as const).map((kind): ConformanceCase => {
      return {
        name: `properties / ${name} / ${kind} seed`,
        covers: primitive(operation, "f32"),
        requires: { arithmetic: ["f32"] },
        async run(context) {
          const seed = kind === "fixed" ? fixedSeed : context.freshSeed;
          const property = fc.asyncProperty(problems, async (problem) => {
            const bench = createBench(context.backend);
            try {
              await check({ ...context, bench, random: createRandomSource(problem.seed) }, problem);
            } finally {
              bench.releaseAll();
            }
          });
          await fc.assert(property, { seed, numRuns: runs });
        },
      };
    }),
  );
}
