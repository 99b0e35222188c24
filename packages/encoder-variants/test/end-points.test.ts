/** With its switches as ModernBERT has them a variant computes ModernBERT, as BERT has them BERT: logits, loss and every gradient. */
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { Bert, bertArchitecture, createConfig as bertConfig } from "@modernbert-ts/bert";
import { drawParameters, maskedLmLoss, packSequences } from "@modernbert-ts/encoder";
import type { Encoder } from "@modernbert-ts/encoder";
import { createConfig, ModernBert, modernbertKind } from "@modernbert-ts/modernbert";
import { Runtime, valueAndGradients } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { afterAll, describe, expect, test } from "vitest";
import { EncoderVariant, parseVariant, variantKind } from "../src/index.ts";

const backend = await createCpuBackend();
const runtime = new Runtime(backend, { fusion: "fused" });
afterAll(() => backend[Symbol.asyncDispose]());

const head = "masked-lm";
const sizes = {
  vocab_size: 40,
  hidden_size: 16,
  num_hidden_layers: 4,
  num_attention_heads: 2,
  max_position_embeddings: 24,
  pad_token_id: 0,
};
const batch = packSequences([
  Int32Array.from({ length: 20 }, (_, at) => 1 + ((7 * at) % 39)),
  Int32Array.of(3),
  Int32Array.from({ length: 9 }, (_, at) => 1 + ((5 * at) % 39)),
]);
const labels = Int32Array.from(batch.ids, (id, at) => (at % 3 === 0 ? id : -100));

type Values = ReadonlyMap<string, Float32Array>;

async function read(tensor: Tensor): Promise<Float32Array> {
  return (await tensor.read()) as Float32Array;
}

/** The loss, and the gradients by name. */
async function learn(model: Encoder, values: Values): Promise<{ loss: number; gradients: Values }> {
  const names = [...model.parameters.keys()];
  for (const name of names) runtime.write(model.parameters.get(name)!, values.get(name)!);
  const { value, gradients } = runtime.scope(() => {
    const device = model.upload(batch);
    return valueAndGradients(
      runtime,
      names.map((name) => model.parameters.get(name)!),
      () => maskedLmLoss(model, model.forward(device), labels).loss,
    );
  });
  const found = new Map<string, Float32Array>();
  for (const [at, name] of names.entries()) found.set(name, await read(gradients[at]!));
  return { loss: (await read(value))[0]!, gradients: found };
}

function drawn(specs: ReturnType<typeof variantKind.parameters>, on: Runtime = runtime): Map<string, Tensor> {
  return drawParameters(on, specs, () => ({ kind: "truncated-normal", std: 0.3, cutoff: 2 }), {
    seed: 3,
    dtype: "f32",
  });
}

async function valuesOf(model: Encoder): Promise<Map<string, Float32Array>> {
  const values = new Map<string, Float32Array>();
  for (const [name, tensor] of model.parameters) values.set(name, (await tensor.read()) as Float32Array);
  return values;
}

describe("a variant with the choices of", () => {
  test("ModernBERT gives its bits", async () => {
    const json = { ...sizes, intermediate_size: 24, local_attention: 8 };
    const config = createConfig(json);
    const modern = new ModernBert({
      runtime,
      config,
      head,
      parameters: drawn(modernbertKind.parameters(config, head)),
    });
    const own = parseVariant({ ...json, model_type: "encoder_variant" });
    const variant = new EncoderVariant({
      runtime,
      config: own,
      head,
      parameters: drawn(variantKind.parameters(own, head)),
    });
    const values = await valuesOf(modern);
    expect(await learn(variant, values)).toEqual(await learn(modern, values));
  });

  test("BERT gives its numbers", async () => {
    const config = bertConfig({ ...sizes, intermediate_size: 36, hidden_act: "gelu", layer_norm_eps: 1e-5 });
    const bert = new Bert({ runtime, config, head, parameters: drawn(bertArchitecture.kind.parameters(config, head)) });
    const own = parseVariant({
      ...sizes,
      model_type: "encoder_variant",
      intermediate_size: 36,
      positions: "learned",
      norm_placement: "post",
      gated: false,
      norm_bias: true,
      attention_bias: true,
      mlp_bias: true,
      classifier_bias: true,
      global_attn_every_n_layers: 1,
    });
    const variant = new EncoderVariant({
      runtime,
      config: own,
      head,
      parameters: drawn(variantKind.parameters(own, head)),
    });
    const values = await valuesOf(bert);
    const theirs = await learn(bert, values);
    const ours = await learn(variant, fromBert(values));
    expect(ours.loss).toBeCloseTo(theirs.loss, 5);
    const expected = fromBert(theirs.gradients, false);
    expect([...ours.gradients.keys()].toSorted()).toEqual([...expected.keys()].toSorted());
    for (const [name, gradient] of ours.gradients) {
      const wanted = expected.get(name)!;
      const largest = Math.max(...wanted.map(Math.abs));
      const worst = Math.max(...gradient.map((value, at) => Math.abs(value - wanted[at]!)));
      expect(worst, name).toBeLessThan(1e-5 * largest + 1e-6);
    }
  });
});

