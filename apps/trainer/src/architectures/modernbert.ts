/** ModernBERT in the trainer. */
import { createConfig, initialValues, modernbertArchitecture, presets } from "@modernbert-ts/modernbert";
import type { ModernBertConfig } from "@modernbert-ts/modernbert";
import type { ModelConfig } from "../config/model-section.ts";
import type { TrainedArchitecture } from "./architecture.ts";

export const trainedModernBert: TrainedArchitecture<ModernBertConfig> = {
  architecture: modernbertArchitecture,
  presets,
  fields: [
    "global_attn_every_n_layers",
    "local_attention",
    "global_rope_theta",
    "local_rope_theta",
    "attn_out_dropout_prob",
    "initialisation",
  ],
  create: (model, shape, { size, roles }) =>
    createConfig({
      vocab_size: size,
      ...shape,
      global_attn_every_n_layers: model.global_attn_every_n_layers ?? 3,
      local_attention: model.local_attention ?? 128,
      ...(model.global_rope_theta === undefined ? {} : { global_rope_theta: model.global_rope_theta }),
      ...(model.local_rope_theta === undefined ? {} : { local_rope_theta: model.local_rope_theta }),
      initializer_range: model.initializer_range,
      attn_out_dropout_prob: attentionOutput(model),
      classifier_pooling: "mean",
      cls_token_id: roles.cls,
      bos_token_id: roles.cls,
      sep_token_id: roles.sep,
      eos_token_id: roles.sep,
      pad_token_id: roles.pad,
    }),
  configure: (stored, model) => ({
    ...stored,
    rope: withThetas(stored.rope, model),
    dropout: { ...stored.dropout, attentionOutput: attentionOutput(model) },
  }),
  trainedWith: ({ layers, window }, { global_attn_every_n_layers: every, local_attention: width }) => ({
    global_attn_every_n_layers: isEvery(layers, every) ? every : `layers ${layers.join(", ")}`,
    local_attention: width !== undefined && Math.floor(width / 2) === window ? width : 2 * window || 1,
  }),
  initial: (model) => (config, head, _name, spec) =>
    initialValues(config, head, spec, model.initialisation ?? "flexbert"),
};

/** Whether just the layers are global whose number `every` divides. */
function isEvery(layers: ModernBertConfig["layers"], every: number | undefined): boolean {
  return every !== undefined && layers.every((kind, layer) => (kind === "global") === (layer % every === 0));
}

const attentionOutput = ({ attn_out_dropout_prob: own, dropout }: ModelConfig): number => own ?? dropout ?? 0.1;

/** Those of the configuration in the place of stored ones. */
function withThetas(
  { global, local }: ModernBertConfig["rope"],
  { global_rope_theta: ofGlobal, local_rope_theta: ofLocal }: ModelConfig,
): ModernBertConfig["rope"] {
  return {
    global: { ...global, theta: ofGlobal ?? global.theta },
    local: { ...local, theta: ofLocal ?? local.theta },
  };
}
