/** Broken engines that the conformance suite must catch: a suite that passes everything would prove nothing. */
import { conformanceCases, openSession, runCase } from "@modernbert-ts/conformance";
import type { Backend, PrimitiveAttrs, PrimitiveName, View } from "@modernbert-ts/tensor-core";
import { denseStrides } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { createTypeScriptBackend } from "../src/engines/typescript/index.ts";

type Run = (op: PrimitiveName, outputs: readonly View[], inputs: readonly View[], attrs: object) => void;

/** An engine whose `run` goes through `change` first. */
function withRun(change: (run: Run) => Run): () => Backend {
  return () => {
    const backend = createTypeScriptBackend();
    const original: Run = (op, outputs, inputs, attrs) => {
      backend.run(op, outputs, inputs, attrs as PrimitiveAttrs[typeof op]);
    };
    return { ...backend, run: change(original) as Backend["run"] };
  };
}

/** Replaces the call of one primitive. */
function only(
  op: PrimitiveName,
  replacement: (run: Run, outputs: readonly View[], inputs: readonly View[], attrs: object) => void,
): () => Backend {
  return withRun((run) => (name, outputs, inputs, attrs) => {
    if (name === op) replacement(run, outputs, inputs, attrs);
    else run(name, outputs, inputs, attrs);
  });
}

function withBackend(change: (backend: Backend) => Partial<Backend>): () => Backend {
  return () => {
    const backend = createTypeScriptBackend();
    return { ...backend, ...change(backend) };
  };
}

const shorter = (view: View, axis: number): View => ({
  ...view,
  shape: view.shape.map((extent, i) => (i === axis && extent > 1 ? extent - 1 : extent)),
});

const mutants: readonly [name: string, cases: RegExp, create: () => Backend][] = [
  [
    "matmul overwrites instead of accumulating",
    /^matmul/,
    only("matmul", (run, o, i, attrs) => run("matmul", o, i, { ...attrs, accumulate: false })),
  ],
  [
    "matmul forgets alpha",
    /^matmul/,
    only("matmul", (run, o, i, attrs) => run("matmul", o, i, { ...attrs, alpha: 1 })),
  ],
  [
    "matmul forgets the last step of K",
    /^matmul/,
    only("matmul", (run, o, [a, b], attrs) =>
      run("matmul", o, [shorter(a!, a!.shape.length - 1), shorter(b!, b!.shape.length - 2)], attrs),
    ),
  ],
  [
    "matmul leaves the last row out",
    /^matmul/,
    only("matmul", (run, [o], [a, b], attrs) =>
      run("matmul", [shorter(o!, o!.shape.length - 2)], [shorter(a!, a!.shape.length - 2), b!], attrs),
    ),
  ],
  [
    "map takes every input for dense",
    /^map/,
    only("map", (run, o, inputs, attrs) =>
      run(
        "map",
        o,
        inputs.map((view) => ({ ...view, strides: denseStrides(view.shape) })),
        attrs,
      ),
    ),
  ],
  [
    "reduce leaves out the last element",
    /^reduce/,
    only("reduce", (run, o, [x], attrs) =>
      run("reduce", o, [shorter(x!, (attrs as PrimitiveAttrs["reduce"]).axes[0] ?? -1)], attrs),
    ),
  ],
  [
    "copy forgets the offset of its source",
    /^copy/,
    only("copy", (run, o, [x], attrs) => run("copy", o, [{ ...x!, offset: 0 }], attrs)),
  ],
  [
    "fill writes one element too many",
    /^fill/,
    only("fill", (run, [o], i, attrs) =>
      run("fill", [{ ...o!, shape: o!.shape.map((extent, axis) => extent + Number(axis === 0)) }], i, attrs),
    ),
  ],
  [
    "iota counts from the wrong start",
    /^iota/,
    only("iota", (run, o, i, attrs) => run("iota", o, i, { ...attrs, start: 0 })),
  ],
  [
    "randomBits swaps its counter words",
    /^randomBits/,
    only("randomBits", (run, o, i, attrs) => {
      const { key, counter } = attrs as PrimitiveAttrs["randomBits"];
      run("randomBits", o, i, { key, counter: [counter[1], counter[0]] });
    }),
  ],
  [
    "gather shifts ids",
    /^gather/,
    only("gather", (run, o, [table, ids], attrs) =>
      run("gather", o, [{ ...table!, offset: table!.offset + Number(table!.shape[0]! > 1) }, ids!], attrs),
    ),
  ],
  [
    "bad ids go unnoticed",
    /bad ids/,
    withBackend((backend) => ({ synchronize: () => backend.synchronize().catch(() => undefined) })),
  ],
  [
    "an error is reported for ever",
    /^commands/,
    withBackend((backend) => {
      let first: unknown;
      const failing = async <T>(promise: Promise<T>): Promise<T> => {
        const value = await promise.catch((error: unknown) => {
          first ??= error;
        });
        if (first) throw first;
        return value as T;
      };
      return { synchronize: () => failing(backend.synchronize()) };
    }),
  ],
  ["release forgets", /^memory/, withBackend(() => ({ release: () => undefined }))],
  [
    "writes keep a reference to the source",
    /^transfers/,
    withBackend((backend) => {
      const late: (() => void)[] = [];
      return {
        write: (...args) => void late.push(() => backend.write(...args)),
        read: (...args) => {
          for (const each of late.splice(0)) each();
          return backend.read(...args);
        },
      };
    }),
  ],
  [
    "results differ from run to run",
    /^determinism/,
    only("matmul", (run, o, i, attrs) => run("matmul", o, i, { ...attrs, alpha: 1 + Math.random() * 1e-6 })),
  ],
  ["the pool never reuses", /^memory/, () => createTypeScriptBackend({ maxCachedBytes: 0 })],
];

