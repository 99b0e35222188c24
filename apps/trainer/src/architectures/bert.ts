/** BERT in the trainer. */
import { bertArchitecture, createConfig, presets } from "@modernbert-ts/bert";
import type { BertConfig } from "@modernbert-ts/bert";
import type { TrainedArchitecture } from "./architecture.ts";

export const trainedBert: TrainedArchitecture<BertConfig> = {
  architecture: bertArchitecture,
  presets,
  fields: ["hidden_dropout_prob", "attention_probs_dropout_prob"],
  create: (model, shape, { size, roles }) =>
    createConfig({
      ...shape,
      vocab_size: size,
      pad_token_id: roles.pad,
      initializer_range: model.initializer_range,
      hidden_dropout_prob: model.hidden_dropout_prob ?? model.dropout ?? 0.1,
      attention_probs_dropout_prob: model.attention_probs_dropout_prob ?? model.dropout ?? 0.1,
    }),
  configure: (stored, { hidden_dropout_prob: hidden, attention_probs_dropout_prob: attention, dropout }) => ({
    ...stored,
    dropout: {
      ...stored.dropout,
      hidden: hidden ?? dropout ?? stored.dropout.hidden,
      attention: attention ?? dropout ?? stored.dropout.attention,
    },
  }),
};
