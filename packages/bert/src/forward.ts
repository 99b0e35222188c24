/**
 * The packed forward pass of BERT (arXiv 1810.04805; transformers modeling_bert.py): learned positions and token types, attention over the
 * whole sequence, each norm after its residual addition. Tokens of all sequences lie one after another.
 */
import { drop, dropoutAt, gatherTokens } from "@modernbert-ts/encoder";
import type { DeviceBatch, Encoder, ForwardOptions } from "@modernbert-ts/encoder";
import {
  cast,
  checkpoint,
  concat,
  gather,
  layerNorm,
  map,
  reshape,
  residualLayerNorm,
} from "@modernbert-ts/tensor-core";
import { residualDType, scalar, slice, varlenAttention, x } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { BertConfig } from "./config/config.ts";
import { embeddings, layerNames } from "./parameters.ts";

type Model = Encoder<BertConfig>;

/** What is kept of the layers. */
export interface Keeping {
  /** All hidden states; else each layer's input is freed as soon as the layer is done. */
  readonly states: boolean;
  /** For the backward pass each layer's input only; else all that it reads. */
  readonly inputsOnly: boolean;
}

export interface HiddenStates {
  /** After the embeddings' norm, then after each layer; layers + 1 of [T, d], or none. */
  readonly states: readonly Tensor[];
  /** After the last layer. */
  readonly last: Tensor;
}

/** All tokens through all layers. */
export function forward(
  model: Model,
  batch: DeviceBatch,
  options: ForwardOptions,
  { states: keepStates, inputsOnly }: Keeping,
): HiddenStates {
  const { runtime, config } = model;
  return runtime.scope(() => {
    let hidden = embed(model, batch, options);
    const states = [hidden];
    for (let layer = 0; layer < config.numLayers; layer++) {
      const run = (input: Tensor): Tensor => runLayer(model, batch, input, layer, options);
      const before = hidden;
      hidden = inputsOnly ? checkpoint([before], ([input]) => [run(input!)])[0]! : runtime.scope(() => run(before));
      if (!keepStates) before.dispose();
      states.push(hidden);
    }
    return { states: keepStates ? states : [], last: hidden };
  });
}

const sum = scalar.add(scalar.add(x(0), x(1)), x(2));

function embed(model: Model, batch: DeviceBatch, options: ForwardOptions): Tensor {
  const { runtime, config, precision } = model;
  return runtime.scope(() => {
    const words = gatherTokens(model, batch);
    const places = cast(gather(model.parameter(embeddings.position), batch.positions), words.dtype);
    const table = model.parameter(embeddings.type);
    const types = cast(batch.typeIds ? gather(table, batch.typeIds) : slice(table, 0, 0, 1), words.dtype);
    const [weight, bias] = model.norm(embeddings.norm);
    const normed = layerNorm(map(sum, [words, places, types]), weight, bias, config.normEps, residualDType(precision));
    return drop(normed, config.dropout.hidden, "embeddings", options);
  });
}

function runLayer(model: Model, batch: DeviceBatch, hidden: Tensor, layer: number, options: ForwardOptions): Tensor {
  const { config } = model;
  const of = layerNames(layer);
  const attended = model.project(attention(model, batch, hidden, layer, options), of.mix);
  const middle = addAndNorm(model, hidden, attended, of.mixNorm, options);
  const fed = model.feedForward(middle, of.up, of.down, { activation: config.hiddenActivation, gated: false });
  return addAndNorm(model, middle, fed, of.outputNorm, options);
}

/** [T, d] → [T, d], before the output projection. */
function attention(
  model: Model,
  { host, cuSeqlens, keyCounts }: DeviceBatch,
  hidden: Tensor,
  layer: number,
  options: ForwardOptions,
): Tensor {
  const { hiddenSize, numHeads, dropout } = model.config;
  const { query, key, value } = layerNames(layer);
  const [tokens, width] = [hidden.shape[0]!, hiddenSize / numHeads];
  const input = cast(hidden, model.precision.compute);
  const parts = [query, key, value].map((name) => reshape(model.project(input, name), [tokens, 1, numHeads, width]));
  const mixed = varlenAttention(concat(parts, 1), cuSeqlens, {
    scale: width ** -0.5,
    window: null,
    maxSeqlen: host.maxSeqlen,
    ...(keyCounts && { keyCounts }),
    dropout: dropoutAt(dropout.attention, `layer.${layer}.attention`, options),
  });
  return reshape(mixed, [tokens, hiddenSize]);
}

function addAndNorm(model: Model, residual: Tensor, delta: Tensor, name: string, options: ForwardOptions): Tensor {
  const { normEps: eps, dropout } = model.config;
  const [weight, bias] = model.norm(name);
  const dropped = dropoutAt(dropout.hidden, name, options);
  return residualLayerNorm(residual, delta, weight, bias, { eps, dtype: residual.dtype, dropout: dropped }).normed;
}