/** Broken fused kernels. */
const fusedMutants: typeof mutants = [
  [
    "fused attention forgets its window",
    /^composites . varlenAttention/,
    withBackend(({ fused }) => {
      const kernel = fused.varlenAttention!;
      const forward: typeof kernel.forward = (call) =>
        kernel.forward({ ...call, attrs: { ...call.attrs, window: null } });
      return { fused: { varlenAttention: { ...kernel, forward } } };
    }),
  ],
  [
    "fused attention leaves its gradient unwritten",
    /^composites . varlenAttention/,
    () => {
      const backend = createTypeScriptBackend({ poison: true });
      return {
        ...backend,
        fused: { varlenAttention: { ...backend.fused.varlenAttention!, backward: () => undefined } },
      };
    },
  ],
  [
    "fused attention refuses, and would fall back",
    /^composites . varlenAttention/,
    withBackend(({ fused }) => {
      return { fused: { varlenAttention: { ...fused.varlenAttention!, supports: () => ({ reason: "not today" }) } } };
    }),
  ],
  [
    "fused cross-entropy forgets the incoming gradient",
    /^composites . linearCrossEntropy/,
    withBackend(({ fused }) => {
      const kernel = fused.linearCrossEntropy!;
      const backward = kernel.backward as Exclude<typeof kernel.backward, string>;
      return {
        fused: {
          linearCrossEntropy: {
            ...kernel,
            backward: (call) => backward({ ...call, gradOutputs: [call.saved[0]!, null] }),
          },
        },
      };
    }),
  ],
];

test.each([...mutants, ...fusedMutants])("%s", async (_, pattern, create) => {
  await using session = await openSession({ name: "mutant", create: async () => create() });
  for (const each of conformanceCases().filter(({ name }) => pattern.test(name))) {
    const { outcome } = await runCase(each, session);
    if (outcome.status === "failed") return;
  }
  expect.fail("expected at least one case to fail");
});
