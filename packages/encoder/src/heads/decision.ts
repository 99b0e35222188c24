/**
 * Answers a question of several options in one pass, as the Laya models do (laya/common.py, DecisionModel): the type of the question is added to
 * the hidden states, further layers attend to all tokens (torch's TransformerEncoderLayer, norm first), and each option's marker gets a logit.
 * The head of theirs that says whether to act at all is not part of it.
 */
import {
  activationExpression,
  add,
  cast,
  gather,
  layerNorm,
  linear,
  map,
  mlp,
  reshape,
} from "@modernbert-ts/tensor-core";
import { residualDType, varlenAttention, x } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { DeviceBatch } from "../batch/device-batch.ts";
import type { JsonFields, JsonObject } from "../config/json-fields.ts";
import type { HeadConfig } from "../config/head-config.ts";
import type { Encoder } from "../encoder.ts";
import { BatchError, ConfigError } from "../errors.ts";
import type { ParameterRole, ParameterSpec } from "../kind.ts";
import type { HeadDefinition } from "./definition.ts";

/** Kinds of questions: a choice, a score, a statement that holds or not. */
const questionTypes = 3;
const headWidth = 64;
const normEps = 1e-5;
const usualLayers = 2;

/**
 * hidden [T, d] → logits [M, 1], one for each marker.
 * @param types of each sequence, 0 choice, 1 score, 2 yes or no [N]. @param markers rows of the batch [M].
 * @throws BatchError where the types are not as many as the sequences.
 */
export function decisionLogits(
  model: Encoder,
  hidden: Tensor,
  batch: DeviceBatch,
  types: Int32Array,
  markers: Int32Array,
): Tensor {
  const { runtime, precision } = model;
  const sequences = batch.host.cuSeqlens.length - 1;
  if (types.length !== sequences) {
    throw new BatchError("decisionLogits", `expected a type for each of ${sequences} sequences, got ${types.length}`);
  }
  return runtime.scope(() => {
    const spread = perToken(types, batch.host.cuSeqlens);
    const ofTokens = runtime.tensor(spread, [spread.length], "i32");
    let states = add(cast(hidden, residualDType(precision)), gatherRows(model, "type_emb.weight", ofTokens));
    for (let layer = 0; layer < layersOf(model.config); layer++) states = runLayer(model, batch, states, layer);
    const rows = norm(model, gather(states, runtime.tensor(markers, [markers.length], "i32")), "scorer.0");
    const inner = map(activationExpression("gelu", x(0)), [project(model, rows, "scorer.1")]);
    return cast(project(model, inner, "scorer.3"), precision.reduce);
  });
}

function perToken(types: Int32Array, cuSeqlens: Int32Array): Int32Array {
  const spread = new Int32Array(cuSeqlens.at(-1)!);
  for (const [at, type] of types.entries()) spread.fill(type, cuSeqlens[at], cuSeqlens[at + 1]);
  return spread;
}

function gatherRows(model: Encoder, table: string, rows: Tensor): Tensor {
  return cast(gather(model.parameter(table), rows), residualDType(model.precision));
}

function runLayer(model: Encoder, batch: DeviceBatch, states: Tensor, layer: number): Tensor {
  const prefix = `head.layers.${layer}`;
  const mixed = attention(model, batch, norm(model, states, `${prefix}.norm1`), prefix);
  const middle = add(states, cast(project(model, mixed, `${prefix}.self_attn.out_proj`), states.dtype));
  const [up, down] = [`${prefix}.linear1`, `${prefix}.linear2`];
  const input = cast(norm(model, middle, `${prefix}.norm2`), model.precision.compute);
  const fed = mlp(
    input,
    [model.matrix(`${up}.weight`), model.parameter(`${up}.bias`)],
    [model.matrix(`${down}.weight`), model.parameter(`${down}.bias`)],
    { activation: "relu", gated: false },
  );
  return add(middle, cast(fed, states.dtype));
}

