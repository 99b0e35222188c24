/** Another architecture on the shared parts: it loads, runs each head, learns and is saved, beside ModernBERT and without touching it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { diskFolder } from "@modernbert-ts/safetensors/node";
import { Runtime, valueAndGradients } from "@modernbert-ts/tensor-core";
import { afterAll, expect, it } from "vitest";
import {
  ConfigError,
  drawParameters,
  headNames,
  heads,
  loadModelFolder,
  maskedLmLoss,
  packSequences,
  sequenceClassificationLogits,
  sequenceClassificationLoss,
} from "../src/index.ts";
import type { Encoder, Head } from "../src/index.ts";
import { saveModel } from "../src/node.ts";
import { postNormArchitecture } from "./support/post-norm.ts";

const { kind, create } = postNormArchitecture;
const folder = mkdtempSync(join(tmpdir(), "encoder-"));
afterAll(() => rmSync(folder, { recursive: true }));
const runtime = new Runtime(createTypeScriptBackend());

function fresh(head: Head): Encoder {
  const config = kind.parseConfig({ id2label: { 0: "a", 1: "b" } });
  const specs = kind.parameters(config, head);
  const initial = (name: string) => kind.initial(config, head, name, specs.get(name)!);
  return create({
    runtime,
    config,
    head,
    parameters: drawParameters(runtime, specs, initial, { seed: 3, dtype: "f32" }),
  });
}

const batch = {
  ...packSequences([
    [1, 7, 8, 2],
    [1, 9, 2],
  ]),
  typeIds: Int32Array.of(0, 0, 1, 1, 0, 1, 1),
};
const hiddenOf = async (model: Encoder, pack = batch): Promise<number[]> => Array.from(await model.encode(pack).read());

it("runs packed, with positions and types", async () => {
  const model = fresh("none");
  const both = await hiddenOf(model);
  const second = { ...packSequences([[1, 9, 2]]), typeIds: Int32Array.of(0, 1, 1) };
  for (const [at, value] of (await hiddenOf(model, second)).entries()) expect(both[4 * 8 + at]).toBeCloseTo(value, 6);
  expect(await hiddenOf(model, { ...batch, typeIds: new Int32Array(7) })).not.toEqual(both);
  expect(() => model.encode({ ...batch, typeIds: new Int32Array(3) })).toThrow("a type id for each of 7 tokens");
  expect(() => model.encode(packSequences([new Int32Array(17)]))).toThrow("at most 16");
});

it.each(headNames)("saves and loads with head %s by model_type", async (head) => {
  const model = fresh(head);
  await saveModel(folder, model);
  const { model: loaded, unused } = await loadModelFolder(diskFolder(folder), [postNormArchitecture], { runtime });
  expect([loaded.info.modelType, loaded.head, unused]).toEqual(["post-norm", head, []]);
  expect(await hiddenOf(loaded)).toEqual(await hiddenOf(model));
});

it("is refused by name where nobody knows it", async () => {
  writeFileSync(join(folder, "config.json"), '{"model_type":"t5"}');
  const loading = loadModelFolder(diskFolder(folder), [postNormArchitecture], { runtime });
  await expect(loading).rejects.toThrow(ConfigError);
  await expect(loading).rejects.toThrow('expected model_type to be "post-norm"');
});

it("every parameter of a head and the encoder gets a gradient", () => {
  const losses = {
    "masked-lm": (model: Encoder) =>
      maskedLmLoss(model, model.encode(batch), Int32Array.of(-1, 7, -1, -1, -1, 9, -1)).loss,
    "sequence-classification": (model: Encoder) => {
      const device = model.upload(batch);
      const logits = sequenceClassificationLogits(model, model.forward(device), device);
      return sequenceClassificationLoss(model, logits, Int32Array.of(0, 1)).loss;
    },
  };
  for (const [head, lossOf] of Object.entries(losses)) {
    const model = fresh(head as Head);
    const parameters = [...model.parameters.values()];
    const { gradients } = valueAndGradients(
      runtime,
      parameters,
      () => lossOf(model),
      (loss) => loss,
    );
    expect(gradients.every((gradient) => gradient !== undefined)).toBe(true);
    expect(heads[model.head].classSuffix).toMatch(/^For/);
  }
});

it("a batch on the device is uploaded once, and can be overwritten by one of its sizes", async () => {
  const model = fresh("none");
  let writes = 0;
  const { backend } = runtime;
  const original = backend.write.bind(backend);
  backend.write = (...args) => {
    writes++;
    original(...args);
  };
  try {
    const device = model.upload(batch);
    const uploaded = writes;
    expect(uploaded).toBe(5);
    model.forward(device);
    expect(writes).toBe(uploaded);
    const other = {
      ...packSequences([
        [1, 3, 2],
        [1, 4, 5, 2],
      ]),
      typeIds: new Int32Array(7),
    };
    const again = Array.from(await model.forward(model.overwrite(device, other)).read());
    expect(again).toEqual(await hiddenOf(model, other));
    expect(() => model.overwrite(device, packSequences([[1, 2]]))).toThrow("7 tokens in 2 sequences");
  } finally {
    backend.write = original;
  }
});
