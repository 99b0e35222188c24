/**
 * The packed forward pass, one path for all choices. Each residual addition runs together with the norm of its sum; with norms behind the sums
 * the residual stream and its norm are one and the same.
 */
import { checkpointLayer, drop, dropoutAt, gatherTokens } from "@modernbert-ts/encoder";
import type { DeviceBatch, Encoder, ForwardOptions, ResidualStream } from "@modernbert-ts/encoder";
import { headSize } from "@modernbert-ts/modernbert";
import type { RopeTables } from "@modernbert-ts/modernbert";
import { add, cast, gather, layerNorm, reshape, residualDType } from "@modernbert-ts/tensor-core";
import { residualLayerNorm, varlenAttention } from "@modernbert-ts/tensor-core";
import type { Dropout, Tensor } from "@modernbert-ts/tensor-core";
import type { VariantConfig } from "./config.ts";
import { finalNorm, layerNorms, positionEmbeddings } from "./parameters.ts";

type Model = Encoder<VariantConfig>;

/** All tokens through all layers: [T, d]. */
export function forward(model: Model, tables: RopeTables, batch: DeviceBatch, options: ForwardOptions): Tensor {
  const { runtime } = model;
  return runtime.scope(() => {
    const embedded = embed(model, batch, options);
    let stream: ResidualStream = { residual: embedded, normed: embedded };
    for (let layer = 0; layer < model.config.layers.length; layer++) {
      const before = stream;
      const run = (input: ResidualStream): ResidualStream => runLayer(model, tables, batch, input, layer, options);
      stream = model.checkpointing ? checkpointLayer(run, before) : runtime.scope(() => run(before));
      for (const tensor of new Set([before.residual, before.normed])) tensor.dispose();
    }
    return stream.normed;
  });
}

function embed(model: Model, batch: DeviceBatch, options: ForwardOptions): Tensor {
  const { config, precision } = model;
  const words = gatherTokens(model, batch);
  const table = model.optional(positionEmbeddings);
  const placed = table ? add(words, cast(gather(table, batch.positions), words.dtype)) : words;
  const [weight, bias] = model.norm("model.embeddings.norm");
  const normed = layerNorm(placed, weight, bias, config.normEps, residualDType(precision));
  return drop(normed, config.dropout.embedding, "embeddings", options);
}

function runLayer(
  model: Model,
  tables: RopeTables,
  batch: DeviceBatch,
  { residual, normed }: ResidualStream,
  layer: number,
  options: ForwardOptions,
): ResidualStream {
  const { config, precision } = model;
  const [own, next] = [layerNorms(layer), layerNorms(layer + 1)];
  const prefix = `model.layers.${layer}`;
  const dropout = dropoutAt(config.dropout.attentionOutput, `${prefix}.attn`, options);
  const pre = config.normPlacement === "pre";
  const last = layer + 1 === config.layers.length;
  const attended = attention(model, tables, batch, normed, layer);
  const middle = addAndNorm(model, residual, attended, pre ? own.mlp : own.attention, false, dropout);
  const attrs = { activation: config.hiddenActivation, gated: config.gated };
  const fed = model.feedForward(middle.normed, `${prefix}.mlp.Wi`, `${prefix}.mlp.Wo`, attrs);
  return addAndNorm(model, middle.residual, fed, pre ? (last ? finalNorm : next.attention) : own.mlp, last);

  function addAndNorm(
    { runtime }: Model,
    before: Tensor,
    delta: Tensor,
    name: string,
    atTheEnd: boolean,
    drawn?: Dropout,
  ): ResidualStream {
    const [weight, bias] = model.norm(name);
    const dtype = !pre ? before.dtype : atTheEnd ? precision.reduce : precision.compute;
    const made = runtime.scope(() =>
      residualLayerNorm(before, delta, weight, bias, { eps: config.normEps, dtype, dropout: drawn }),
    );
    return { residual: pre ? made.sum : made.normed, normed: made.normed };
  }
}

/** [T, d] → [T, d]: softmax over the sequence or the window, output projection. */
function attention(
  model: Model,
  tables: RopeTables,
  { host, cuSeqlens, positions, keyCounts }: DeviceBatch,
  normed: Tensor,
  layer: number,
): Tensor {
  const { config } = model;
  const kind = config.layers[layer]!;
  const [tokens, width] = [normed.shape[0]!, headSize(config)];
  const projected = model.project(normed, `model.layers.${layer}.attn.Wqkv`);
  const mixed = varlenAttention(reshape(projected, [tokens, 3, config.numHeads, width]), cuSeqlens, {
    scale: width ** -0.5,
    window: kind === "local" ? config.window : null,
    maxSeqlen: host.maxSeqlen,
    ...(config.positions === "rope" && { rope: { ...tables.table(kind, host.maxSeqlen), positions } }),
    ...(keyCounts && { keyCounts }),
  });
  return model.project(reshape(mixed, [tokens, config.hiddenSize]), `model.layers.${layer}.attn.Wo`);
}
