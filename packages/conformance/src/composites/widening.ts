/**
 * Composites over 16-bit numbers whose kernel wants f32: run fused between casts they give the kernel's own results, rounded, and
 * memory does not grow with the square of the sequence.
 */
import { Runtime, cast, varlenAttention } from "@modernbert-ts/tensor-core";
import type { Backend, CompositeName, Tensor } from "@modernbert-ts/tensor-core";
import { expectThat } from "../case.ts";
import type { CaseContext, ConformanceCase } from "../case.ts";
import { download, makeInputs, upload } from "../problem.ts";
import type { NdArray } from "../nd-array.ts";
import { compositeProblems } from "./problem-list.ts";
import type { CompositeProblem } from "./problems.ts";

/** One problem of each composite that is tried in 16 bits. */
function problems(): CompositeProblem[] {
  const first = new Map<CompositeName, CompositeProblem>();
  for (const problem of compositeProblems())
    if (problem.halves && !first.has(problem.composite)) first.set(problem.composite, problem);
  return [...first.values()];
}

/** The first output on the given inputs; `wide`: with floats cast to f32 before and back after. */
async function output(
  runtime: Runtime,
  problem: CompositeProblem,
  inputs: readonly (NdArray | null)[],
  wide: boolean,
): Promise<NdArray> {
  const result = runtime.scope((): Tensor => {
    const given = inputs.map((input) => {
      if (input === null) return null;
      const tensor = upload(runtime, input);
      return wide && input.dtype === "bf16" ? cast(tensor, "f32") : tensor;
    });
    const [first] = problem.run(given);
    return wide && problem.composite !== "linearCrossEntropy" ? cast(first!, "bf16") : first!;
  });
  try {
    return await download(result);
  } finally {
    result.dispose();
  }
}

const wasWidened = (runtime: Runtime, composite: CompositeName): boolean =>
  runtime.fusedReport().some((record) => record.composite === composite && record.widenedTo === "f32");

async function checkRounding({ backend, skip }: CaseContext, problem: CompositeProblem): Promise<void> {
  const inputs = makeInputs(problem, "bf16", problem.name);
  const runtime = new Runtime(backend);
  const got = await output(runtime, problem, inputs, false);
  if (!wasWidened(runtime, problem.composite)) skip("its kernel takes bf16 as it is");
  const want = await output(runtime, problem, inputs, true);
  const wrong = got.values.findIndex((value, at) => value !== want.values[at]);
  expectThat(wrong < 0, `expected ${want.values[wrong]} at ${wrong}, got ${got.values[wrong]}`);
}

const [heads, width] = [2, 16];

/** The most bytes that attention over one sequence in bf16 needs beside its input. */
async function peakOfAttention(create: () => Promise<Backend>, tokens: number): Promise<number> {
  const backend = await create();
  try {
    const runtime = new Runtime(backend);
    const qkv = runtime.tensor(
      new Uint16Array(tokens * 3 * heads * width).fill(0x3e00),
      [tokens, 3, heads, width],
      "bf16",
    );
    const ends = runtime.tensor([0, tokens], [2], "i32");
    const before = backend.memory().activeBytes;
    varlenAttention(qkv, ends, { scale: 0.25, window: null, maxSeqlen: tokens }).dispose();
    await backend.synchronize();
    return backend.memory().peakBytes - before;
  } finally {
    await backend[Symbol.asyncDispose]();
  }
}

export function wideningCases(): ConformanceCase[] {
  return [
    ...problems().map((problem): ConformanceCase => ({
      name: `composites / ${problem.composite} / bf16 through f32 is the f32 result rounded`,
      requires: { arithmetic: ["f32", "bf16", "i32"], deterministic: true, fused: problem.composite },
      run: (context) => checkRounding(context, problem),
    })),
    {
      name: "composites / varlenAttention / memory in bf16 grows with the length, not with its square",
      requires: { arithmetic: ["f32", "bf16", "i32"], fused: "varlenAttention" },
      async run({ create }) {
        const [short, long] = [await peakOfAttention(create, 256), await peakOfAttention(create, 1024)];
        expectThat(
          long <= 5 * short,
          `expected at most 5 times the ${short} bytes of 256 tokens for 1024, got ${long}`,
        );
        const qkvBytes = 1024 * 3 * heads * width * 4;
        expectThat(long <= 4 * qkvBytes, `expected at most ${4 * qkvBytes} bytes for 1024 tokens, got ${long}`);
      },
    },
  ];
}
