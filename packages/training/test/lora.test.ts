/** LoRA beside PEFT (fixtures/lora): first values, answers, every gradient, steps of AdamW. */
import { readFileSync } from "node:fs";
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { loadModel } from "@modernbert-ts/modernbert/node";
import { readSafetensors } from "@modernbert-ts/safetensors";
import { bfloat16Precision, float32Precision, float64Precision, Runtime } from "@modernbert-ts/tensor-core";
import type { Precision, Tensor } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { missing } from "../../backend-cpu/test/native.ts";
import { relativeError } from "../../modernbert/test/support/compare.ts";
import type { ExampleRow } from "../src/data/examples/example-row.ts";
import { addRow } from "../src/loop/row-gradients.ts";
import { StepGradients } from "../src/loop/step-gradients.ts";
import { readStepMetrics, trainingStep } from "../src/loop/training-step.ts";
import { addLora } from "../src/lora/lora.ts";
import type { Lora, LoraOptions } from "../src/lora/lora.ts";
import { sequenceClassificationObjective } from "../src/objectives/sequence-classification/objective.ts";
import type { TrainableModel } from "../src/objectives/objective.ts";
import { AdamW } from "../src/optimizer/adamw.ts";
import { fixtures, golden, goldenRow } from "./support/lora-golden.ts";

const training = JSON.parse(readFileSync(`${fixtures}/training.json`, "utf8")) as {
  readonly steps: number;
  readonly learning_rate: number;
  readonly betas: [number, number];
  readonly eps: number;
  readonly weight_decay: number;
};
const options: LoraOptions = { rank: 4, alpha: 6, rslora: false, targets: ["Wqkv", "Wo", "Wi"], seed: 3 };

interface Adapted {
  readonly model: TrainableModel<ExampleRow>;
  readonly lora: Lora;
  dispose(): void;
}

async function adapted(runtime: Runtime, precision: Precision, changes: Partial<LoraOptions> = {}): Promise<Adapted> {
  const { model: encoder } = await loadModel(`${fixtures}/base`, { runtime, precision });
  const lora = addLora(encoder, { ...options, ...changes });
  const model = lora.of(sequenceClassificationObjective.model(encoder, { seed: 1 }));
  const dispose = (): void => {
    lora[Symbol.dispose]();
    encoder.dispose();
  };
  return { model, lora, dispose };
}

/** Values of the fixture in the place of the model's. */
function write({ runtime, parameters }: TrainableModel<ExampleRow>, valuesOf: (name: string) => Float32Array): void {
  for (const [name, tensor] of parameters)
    runtime.write(tensor, tensor.dtype === "f64" ? Float64Array.from(valuesOf(name)) : valuesOf(name));
}

async function errorOf(tensor: Tensor, key: string): Promise<number> {
  return relativeError(Float32Array.from((await tensor.read()) as ArrayLike<number>), golden.toFloat32(key));
}

async function logitsOf(model: TrainableModel<ExampleRow>): Promise<Tensor> {
  const { runtime } = model;
  return runtime.scope(() => model.forward(model.upload(goldenRow())).predictions!);
}

test.for([
  ["native", "f32", float32Precision, 2e-5],
  ["typescript", "f64", float64Precision, 1e-6],
] as const)(
  "%s engine, %s: begins as the base, answers and learns as PEFT",
  async ([engine, , precision, limit], { skip }) => {
    if (engine === "native" && missing) skip(missing);
    await using backend = await createCpuBackend({ engine, threads: 1 });
    const runtime = new Runtime(backend);
    const { model, lora, dispose } = await adapted(runtime, precision);
    expect(lora.modules).toHaveLength(8);
    const before = await logitsOf(model);
    expect(await errorOf(before, "base.logits")).toBeLessThan(limit);
    before.dispose();

    const saved = readSafetensors(readFileSync(`${fixtures}/plain/adapter_model.safetensors`));
    write(model, (name) => saved.toFloat32(`base_model.model.${name}`));
    const after = await logitsOf(model);
    expect(await errorOf(after, "plain.logits")).toBeLessThan(limit);
    after.dispose();
    const gradients = new StepGradients(model);
    runtime.scope(() => {
      const weight = runtime.tensor([1 / 6], [1], precision.reduce);
      addRow(model, model.upload(goldenRow()), weight, gradients);
    });
    expect(gradients.sums).toHaveLength(20);
    for (const [at, name] of [...model.parameters.keys()].entries()) {
      const error = await errorOf(gradients.sums[at]!, `plain.grad.base_model.model.${name}`);
      expect.soft(error, name).toBeLessThan(10 * limit);
    }
    gradients.dispose();

    write(model, (name) => golden.toFloat32(`start.base_model.model.${name}`));
    const { betas, eps, weight_decay: weightDecay, learning_rate: learningRate } = training;
    const optimizer = new AdamW(model, { betas, eps, weightDecay });
    const losses: number[] = [];
    for (let step = 1; step <= training.steps; step++) {
      const batch = { rows: [goldenRow()], weight: 6, tokens: 66, sequences: 6, packingEfficiency: 1 };
      losses.push((await readStepMetrics(trainingStep(model, optimizer, batch, { step, learningRate }))).loss);
    }
    const wanted = golden.toFloat32("losses");
    for (const [at, loss] of losses.entries()) expect(loss).toBeCloseTo(wanted[at]!, 4);
    for (const [name, tensor] of model.parameters)
      expect.soft(await errorOf(tensor, `end.base_model.model.${name}`), name).toBeLessThan(200 * limit);
    optimizer.dispose();
    dispose();
    expect(backend.memory().liveBuffers).toBe(0);
  },
);

test("in bf16 the adapter stays in f32, and the base keeps its copies", async ({ skip }) => {
  if (missing) skip(missing);
  await using backend = await createCpuBackend({ engine: "native", threads: 1 });
  const { model, dispose } = await adapted(new Runtime(backend), bfloat16Precision);
  expect([...model.copies.keys()]).toEqual(["head.dense.weight", "classifier.weight"]);
  const saved = readSafetensors(readFileSync(`${fixtures}/plain/adapter_model.safetensors`));
  write(model, (name) => saved.toFloat32(`base_model.model.${name}`));
  const logits = await logitsOf(model);
  expect(await errorOf(logits, "base.logits")).toBeGreaterThan(0.1);
  logits.dispose();
  dispose();
});

test("targets that name nothing, and a rank that is not narrow, are refused by name", async () => {
  await using backend = await createCpuBackend({ engine: "typescript" });
  const runtime = new Runtime(backend);
  const { model, dispose } = await adapted(runtime, float32Precision, { targets: ["layers.1.mlp.Wi"] });
  expect([...model.parameters.keys()].filter((name) => name.includes("lora"))).toEqual([
    "model.layers.1.mlp.Wi.lora_A.weight",
    "model.layers.1.mlp.Wi.lora_B.weight",
  ]);
  dispose();
  await expect(adapted(runtime, float32Precision, { targets: ["query"] })).rejects.toThrow(
    /targets that are parts of names of linear layers \(Wqkv, Wo, Wi\), got "query", which none has/,
  );
  await expect(adapted(runtime, float32Precision, { rank: 25 })).rejects.toThrow("a rank of at most 24");
});