function attention(
  model: Encoder,
  { host, cuSeqlens, keyCounts }: DeviceBatch,
  normed: Tensor,
  prefix: string,
): Tensor {
  const { hiddenSize } = model.config;
  const heads = headsOf(model.config);
  const [tokens, width] = [normed.shape[0]!, hiddenSize / heads];
  const [weight, bias] = [`${prefix}.self_attn.in_proj_weight`, `${prefix}.self_attn.in_proj_bias`];
  const qkv = linear(cast(normed, model.precision.compute), model.matrix(weight), model.parameter(bias));
  const mixed = varlenAttention(reshape(qkv, [tokens, 3, heads, width]), cuSeqlens, {
    scale: width ** -0.5,
    window: null,
    maxSeqlen: host.maxSeqlen,
    ...(keyCounts && { keyCounts }),
  });
  return reshape(mixed, [tokens, hiddenSize]);
}

function project(model: Encoder, input: Tensor, name: string): Tensor {
  const rows = cast(input, model.precision.compute);
  return linear(rows, model.matrix(`${name}.weight`), model.parameter(`${name}.bias`));
}

function norm(model: Encoder, input: Tensor, name: string): Tensor {
  const [weight, bias] = model.norm(name);
  return layerNorm(input, weight, bias, normEps);
}

const layersOf = ({ decisionLayers = usualLayers }: HeadConfig): number => decisionLayers;
const headsOf = ({ hiddenSize }: HeadConfig): number => Math.max(1, Math.floor(hiddenSize / headWidth));

type Named = readonly [name: string, value: ParameterSpec];

function spec(name: string, role: ParameterRole, ...shape: number[]): Named {
  return [name, { shape, role, head: true }];
}

function linearSpecs(name: string, outputs: number, inputs: number): Named[] {
  return [spec(`${name}.weight`, "classifier", outputs, inputs), spec(`${name}.bias`, "bias", outputs)];
}

function normSpecs(name: string, width: number): Named[] {
  return [spec(`${name}.weight`, "norm", width), spec(`${name}.bias`, "bias", width)];
}

function decisionParameters(config: HeadConfig): Named[] {
  const { hiddenSize: d } = config;
  if (d % headsOf(config) !== 0) {
    throw new ConfigError(
      "config",
      `expected hidden_size to be a multiple of ${headWidth} for head "decision", got ${d}`,
    );
  }
  const layers = Array.from({ length: layersOf(config) }, (_, at) => {
    const prefix = `head.layers.${at}`;
    return [
      spec(`${prefix}.self_attn.in_proj_weight`, "classifier", 3 * d, d),
      spec(`${prefix}.self_attn.in_proj_bias`, "bias", 3 * d),
      ...linearSpecs(`${prefix}.self_attn.out_proj`, d, d),
      ...linearSpecs(`${prefix}.linear1`, 4 * d, d),
      ...linearSpecs(`${prefix}.linear2`, d, 4 * d),
      ...normSpecs(`${prefix}.norm1`, d),
      ...normSpecs(`${prefix}.norm2`, d),
    ];
  });
  return [
    ...layers.flat(),
    spec("type_emb.weight", "embedding", questionTypes, d),
    ...normSpecs("scorer.0", d),
    ...linearSpecs("scorer.1", d, d),
    ...linearSpecs("scorer.3", 1, d),
  ];
}

/** `decision_layers` of config.json. */
export function parseDecision(fields: JsonFields): Pick<HeadConfig, "decisionLayers"> {
  if (fields.raw("decision_layers") === undefined) return {};
  return { decisionLayers: fields.integer("decision_layers", usualLayers, 0, 1000) };
}

export function decisionToJSON({ decisionLayers }: HeadConfig): JsonObject {
  return decisionLayers === undefined ? {} : { decision_layers: decisionLayers };
}

export const decisionHead: HeadDefinition = {
  classSuffix: "ForDecision",
  labelNames: [],
  parameters: decisionParameters,
  plan: () => ({ outputs: [], loss: undefined }),
};
