/**
 * The packed forward pass (arXiv 2412.13663 §2; transformers modeling_modernbert.py). One code path: tokens of all sequences one
 * after another, attention inside each sequence only. Each residual addition runs together with the norm after it, and each
 * layer's intermediates die with its scope.
 */
import { checkpointLayer, ConfigError, drop, dropoutAt, gatherTokens } from "@modernbert-ts/encoder";
import type { DeviceBatch, Encoder, ForwardOptions, ResidualStream } from "@modernbert-ts/encoder";
import { glu, layerNorm, reshape, residualLayerNorm } from "@modernbert-ts/tensor-core";
import { residualDType, varlenAttention } from "@modernbert-ts/tensor-core";
import type { DType, Dropout, Tensor } from "@modernbert-ts/tensor-core";
import { headSize } from "./config/config.ts";
import type { ModernBertConfig } from "./config/config.ts";
import type { RopeTables } from "./rope-tables.ts";

type Model = Encoder<ModernBertConfig>;

export interface HiddenStates {
  /** The residual stream: after the embeddings' norm, then after each layer, before the final norm. layers + 1 of [T, d]. */
  readonly states: readonly Tensor[];
  /** The last one after the final norm (transformers 5 lists this in place of the last state). */
  readonly last: Tensor;
}

/** What is kept of the layers. */
export interface Keeping {
  /** All hidden states; else each layer's input is freed as soon as the layer is done. */
  readonly states: boolean;
  /** For the backward pass each layer's input only; else all that it reads. */
  readonly inputsOnly: boolean;
}

/** All tokens through all layers. */
export function forward(
  model: Model,
  ropeTables: RopeTables,
  batch: DeviceBatch,
  options: ForwardOptions,
  { states: keepStates, inputsOnly }: Keeping,
): HiddenStates {
  const { runtime, config } = model;
  if (options.dropout && config.dropout.attention > 0) {
    throw new ConfigError(
      "encode",
      `expected attention_dropout 0 for training (probabilities are never dropped), got ${config.dropout.attention}: set it to 0 and attn_out_dropout_prob instead`,
    );
  }
  return runtime.scope(() => {
    const embedded = embed(model, batch, options);
    const states = [embedded];
    let stream: ResidualStream = { residual: embedded, normed: embedded };
    for (let layer = 0; layer < config.layers.length; layer++) {
      const { residual, normed } = stream;
      const run = (input: ResidualStream): ResidualStream => runLayer(model, ropeTables, batch, input, layer, options);
      stream = inputsOnly ? checkpointLayer(run, stream) : runtime.scope(() => run(stream));
      if (normed !== residual) normed.dispose();
      if (!keepStates) residual.dispose();
      states.push(stream.residual);
    }
    return { states: keepStates ? states : [], last: stream.normed };
  });
}

function embed(model: Model, batch: DeviceBatch, options: ForwardOptions): Tensor {
  const { runtime, config, precision } = model;
  return runtime.scope(() => {
    const [weight, bias] = model.norm("model.embeddings.norm");
    const normed = layerNorm(gatherTokens(model, batch), weight, bias, config.normEps, residualDType(precision));
    return drop(normed, config.dropout.embedding, "embeddings", options);
  });
}

function runLayer(
  model: Model,
  ropeTables: RopeTables,
  batch: DeviceBatch,
  { residual, normed }: ResidualStream,
  layer: number,
  options: ForwardOptions,
): ResidualStream {
  const { config } = model;
  const prefix = `model.layers.${layer}`;
  const attended = attention(model, ropeTables, batch, normed, layer);
  const dropout = dropoutAt(config.dropout.attentionOutput, `${prefix}.attn`, options);
  const { compute, reduce } = model.precision;
  const middle = addAndNorm(model, residual, attended, `${prefix}.mlp_norm`, compute, dropout);
  const fed = feedForward(model, middle.normed, prefix, options);
  const last = layer + 1 === config.layers.length;
  if (last) return addAndNorm(model, middle.residual, fed, "model.final_norm", reduce);
  return addAndNorm(model, middle.residual, fed, `model.layers.${layer + 1}.attn_norm`, compute);
}

/** [T, d] → [T, d]: rotated q and k, softmax over the sequence or the window, output projection. */
function attention(
  model: Model,
  ropeTables: RopeTables,
  { host, cuSeqlens, positions, keyCounts }: DeviceBatch,
  normed: Tensor,
  layer: number,
): Tensor {
  const { config } = model;
  const kind = config.layers[layer]!;
  const [tokens, width] = [normed.shape[0]!, headSize(config)];
  const { cos, sin } = ropeTables.table(kind, host.maxSeqlen);
  const projected = model.project(normed, `model.layers.${layer}.attn.Wqkv`);
  const mixed = varlenAttention(reshape(projected, [tokens, 3, config.numHeads, width]), cuSeqlens, {
    scale: width ** -0.5,
    window: kind === "local" ? config.window : null,
    maxSeqlen: host.maxSeqlen,
    rope: { cos, sin, positions },
    ...(keyCounts && { keyCounts }),
  });
  return model.project(reshape(mixed, [tokens, config.hiddenSize]), `model.layers.${layer}.attn.Wo`);
}

/** [T, d] → [T, d]: gated linear unit whose first half is activated. */
function feedForward(model: Model, normed: Tensor, prefix: string, options: ForwardOptions): Tensor {
  const { config } = model;
  const [inner, outer] = [`${prefix}.mlp.Wi`, `${prefix}.mlp.Wo`];
  const whole = config.dropout.mlp === 0 || !options.dropout;
  if (whole) return model.feedForward(normed, inner, outer, { activation: config.hiddenActivation, gated: true });
  const gated = glu(model.project(normed, inner), config.hiddenActivation);
  return model.project(drop(gated, config.dropout.mlp, `${prefix}.mlp`, options), outer);
}

/** @param dtype Of the normed rows; the residual stays as it is. */
function addAndNorm(
  model: Model,
  residual: Tensor,
  delta: Tensor,
  name: string,
  dtype: DType,
  dropout?: Dropout,
): ResidualStream {
  const [weight, bias] = model.norm(name);
  const { normEps: eps } = model.config;
  const { sum, normed } = residualLayerNorm(residual, delta, weight, bias, { eps, dtype, dropout });
  return { residual: sum, normed };
}
