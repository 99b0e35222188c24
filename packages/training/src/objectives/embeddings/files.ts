/** What sentence-transformers reads beside a model's weights: which modules there are, and how vectors are pooled. */
import type { Encoder, Pooling } from "@modernbert-ts/encoder";

export function sentenceFiles({ info }: Encoder, pooling: Pooling, maxLength: number): Record<string, string> {
  const modules = [
    { idx: 0, name: "0", path: "", type: "sentence_transformers.models.Transformer" },
    { idx: 1, name: "1", path: "1_Pooling", type: "sentence_transformers.models.Pooling" },
  ];
  return {
    "modules.json": json(modules),
    "sentence_bert_config.json": json({ max_seq_length: maxLength, do_lower_case: false }),
    "config_sentence_transformers.json": json({ prompts: {}, default_prompt_name: null, similarity_fn_name: "cosine" }),
    "1_Pooling/config.json": json({
      word_embedding_dimension: info.hiddenSize,
      pooling_mode_cls_token: pooling === "cls",
      pooling_mode_mean_tokens: pooling === "mean",
      pooling_mode_max_tokens: false,
      pooling_mode_mean_sqrt_len_tokens: false,
    }),
  };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
