/** Every product of a training step is one that cuBLASLt takes: none goes to the plain kernel. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bfloat16Precision, float32Precision, Runtime } from "@modernbert-ts/tensor-core";
import type { Backend, CompositeName, View } from "@modernbert-ts/tensor-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createConfig, initialiseParameters, ModernBert } from "../../modernbert/src/index.ts";
import { uploadStep } from "../../training/src/loop/device-step.ts";
import { queueStep } from "../../training/src/loop/training-step.ts";
import { maskedLmObjective } from "../../training/src/objectives/masked-lm/objective.ts";
import { StableAdamW } from "../../training/src/optimizer/stable-adamw.ts";
import { createRecordingBackend } from "../../training/test/support/recording-backend.ts";
import { missing } from "./library.ts";

const native = fileURLToPath(new URL("../src/native", import.meta.url));
const kit = join(dirname(createRequire(import.meta.url).resolve("@modernbert-ts/device-kit/package.json")), "native");
const folder = mkdtempSync(join(tmpdir(), "modernbert-gemm-"));
const program = join(folder, "gemm");
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(() => {
  if (missing) return;
  const sources = [fileURLToPath(new URL("support/gemm.cpp", import.meta.url)), join(native, "products/gemm.cpp")];
  const flags = ["-x", "c++", "-std=c++17", "-I", native, "-I", kit, ...sources, "-o", program];
  expect(spawnSync(process.env["CXX"] ?? "g++", flags, { encoding: "utf8" }).stderr).toBe("");
}, 120_000);

/** For each product whether cuBLASLt takes it. */
function taken(products: readonly string[]): boolean[] {
  const { stdout } = spawnSync(program, { input: products.join("\n"), encoding: "utf8" });
  return stdout
    .trim()
    .split("\n")
    .map((answer) => answer === "1");
}

function describeView({ dtype, offset, shape, strides }: View): string {
  return view({ f32: 0, f16: 1, bf16: 2 }[dtype as "f32"], offset, shape, strides);
}

/** An odd number of tokens, in texts of odd lengths. */
const [texts, length] = [5, 101];

/** The products of a step of the base model. */
function productsOfStep(precision: typeof bfloat16Precision): string[] {
  const products: string[] = [];
  const recording = createRecordingBackend().backend;
  const backend: Backend = {
    ...recording,
    // Products are made by the primitive, in whatever they are.
    fused: new Proxy(recording.fused, {
      get(fused, name: CompositeName) {
        return ["linear", "mlp", "linearCrossEntropy"].includes(name) ? undefined : fused[name];
      },
    } as ProxyHandler<typeof recording.fused>),
    run(op, outputs, inputs, attrs) {
      if (op === "matmul") products.push([...outputs, ...inputs].map(describeView).join(" "));
      recording.run(op, outputs, inputs, attrs);
    },
  };
  const runtime = new Runtime(backend);
  const config = createConfig({});
  const parameters = initialiseParameters(runtime, config, "masked-lm", { seed: 1 });
  const bert = new ModernBert({ runtime, config, head: "masked-lm", parameters, precision });
  const model = maskedLmObjective.model(bert, { seed: 1 });
  const optimizer = new StableAdamW(model, { maxLearningRate: 1e-3 });
  const tokens = texts * length;
  const maskedPositions = Int32Array.from({ length: 151 }, (_, at) => 3 * at);
  const row = {
    ids: new Int32Array(tokens).fill(9),
    cuSeqlens: Int32Array.from({ length: texts + 1 }, (_, at) => at * length),
    maxSeqlen: length,
    sequences: Array.from({ length: texts }, (_, document) => ({ document, chunk: 0, epoch: 0, length })),
    labels: new Int32Array(tokens),
    maskedPositions,
    maskedLabels: maskedPositions.map(() => 9),
  };
  const batch = { rows: [row], sequences: texts, tokens, weight: maskedPositions.length, packingEfficiency: 1 };
  runtime.scope(() => {
    queueStep(model, optimizer, uploadStep(model, optimizer, batch, { step: 1, learningRate: 1e-3 }));
  });
  return products;
}

test.for([
  ["bf16", bfloat16Precision],
  ["f32", float32Precision],
] as const)("in %s", ([, precision], { skip }) => {
  if (missing) skip(missing);
  const products = productsOfStep(precision);
  // Four to a layer, two of the head, each with both gradients.
  expect(products.length).toBeGreaterThanOrEqual((4 * 22 + 2) * 3);
  const refused = products.filter((_, at) => !taken(products)[at]);
  expect(refused).toEqual([]);
});

function view(dtype: number, offset: number, shape: readonly number[], strides: readonly number[]): string {
  return [dtype, offset, shape.length, ...shape, ...strides].join(" ");
}

test("the rules see what cuBLASLt does not take", ({ skip }) => {
  if (missing) skip(missing);
  const [a, b] = [view(2, 0, [16, 32], [32, 1]), view(2, 0, [32, 8], [8, 1])];
  const out = view(2, 0, [16, 8], [8, 1]);
  const cases: readonly (readonly [string, boolean])[] = [
    [`${out} ${a} ${b}`, true],
    [`${view(0, 4, [16, 8], [12, 1])} ${a} ${b}`, true],
    [`${view(0, 0, [16, 8], [1, 16])} ${a} ${b}`, true],
    [`${out} ${view(2, 8, [16, 32], [40, 1])} ${view(2, 0, [32, 8], [1, 32])}`, true],
    // An address, a distance, a distance of another dtype; two strides; one dtype and another; a narrower result; whole numbers.
    [`${out} ${view(2, 4, [16, 32], [32, 1])} ${b}`, false],
    [`${out} ${view(2, 0, [16, 32], [36, 1])} ${b}`, false],
    [`${view(0, 0, [16, 8], [10, 1])} ${a} ${b}`, false],
    [`${out} ${view(2, 0, [16, 32], [64, 2])} ${b}`, false],
    [`${out} ${view(1, 0, [16, 32], [32, 1])} ${b}`, false],
    [`${view(1, 0, [16, 8], [8, 1])} ${a} ${b}`, false],
    [`${view(4, 0, [16, 8], [8, 1])} ${view(4, 0, [16, 32], [32, 1])} ${view(4, 0, [32, 8], [8, 1])}`, false],
    // Nothing to add up; one row, which lies anyhow; rows that are one row.
    [`${out} ${view(2, 0, [16, 0], [0, 1])} ${view(2, 0, [0, 8], [8, 1])}`, false],
    [`${view(2, 0, [1, 8], [3, 1])} ${view(2, 0, [1, 32], [5, 1])} ${b}`, true],
    [`${out} ${view(2, 0, [16, 32], [0, 1])} ${b}`, false],
  ];
  expect(taken(cases.map(([product]) => product))).toEqual(cases.map(([, answer]) => answer));
});
