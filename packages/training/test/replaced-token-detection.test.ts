/** Replaced-token detection: losses and gradients of torch with the same sampled tokens, who shares what, and that it is learned. */
import { readFileSync } from "node:fs";
import { createConfig, initialiseParameters, ModernBert } from "@modernbert-ts/modernbert";
import type { Runtime, Tensor } from "@modernbert-ts/tensor-core";
import { valueAndGradients } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { batchesOf } from "../src/data/packing/batch.ts";
import { evaluate } from "../src/loop/evaluate.ts";
import { readStepMetrics, trainingStep } from "../src/loop/training-step.ts";
import { sample } from "../src/objectives/replaced-token-detection/corrupt.ts";
import { replacedTokenDetectionModel } from "../src/objectives/replaced-token-detection/model.ts";
import { replacedTokenDetectionObjective as objective } from "../src/objectives/replaced-token-detection/objective.ts";
import type { DetectionRow } from "../src/objectives/replaced-token-detection/row.ts";
import { detectionRow } from "../src/objectives/replaced-token-detection/row.ts";
import { defaultValues } from "../src/objectives/settings.ts";
import { StableAdamW } from "../src/optimizer/stable-adamw.ts";
import { memoryStore } from "./data-fixtures.ts";
import { newRuntime } from "./support/runtime.ts";

const vocabSize = 16;
const embedding = "model.embeddings.tok_embeddings.weight";
const generators = ["disentangled", "shared", "separate", "trunk"] as const;

function smallEncoder(runtime: Runtime, layers = 2): ModernBert {
  const config = {
    ...createConfig({
      hidden_size: 32,
      num_attention_heads: 2,
      intermediate_size: 32,
      num_hidden_layers: layers,
      vocab_size: vocabSize,
      pad_token_id: 2,
      initializer_range: 0.1,
    }),
    ...objective.headSettings!(defaultValues(objective.settings), []),
  };
  const parameters = initialiseParameters(runtime, config, objective.head, { seed: 3 });
  return new ModernBert({ runtime, config, head: objective.head, parameters });
}

/** Each document repeats one token: the masked one, and another one, are seen from their neighbours. */
const store = memoryStore(
  Array.from({ length: 60 }, (_, document) => [0, ...Array.from({ length: 12 }, () => 4 + (document % 9)), 1]),
  vocabSize,
);
const data = { store, roles: { cls: 0, sep: 1, pad: 2, mask: 3 } };
const batches = { seed: 4, maxLength: 16, longDocuments: "split", rowLength: 64, rows: 2 } as const;
const valuesOf = (generator: string) => ({ ...defaultValues(objective.settings), generator });

interface Golden {
  readonly row: { readonly ids: number[]; readonly labels: number[]; readonly cuSeqlens: number[] };
  readonly sampled: number[];
  readonly cases: Readonly<Record<string, { readonly sums: number[]; readonly gradients: Record<string, number[]> }>>;
}
const golden = JSON.parse(
  readFileSync(new URL("fixtures/replaced-token-detection.json", import.meta.url), "utf8"),
) as Golden;

function goldenRow(): DetectionRow {
  const { ids, labels, cuSeqlens } = golden.row;
  const maskedPositions = Int32Array.from(labels.flatMap((label, at) => (label >= 0 ? [at] : [])));
  const masked = {
    ids: Int32Array.from(ids),
    labels: Int32Array.from(labels),
    cuSeqlens: Int32Array.from(cuSeqlens),
    maxSeqlen: 8,
    sequences: [{ document: 0, chunk: 0, epoch: 0 }],
    maskedPositions,
    maskedLabels: maskedPositions.map((at) => labels[at]!),
  } as unknown as DetectionRow;
  return detectionRow(masked, new Set([0, 1, 2, 3]));
}

/** The same numbers in both languages, whatever the names: of the sum of a name's character codes. */
function goldenValues(name: string, size: number, gain: boolean): Float32Array {
  const start = [...name].reduce((sum, letter) => sum + letter.codePointAt(0)!, 0);
  return Float32Array.from({ length: size }, (_, at) => Math.sin(start + 0.7 * at) * 0.3 + Number(gain));
}

