/** The files beside the weights that make a checkpoint a Hugging Face model folder. */
import { configText } from "@modernbert-ts/encoder";
import type { Encoder } from "@modernbert-ts/encoder";
import type { Tokenizer } from "@modernbert-ts/tokenizer";

/** config.json, tokenizer.json and tokenizer_config.json of a model, by name. */
export function modelFiles(
  { kind, config, info, head }: Pick<Encoder, "kind" | "config" | "info" | "head">,
  tokenizer: Tokenizer,
): Record<string, string> {
  const types = info.typeVocabSize > 0 ? ["token_type_ids"] : [];
  const tokenizerConfig = {
    tokenizer_class: "PreTrainedTokenizerFast",
    model_input_names: ["input_ids", ...types, "attention_mask"],
    model_max_length: info.maxLength,
    clean_up_tokenization_spaces: true,
    ...tokenizer.toConfigJSON(),
  };
  return {
    "config.json": configText(kind, config, head, "float32"),
    "tokenizer.json": JSON.stringify(tokenizer),
    "tokenizer_config.json": json(tokenizerConfig),
  };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
