/** `gather`, `segmentSum`, `takeAlong` and `putAlong`: repeated ids, empty ones, and ids outside the range. */
import { DeviceValueError, isFloating } from "@modernbert-ts/tensor-core";
import type { DType, PrimitiveName, View } from "@modernbert-ts/tensor-core";
import type { CaseContext, ConformanceCase } from "../case.ts";
import { expectThat, primitive } from "../case.ts";
import { expectSame, expectSum } from "../compare.ts";
import { denseOutputs } from "../layout.ts";
import { makeArray } from "../nd-array.ts";
import type { NdArray } from "../nd-array.ts";
import { gatherOracle, putAlongOracle, segmentSumOracle, takeAlongOracle } from "../oracle/primitives.ts";
import { allTypes, floatTypes, randomArray, randomIds } from "./data.ts";

type Indexing = "gather" | "segmentSum" | "takeAlong" | "putAlong";

/** Sizes: how many rows there are to choose from, how many ids, and how wide a row is (or how many rows, for the `…Along` pair). */
const sizes = [
  { range: 7, ids: 5, width: 3 },
  { range: 1, ids: 9, width: 1 },
  { range: 50, ids: 300, width: 17 },
  { range: 33, ids: 1, width: 129 },
  { range: 5, ids: 0, width: 4 },
  { range: 3, ids: 4, width: 0 },
  { range: 700, ids: 33, width: 8 },
] as const;

/** Runs one indexing primitive over data and ids and compares with the oracle, in both output layouts. */
async function check(
  { bench, tolerances }: CaseContext,
  op: Indexing,
  data: NdArray,
  ids: NdArray,
  range: number,
): Promise<void> {
  const views = [bench.input(data), bench.input(ids)];
  for (const layout of denseOutputs) {
    const result = { dtype: data.dtype, layout };
    switch (op) {
      case "gather":
        expectSame(
          await bench.compute(op, { ...result, shape: [ids.shape[0]!, data.shape[1]!] }, views, {}),
          gatherOracle(data, ids),
        );
        break;
      case "takeAlong":
        expectSame(await bench.compute(op, { ...result, shape: ids.shape }, views, {}), takeAlongOracle(data, ids));
        break;
      case "segmentSum":
      case "putAlong": {
        const want = op === "segmentSum" ? segmentSumOracle(data, ids, range) : putAlongOracle(data, ids, range);
        const shape = op === "segmentSum" ? [range, data.shape[1]!] : [data.shape[0]!, range];
        const got = await bench.compute(op, { ...result, shape }, views, {});
        if (isFloating(data.dtype)) expectSum(got, want, tolerances.accumulation);
        else expectSame(got, want.values);
        break;
      }
      default:
        throw op satisfies never;
    }
  }
}

function problem(
  { random }: CaseContext,
  op: Indexing,
  dtype: DType,
  size: (typeof sizes)[number],
): [NdArray, NdArray] {
  const { range, ids, width } = size;
  switch (op) {
    case "gather":
      return [randomArray(random, dtype, [range, width]), randomIds(random, [ids], range)];
    case "segmentSum":
      return [randomArray(random, dtype, [ids, width]), randomIds(random, [ids], range)];
    case "takeAlong":
      return [randomArray(random, dtype, [width, range]), randomIds(random, [width, ids], range)];
    case "putAlong":
      return [randomArray(random, dtype, [width, ids]), randomIds(random, [width, ids], range)];
    default:
      throw op satisfies never;
  }
}

export function indexingCases(): ConformanceCase[] {
  const exact = (["gather", "takeAlong"] as const).flatMap((op) => allTypes.map((dtype) => sizesCase(op, dtype)));
  const sums = (["segmentSum", "putAlong"] as const).flatMap((op) => floatTypes.map((dtype) => sizesCase(op, dtype)));
  const bad = (["gather", "segmentSum", "takeAlong", "putAlong"] as const).map(badIdsCase);
  return [...exact, ...sums, ...bad, specialValuesCase(), cancellationCase()];
}

function sizesCase(op: Indexing, dtype: DType): ConformanceCase {
  return {
    name: `${op} / ${dtype}`,
    covers: primitive(op, dtype),
    requires: { arithmetic: [dtype, "i32"] },
    async run(context) {
      for (const size of sizes) await check(context, op, ...problem(context, op, dtype, size), size.range);
    },
  };
}

