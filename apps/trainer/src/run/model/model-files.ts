/** The files beside the weights that make a checkpoint a Hugging Face model folder. */
import { configText } from "@modernbert-ts/encoder";
import { modernbertArchitecture } from "@modernbert-ts/modernbert";
import type { Head, ModernBertConfig } from "@modernbert-ts/modernbert";
import type { Tokenizer } from "@modernbert-ts/tokenizer";

/** config.json, tokenizer.json and tokenizer_config.json of a model, by name. */
export function modelFiles(config: ModernBertConfig, head: Head, tokenizer: Tokenizer): Record<string, string> {
  const tokenizerConfig = {
    tokenizer_class: "PreTrainedTokenizerFast",
    model_input_names: ["input_ids", "attention_mask"],
    model_max_length: config.maxPositionEmbeddings,
    clean_up_tokenization_spaces: true,
    ...tokenizer.toConfigJSON(),
  };
  return {
    "config.json": configText(modernbertArchitecture.kind, config, head, "float32"),
    "tokenizer.json": JSON.stringify(tokenizer),
    "tokenizer_config.json": json(tokenizerConfig),
  };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
