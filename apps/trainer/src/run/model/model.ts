/** The model of a run: from scratch in a configured shape, or from a Hugging Face folder. */
import { join } from "node:path";
import { createConfig, initialiseParameters, ModernBert, presets } from "@modernbert-ts/modernbert";
import type { ModernBertConfig } from "@modernbert-ts/modernbert";
import { loadModel } from "@modernbert-ts/modernbert/node";
import type { Precision, Runtime } from "@modernbert-ts/tensor-core";
import { openTokenizerFile } from "@modernbert-ts/pipelines";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import { isAdapter } from "@modernbert-ts/training";
import type { Objective } from "@modernbert-ts/training";
import type { TrainerConfig } from "../../config/config.ts";
import { settingsOf } from "../../config/objective-settings.ts";
import { UsageError, UserError } from "../../errors.ts";
import type { TrainingData } from "../data/training-data.ts";

/** @throws UserError (another tokenizer, sequences that are too long), ConfigError, CheckpointError, SafetensorsError. */
export async function createModel(
  runtime: Runtime,
  config: TrainerConfig,
  data: TrainingData,
  objective: Pick<Objective, "head" | "headSettings" | "settings">,
  precision: Precision,
  onNotice: (notice: string) => void,
): Promise<ModernBert> {
  const { from, attn_out_dropout_prob: attentionOutput, initialisation: style } = config.model;
  const { head } = objective;
  const settings = objective.headSettings?.(settingsOf(config, objective).training, data.labels);
  if (from !== undefined) {
    if (isAdapter(from))
      throw new UserError(
        `${from} holds an adapter, no whole model: make one of it and its base with \`modernbert-train merge ${from} --output FOLDER\``,
      );
    await checkSameTokenizer(from, data.tokenizer);
    const configure = (stored: ModernBertConfig): ModernBertConfig => {
      checkLength(config.data.max_length, stored);
      checkShape(config.model, stored);
      const rope = withThetas(stored.rope, config.model);
      return { ...stored, rope, ...settings, dropout: { ...stored.dropout, attentionOutput } };
    };
    // A classifier is trained from fresh values on whatever the folder was trained for.
    const fresh = settings ? { initialiseMissing: { seed: config.seed } } : {};
    const { model, initialised } = await loadModel(from, { runtime, head, configure, precision, ...fresh });
    if (initialised.length > 0) onNotice(`not in ${from}, starting from fresh values: ${initialised.join(", ")}`);
    return model;
  }
  const shape = { ...modelConfig(config.model, data), ...settings };
  checkLength(config.data.max_length, shape);
  const parameters = initialiseParameters(runtime, shape, head, { seed: config.seed, style });
  return new ModernBert({ runtime, config: shape, head, parameters, precision });
}

/** The preset with the four overrides, for this tokenizer. @throws UserError, ConfigError. */
export function modelConfig(
  model: TrainerConfig["model"],
  { tokenizer, roles }: Pick<TrainingData, "tokenizer" | "roles">,
): ModernBertConfig {
  return createConfig({
    vocab_size: Math.ceil(tokenizer.vocabSize / 64) * 64,
    ...shapeOf(model),
    global_attn_every_n_layers: model.global_attn_every_n_layers,
    local_attention: model.local_attention,
    ...(model.global_rope_theta === undefined ? {} : { global_rope_theta: model.global_rope_theta }),
    ...(model.local_rope_theta === undefined ? {} : { local_rope_theta: model.local_rope_theta }),
    initializer_range: model.initializer_range,
    attn_out_dropout_prob: model.attn_out_dropout_prob,
    classifier_pooling: "mean",
    cls_token_id: roles.cls,
    bos_token_id: roles.cls,
    sep_token_id: roles.sep,
    eos_token_id: roles.sep,
    pad_token_id: roles.pad,
  });
}

type Shape = Record<"num_hidden_layers" | "hidden_size" | "num_attention_heads" | "intermediate_size", number>;

/** That of the preset where a configuration says no other. */
export function shapeOf(model: Pick<TrainerConfig["model"], "preset" | keyof Shape>): Shape {
  const preset = presets[model.preset as keyof typeof presets];
  return {
    num_hidden_layers: model.num_hidden_layers ?? preset.layers.length,
    hidden_size: model.hidden_size ?? preset.hiddenSize,
    num_attention_heads: model.num_attention_heads ?? preset.numHeads,
    intermediate_size: model.intermediate_size ?? preset.intermediateSize,
  };
}

/** Those of the configuration in the place of stored ones. */
export function withThetas(
  { global, local }: ModernBertConfig["rope"],
  { global_rope_theta: ofGlobal, local_rope_theta: ofLocal }: TrainerConfig["model"],
): ModernBertConfig["rope"] {
  return {
    global: { ...global, theta: ofGlobal ?? global.theta },
    local: { ...local, theta: ofLocal ?? local.theta },
  };
}

/** @throws UsageError for a shape that is stated and is not that of the folder. */
function checkShape(
  model: TrainerConfig["model"],
  { layers, hiddenSize, numHeads, intermediateSize }: ModernBertConfig,
): void {
  const stored: Shape = {
    num_hidden_layers: layers.length,
    hidden_size: hiddenSize,
    num_attention_heads: numHeads,
    intermediate_size: intermediateSize,
  };
  for (const [field, size] of Object.entries(stored)) {
    const stated = model[field as keyof Shape];
    if (stated !== undefined && stated !== size)
      throw new UsageError(
        `model.${field}: expected ${size}, which ${model.from} has, got ${stated}: leave it out, or model.from`,
      );
  }
}

function checkLength(maxLength: number, { maxPositionEmbeddings }: ModernBertConfig): void {
  if (maxLength > maxPositionEmbeddings)
    throw new UsageError(
      `expected data.max_length of at most the model's max_position_embeddings (${maxPositionEmbeddings}), got ${maxLength}: lower it`,
    );
}

async function checkSameTokenizer(folder: string, tokenizer: Tokenizer): Promise<void> {
  const path = join(folder, "tokenizer.json");
  const own = await openTokenizerFile(path);
  if (own === undefined) return;
  if (!sameTokenizer(own, tokenizer))
    throw new UserError(
      `the data were made with another tokenizer than ${folder}: make them again with \`prepare --tokenizer ${path}\``,
    );
}

export function sameTokenizer(a: Tokenizer, b: Tokenizer): boolean {
  return identity(a) === identity(b);
}

function identity(tokenizer: Tokenizer): string {
  return JSON.stringify([tokenizer, tokenizer.toConfigJSON()]);
}