/** A bad id must not go unnoticed, must not spoil other results, and must not outlive the error that reports it. */
function badIdsCase(op: Indexing): ConformanceCase {
  return {
    name: `${op} / f32 / bad ids`,
    covers: primitive(op, "f32"),
    requires: { arithmetic: ["f32", "i32"] },
    async run(context) {
      const size = sizes[2];
      for (const bad of [-1, size.range, 2 ** 31 - 1, -(2 ** 31)]) {
        const [data, ids] = problem(context, op, "f32", size);
        const spoiled = makeArray("i32", ids.shape, (at) => (at === 3 ? bad : ids.values[at]!));
        for (const wait of ["read", "synchronize"] as const) {
          const view = queue(context, op, data, spoiled, size.range);
          await expectDeviceValueError(context, wait, view, op);
          await expectZerosForBadIds(context, op, view, data, spoiled, size.range);
          await context.backend.synchronize();
        }
        await check(context, op, data, ids, size.range);
      }
    },
  };
}

function queue({ bench }: CaseContext, op: Indexing, data: NdArray, ids: NdArray, range: number): View {
  const shapes: Record<Indexing, number[]> = {
    gather: [ids.shape[0]!, data.shape[1]!],
    takeAlong: [...ids.shape],
    segmentSum: [range, data.shape[1]!],
    putAlong: [data.shape[0]!, range],
  };
  const view = bench.output("f32", shapes[op]);
  bench.run<PrimitiveName>(op, view, [bench.input(data), bench.input(ids)], {});
  return view;
}

async function expectDeviceValueError(
  { backend }: CaseContext,
  wait: "read" | "synchronize",
  view: View,
  op: Indexing,
): Promise<void> {
  const outcome = await (wait === "read" ? backend.read(view.buffer, 0, 4) : backend.synchronize()).then(
    () => "nothing thrown",
    (error: unknown) => error,
  );
  const name = outcome instanceof Error ? outcome.message : String(outcome);
  expectThat(outcome instanceof DeviceValueError, `expected ${wait} to reject with DeviceValueError, got ${name}`);
  expectThat(outcome.operation === op, `expected an error of ${op}, got one of ${outcome.operation}`);
  expectThat(
    outcome.message.startsWith(`[${op}] expected`),
    `expected a message that starts with "[${op}] expected", got "${name}"`,
  );
}

async function expectZerosForBadIds(
  { bench, tolerances }: CaseContext,
  op: Indexing,
  view: View,
  data: NdArray,
  ids: NdArray,
  range: number,
): Promise<void> {
  const got = await bench.read(view);
  if (op === "gather") expectSame(got, gatherOracle(data, ids));
  else if (op === "takeAlong") expectSame(got, takeAlongOracle(data, ids));
  else if (op === "segmentSum") expectSum(got, segmentSumOracle(data, ids, range), tolerances.accumulation);
  else expectSum(got, putAlongOracle(data, ids, range), tolerances.accumulation);
}

/** Infinities and NaN reach the segment that they belong to and no other. */
function specialValuesCase(): ConformanceCase {
  return {
    name: "segmentSum / f32 / infinities and NaN stay in their segment",
    covers: primitive("segmentSum", "f32"),
    requires: { arithmetic: ["f32", "i32"] },
    async run(context) {
      const values = makeArray("f32", [4, 2], (at) => [1, 2, Infinity, 3, Number.NaN, 4, 5, 6][at]!);
      const ids = makeArray("i32", [4], (at) => [2, 0, 1, 2][at]!);
      await check(context, "segmentSum", values, ids, 3);
    },
  };
}

/** 16-bit values must be summed in f32: a running sum in f16 would stand still at 2048. */
function cancellationCase(): ConformanceCase {
  return {
    name: "segmentSum / f16 / sums in f32",
    covers: primitive("segmentSum", "f16"),
    requires: { arithmetic: ["f16", "i32"] },
    async run(context) {
      const values = makeArray("f16", [5000, 1], () => 1);
      const ids = makeArray("i32", [5000], () => 0);
      await check(context, "segmentSum", values, ids, 1);
    },
  };
}