const variantOf = (fields: object, on: Runtime = runtime): EncoderVariant => {
  const config = parseVariant({ ...sizes, model_type: "encoder_variant", intermediate_size: 24, ...fields });
  return new EncoderVariant({
    runtime: on,
    config,
    head,
    parameters: drawn(variantKind.parameters(config, head), on),
  });
};

/** What a forward pass takes beside the parameters, in bytes. */
async function forwardPeak(fields: object): Promise<number> {
  await using own = await createCpuBackend();
  const model = variantOf(fields, new Runtime(own));
  const { activeBytes } = own.memory();
  model.encode(batch);
  return own.memory().peakBytes - activeBytes;
}

describe.each(["pre", "post"])("with norms %s", (norm_placement) => {
  test("checkpointing changes no bit", async () => {
    const model = variantOf({ norm_placement });
    const values = await valuesOf(model);
    const whole = await learn(model, values);
    model.checkpointGradients();
    expect(await learn(model, values)).toEqual(whole);
  });

  test("a layer's intermediates end with it: more layers take no more memory", async () => {
    const [few, many] = [2, 8].map((num_hidden_layers) => forwardPeak({ norm_placement, num_hidden_layers }));
    expect(await many).toBe(await few);
  });
});

/** A variant's tensors from BERT's: q, k and v are one matrix, and the vector of token type 0 is part of each position's. */
function fromBert(bert: Values, withTypes: boolean = true): Map<string, Float32Array> {
  const of = (name: string): Float32Array => bert.get(name)!;
  const made = new Map<string, Float32Array>();
  const both = (to: string, from: string): void => {
    for (const part of ["weight", "bias"]) made.set(`${to}.${part}`, of(`${from}.${part}`));
  };
  made.set("model.embeddings.tok_embeddings.weight", of("bert.embeddings.word_embeddings.weight"));
  const type = of("bert.embeddings.token_type_embeddings.weight").subarray(0, sizes.hidden_size);
  const places = of("bert.embeddings.position_embeddings.weight");
  made.set(
    "model.embeddings.position_embeddings.weight",
    places.map((value, at) => value + (withTypes ? type[at % sizes.hidden_size]! : 0)),
  );
  both("model.embeddings.norm", "bert.embeddings.LayerNorm");
  for (let layer = 0; layer < sizes.num_hidden_layers; layer++) {
    const [to, from] = [`model.layers.${layer}`, `bert.encoder.layer.${layer}`];
    for (const part of ["weight", "bias"])
      made.set(
        `${to}.attn.Wqkv.${part}`,
        Float32Array.from(
          ["query", "key", "value"].flatMap((name) => [...of(`${from}.attention.self.${name}.${part}`)]),
        ),
      );
    both(`${to}.attn.Wo`, `${from}.attention.output.dense`);
    both(`${to}.attn_norm`, `${from}.attention.output.LayerNorm`);
    both(`${to}.mlp.Wi`, `${from}.intermediate.dense`);
    both(`${to}.mlp.Wo`, `${from}.output.dense`);
    both(`${to}.mlp_norm`, `${from}.output.LayerNorm`);
  }
  both("head.dense", "cls.predictions.transform.dense");
  both("head.norm", "cls.predictions.transform.LayerNorm");
  made.set("decoder.bias", of("cls.predictions.bias"));
  return made;
}
