/** Keys of sentence-transformers' files beside a model: those that are read or change nothing, by name; any other is refused. */
import { isJsonObject } from "@modernbert-ts/encoder";
import type { JsonObject } from "@modernbert-ts/encoder";

/** Read elsewhere, or of no consequence for vectors (`__version__`, `unpad_inputs`). */
const modelKeys: readonly string[] = [
  "__version__",
  "model_type",
  "prompts",
  "default_prompt_name",
  "similarity_fn_name",
  "truncate_dim",
  "activation_fn",
];

/** Of multi-vector models, PyLate's among them. */
const multiVectorKeys: readonly string[] = [
  "query_prefix",
  "document_prefix",
  "query_length",
  "document_length",
  "query_expansion",
  "do_query_expansion",
  "attend_to_expansion_tokens",
  "attend_to_mask_tokens",
  "skiplist_words",
];

const transformerKeys: readonly string[] = ["max_seq_length", "do_lower_case", "unpad_inputs"];

/** Values that mean what is computed anyway, by key. */
const usual: Readonly<Record<string, ((value: unknown) => boolean) | undefined>> = {
  transformer_task: (value) => ["feature-extraction", "fill-mask", "sequence-classification"].includes(String(value)),
  module_output_name: (value) => value === "token_embeddings" || value === "scores",
  modality_config: (value) => isJsonObject(value) && "text" in value,
  ...Object.fromEntries(
    ["processing_kwargs", "model_args", "tokenizer_args", "config_args", "model_kwargs", "processor_kwargs"].map(
      (key) => [key, (value: unknown) => isJsonObject(value) && Object.keys(value).length === 0],
    ),
  ),
};

/**
 * What the two files ask for that is not known, as messages name it.
 * @param texts config_sentence_transformers.json. @param transformer sentence_bert_config.json.
 */
export function unknownKeys(texts: JsonObject = {}, transformer: JsonObject = {}): string[] {
  const multi = ["ColBERT", "MultiVectorEncoder"].includes(String(texts["model_type"])) ? multiVectorKeys : [];
  const inTexts = Object.keys(texts).filter((key) => ![...modelKeys, ...multi].includes(key));
  const inTransformer = Object.entries(transformer).flatMap(([key, value]) => {
    if (value === null || [...transformerKeys, ...multi].includes(key)) return [];
    const fits = usual[key];
    if (fits?.(value)) return [];
    return [fits ? `${key} ${JSON.stringify(value)}` : key];
  });
  return [
    ...inTexts.map((key) => `${key} of config_sentence_transformers.json`),
    ...inTransformer.map((key) => `${key} of sentence_bert_config.json`),
  ];
}