test.each(generators)(
  "one step of generator %s: losses and gradients of both models are torch's",
  async (generator) => {
    const runtime = newRuntime();
    const given = (): Tensor => runtime.tensor(Int32Array.from(golden.sampled), [golden.sampled.length], "i32");
    const sampled = runtime.keep(given());
    const model = replacedTokenDetectionModel(smallEncoder(runtime), { seed: 1 }, valuesOf(generator), () =>
      runtime.own(sampled.alias()),
    );
    for (const [name, tensor] of model.parameters)
      runtime.write(tensor, goldenValues(name, tensor.size, name.includes("norm")));
    const learned = [...model.parameters].filter(([name]) => !model.frozen?.has(name));
    const device = model.upload(goldenRow());
    const { value, gradients } = valueAndGradients(
      runtime,
      learned.map(([, tensor]) => tensor),
      () => model.forward(device),
      ({ lossSum }) => lossSum,
    );
    const { sums, gradients: wanted } = golden.cases[generator]!;
    for (const [at, sum] of [value.lossSum, ...value.sums].entries())
      expect(await sum.item()).toBeCloseTo(sums[at]!, 2);
    expect(learned.map(([name]) => name).sort()).toEqual(Object.keys(wanted).sort());
    for (const [at, [name]] of learned.entries()) {
      const all = Array.from((await gradients[at]!.read()) as Float32Array);
      const stride = Math.max(1, Math.floor(all.length / 24));
      const own = wanted[name]!.map((_, place) => all[place * stride]!);
      const scale = Math.max(1e-3, ...wanted[name]!.map(Math.abs));
      expect(Math.max(...own.map((each, i) => Math.abs(each - wanted[name]![i]!))) / scale, name).toBeLessThan(2e-3);
    }
  },
);

test("sampled tokens follow the generator's softmax, and a draw names them", async () => {
  const runtime = newRuntime();
  const encoder = smallEncoder(runtime).another({
    runtime,
    config: smallEncoder(runtime).config,
    head: "masked-lm",
    parameters: initialiseParameters(runtime, smallEncoder(runtime).config, "masked-lm", { seed: 3 }),
  });
  const odds = Array.from({ length: vocabSize }, (_, id) => (id < 2 ? Math.log(id + 1) : -30));
  runtime.write(encoder.parameter("decoder.bias"), Float32Array.from(odds));
  runtime.write(encoder.parameter(embedding), new Float32Array(vocabSize * 32));
  const rows = 4000;
  const hidden = runtime.tensor(new Float32Array(32).fill(0.5), [1, 32]);
  const positions = runtime.tensor(new Int32Array(rows), [rows], "i32");
  const draw = (step: number) =>
    sample(encoder, hidden, { positions, labels: positions }, { seed: 1, stream: 2, step });
  const ids = Array.from(await draw(1).read());
  expect(ids.filter((id) => id === 1).length / rows).toBeCloseTo(2 / 3, 1);
  expect(ids.every((id) => id === 0 || id === 1)).toBe(true);
  expect(Array.from(await draw(1).read())).toEqual(ids);
  expect(Array.from(await draw(2).read())).not.toEqual(ids);
});

test("a disentangled embedding is the generator's and a difference, also in what is saved", async () => {
  const runtime = newRuntime();
  const encoder = smallEncoder(runtime);
  const before = Array.from(await encoder.parameters.get(embedding)!.read());
  const model = objective.model(encoder, { seed: 1 }, valuesOf("disentangled"));
  const optimizer = new StableAdamW(model, { maxLearningRate: 0.01 });
  const loader = objective.loader(data, batches, valuesOf("disentangled"));
  await readStepMetrics(trainingStep(model, optimizer, loader.next(0)!, { step: 1, learningRate: 0.01 }));
  expect(Array.from(await model.parameters.get(embedding)!.read())).toEqual(before);
  model.settle!();
  const read = async (name: string): Promise<number[]> => Array.from(await model.parameters.get(name)!.read());
  const [own, difference] = [await read(`generator.${embedding}`), await read("generator.embedding_difference")];
  expect(difference.some((each) => each !== 0)).toBe(true);
  expect(await read(embedding)).toEqual(own.map((each, at) => Math.fround(each + difference[at]!)));
});

test("a small ModernBERT and its generator learn together", async () => {
  const values = { ...valuesOf("disentangled"), generator_layers: 1 };
  const model = objective.model(smallEncoder(newRuntime(), 1), { seed: 3 }, values);
  const optimizer = new StableAdamW(model, { maxLearningRate: 0.02 });
  const heldOut = [...batchesOf(objective.loader(data, { ...batches, seed: 9, epochs: 1 }, values))].slice(0, 2);
  const start = await evaluate(model, heldOut);
  const loader = objective.loader(data, batches, values);
  for (let step = 1; step <= 15; step++)
    await readStepMetrics(trainingStep(model, optimizer, loader.next(0)!, { step, learningRate: 0.02 }));
  const end = await evaluate(model, heldOut);
  expect(end.metrics["generatorLoss"]).toBeLessThan(0.9 * start.metrics["generatorLoss"]!);
  expect(end.metrics["detectionLoss"]).toBeLessThan(0.8 * start.metrics["detectionLoss"]!);
  expect(end.loss).toBeCloseTo(end.metrics["generatorLoss"]! + 50 * end.metrics["detectionLoss"]!, 3);
  expect((await evaluate(model, heldOut)).loss).toBe(end.loss);
});

test("data without a mask token are refused", () => {
  const roles = { ...data.roles, mask: undefined };
  expect(() => objective.loader({ store, roles }, batches, valuesOf("trunk"))).toThrow(
    "[replaced_token_detection] expected a tokenizer with a mask token, got one without",
  );
});
