/** Weights in bf16, in bytes and in half bytes: near the f32 model on every engine, the same from a folder as from memory, and never trained. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { cast, map, Runtime, UnsupportedError, valueAndGradients, x } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  createConfig,
  maskedLmLogits,
  maskedLmLoss,
  ModernBert,
  packSequences,
  unpad,
  withWeights,
} from "../src/index.ts";
import type { PackedBatch } from "../src/index.ts";
import { loadModel, saveModel } from "../src/node.ts";
import { relativeError } from "./support/compare.ts";
import { onEveryEngine } from "./support/engines.ts";
import { fixtureFolder, fixtureModel, readFixture } from "./support/fixture.ts";
import { smallModel, someIds } from "./support/small-model.ts";

async function hiddenOf(model: ModernBert, batch: PackedBatch): Promise<Float32Array> {
  const hidden = model.runtime.scope(() => model.encode(batch));
  const values = Float32Array.from(await hidden.read());
  hidden.dispose();
  return values;
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, at) => sum + value * b[at]!, 0);
}

/** Of all values as one vector. */
function cosine(a: Float32Array, b: Float32Array): number {
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** The model in f32 with its matrices rounded to bf16. */
function rounded({ runtime, config, head, parameters }: ModernBert): ModernBert {
  const round = (tensor: Tensor): Tensor =>
    runtime.scope(() => cast(tensor.rank === 2 ? cast(tensor, "bf16") : map(x(0), [tensor]), "f32"));
  return new ModernBert({
    runtime,
    config,
    head,
    parameters: new Map([...parameters].map(([name, tensor]) => [name, round(tensor)])),
  });
}

const formats = ["bf16", "int8", "int4"] as const;
type Format = (typeof formats)[number];

/** Least cosines to f32: of hidden states, and of logits, whose features are quantised once more. */
const near: Readonly<Record<Format, { readonly hidden: number; readonly logits: number }>> = {
  bf16: { hidden: 0.9999, logits: 0.999 },
  int8: { hidden: 0.999, logits: 0.99 },
  int4: { hidden: 0.9, logits: 0.9 },
};

async function checkWeights(model: ModernBert, format: Format, batch: PackedBatch): Promise<void> {
  const [wanted, same] = [await hiddenOf(model, batch), rounded(model)];
  const lighter = await withWeights(model, format);
  const got = await hiddenOf(lighter, batch);
  if (format === "bf16") expect(relativeError(got, await hiddenOf(same, batch))).toBeLessThan(5e-5);
  else expect(lighter.quantized.size).toBe(4 * model.config.layers.length + (model.head === "none" ? 0 : 1));
  expect(cosine(got, wanted)).toBeGreaterThan(near[format].hidden);
  for (const each of [lighter, same]) each.dispose();
  expect(model.runtime.backend.memory().liveBuffers).toBe(0);
}

onEveryEngine(({ create, dtype, name: engine }) => {
  if (dtype !== "f32") {
    it("weights in fewer bytes", ({ skip }) => skip("they are made from f32"));
    return;
  }
  if (engine.startsWith("WebAssembly")) {
    it("weights in fewer bytes", ({ skip }) =>
      skip("this engine has no fused linear: it runs what the TypeScript engine runs"));
    return;
  }

  for (const format of formats) {
    it.each(readdirSync(fixtureFolder(".")))(`${format} weights are near f32: %s`, async (name) => {
      const fixture = readFixture(name);
      const ids = fixture.ints("input.input_ids");
      const columns = fixture.shape("input.input_ids").at(-1)!;
      const { batch } = unpad(ids, fixture.ints("input.attention_mask"), [ids.length / columns, columns]);
      await checkWeights(fixtureModel(fixture, await create()), format, batch);
    });

    // From primitives each product would widen all of its weights again: minutes.
    if (engine === "native, fused") {
      it(`${format} weights are near f32: the width of base`, async () => {
        const config = createConfig({ num_hidden_layers: 4, vocab_size: 50, pad_token_id: 0 });
        const batch = packSequences([someIds(70), someIds(3, 2), someIds(40, 3)]);
        await checkWeights(smallModel(await create(), "none", config), format, batch);
      });
    }

    it(`${format} weights give masked-LM logits near those of f32`, async () => {
      const runtime = await create();
      const batch = packSequences([someIds(20)]);
      const logitsOf = async (model: ModernBert): Promise<Float32Array> =>
        Float32Array.from(
          await runtime.scope(() => maskedLmLogits(model, model.encode(batch), Int32Array.of(3, 7))).read(),
        );
      const model = smallModel(runtime, "masked-lm");
      const [wanted, same] = [await logitsOf(model), await logitsOf(rounded(model))];
      const got = await logitsOf(await withWeights(model, format));
      if (format === "bf16") expect(relativeError(got, same)).toBeLessThan(5e-5);
      expect(cosine(got, wanted)).toBeGreaterThan(near[format].logits);
    });
  }
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "modernbert-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe("weights in fewer bytes", () => {
  const runtime = new Runtime(createTypeScriptBackend({ poison: true }));
  const batch = packSequences([someIds(9), someIds(4, 5)]);

  it.each(formats)("%s: loaded from a folder they are those made in memory", async (format) => {
    const path = folder();
    const model = smallModel(runtime, "sequence-classification");
    await saveModel(path, model);
    const { model: loaded } = await loadModel(path, { runtime, weights: format });
    const made = await withWeights(model, format);
    expect([...loaded.parameters].map(([name, { dtype }]) => [name, dtype])).toEqual(
      [...made.parameters].map(([name, { dtype }]) => [name, dtype]),
    );
    expect(await hiddenOf(loaded, batch)).toEqual(await hiddenOf(made, batch));
    loaded.dispose();
    made.dispose();
    expect(runtime.backend.memory().liveBuffers).toBe(0);
  });

  it("int8 is refused where gradients are asked for", async () => {
    const model = await withWeights(smallModel(runtime, "masked-lm"), "int8");
    const step = (): unknown =>
      valueAndGradients(
        runtime,
        [...model.parameters.values()],
        () => maskedLmLoss(model, model.encode(batch), new Int32Array(13)),
        ({ loss }) => loss,
      );
    expect(step).toThrow(UnsupportedError);
    expect(step).toThrow(/^\[int8Linear\] it has no gradient: .* train with weights in f32$/);
    model.dispose();
  });

  it("nothing is drawn where weights are narrow", async () => {
    const path = folder();
    await saveModel(path, smallModel(runtime, "masked-lm"));
    const drawn = loadModel(path, {
      runtime,
      head: "token-classification",
      weights: "int8",
      initialiseMissing: { seed: 1 },
    });
    await expect(drawn).rejects.toThrow(/expected weights f32 where classifier/);
  });

  it("a matrix of another shape is refused by name", async () => {
    const { config, head, parameters, quantized } = await withWeights(smallModel(runtime), "int8");
    const wrong = new Map(quantized);
    wrong.set("model.layers.0.attn.Wo.weight", quantized.get("model.layers.0.mlp.Wi.weight")!);
    const make = (): unknown => new ModernBert({ runtime, config, head, parameters, quantized: wrong });
    expect(make).toThrow(/expected model\.layers\.0\.attn\.Wo\.weight of shape \[16, 4\]/);
  });
});
