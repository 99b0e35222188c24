/** Values that only the device can see to be wrong: they must be reported by the next `read`, by the reference and by fused kernels. */
import { DeviceValueError, Runtime, linearCrossEntropy, rope, varlenAttention } from "@modernbert-ts/tensor-core";
import type { CompositeName, FusionMode, Tensor } from "@modernbert-ts/tensor-core";
import type { ConformanceCase } from "../case.ts";
import { expectThat } from "../case.ts";
import { given, makeInputs, normal, upload } from "../problem.ts";
import type { Input } from "../problem.ts";

interface BadValue {
  readonly composite: CompositeName;
  readonly name: string;
  readonly inputs: readonly Input[];
  run(...tensors: Tensor[]): Tensor;
  /** The reference has no way to see it. */
  readonly onlyFused?: true;
}

const attention = { scale: 0.125, window: 2, maxSeqlen: 6 };

const badValues: readonly BadValue[] = [
  {
    composite: "linearCrossEntropy",
    name: "a label beyond the classes",
    inputs: [normal(3, 8), normal(5, 8), given("i32", [3], [1, 5, 2])],
    run: (hidden, weight, labels) => linearCrossEntropy(hidden!, weight!, null, labels!).lossSum,
  },
  {
    composite: "rope",
    name: "a position beyond the table",
    inputs: [normal(3, 3, 1, 64), normal(4, 32), normal(4, 32), given("i32", [3], [0, 4, 1])],
    run: (qkv, cos, sin, positions) => rope(qkv!, cos!, sin!, positions!),
  },
  {
    composite: "rope",
    name: "a negative position",
    inputs: [normal(3, 3, 1, 64), normal(4, 32), normal(4, 32), given("i32", [3], [0, -1, 1])],
    run: (qkv, cos, sin, positions) => rope(qkv!, cos!, sin!, positions!),
  },
  {
    composite: "varlenAttention",
    name: "sequences that end beyond the tokens",
    inputs: [normal(6, 3, 1, 64), given("i32", [3], [0, 4, 9])],
    run: (qkv, ends) => varlenAttention(qkv!, ends!, attention),
    onlyFused: true,
  },
  {
    composite: "varlenAttention",
    name: "sequences that go backwards",
    inputs: [normal(6, 3, 1, 64), given("i32", [4], [0, 4, 2, 6])],
    run: (qkv, ends) => varlenAttention(qkv!, ends!, attention),
    onlyFused: true,
  },
];

function badValueCase({ composite, name, inputs, run }: BadValue, fusion: FusionMode): ConformanceCase {
  return {
    name: `composites / ${composite} / ${name} / ${fusion}`,
    requires: { arithmetic: ["f32", "i32"], ...(fusion === "fused" ? { fused: composite } : {}) },
    async run({ backend }) {
      const runtime = new Runtime(backend, { fusion });
      const problem = { name, inputs, run: () => [], seeded: [], wanted: [] };
      const tensors = makeInputs(problem, "f32", name).map((input) => upload(runtime, input!));
      const result = runtime.scope(() => run(...tensors));
      const outcome = await result.read().then(
        () => undefined,
        (error: unknown) => error,
      );
      for (const tensor of [...tensors, result]) tensor.dispose();
      expectThat(
        outcome instanceof DeviceValueError,
        `expected read to reject with DeviceValueError, got ${String(outcome)}`,
      );
      await backend.synchronize();
    },
  };
}

export function badValueCases(): ConformanceCase[] {
  return badValues.flatMap((each) => [
    ...(each.onlyFused ? [] : [badValueCase(each, "reference")]),
    badValueCase(each, "fused"),
  ]);
}
