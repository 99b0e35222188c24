/** What a folder says of its texts and vectors, read once, for library, command line, server and page alike. */
import type { EncoderInfo } from "@modernbert-ts/encoder";
import { readActivation } from "./activation.ts";
import { readEmbedding } from "./embedding.ts";
import type { EmbeddingSettings } from "./embedding.ts";
import { field, isCount, isFlag, isText, isTexts, readJsonObject } from "./json-file.ts";
import { unknownKeys } from "./known-keys.ts";
import { listModules } from "./modules.ts";
import { readMultiVector, withPrefixes } from "./multi-vector.ts";
import type { MultiVectorSettings } from "./multi-vector.ts";
import { readPrompts } from "./prompts.ts";
import type { Prompts } from "./prompts.ts";
import { readSparse } from "./sparse.ts";
import type { SparseSettings } from "./sparse.ts";
import type { ModelFolder } from "./uncertain.ts";

export interface TextSettings {
  /** Token ids that the model has rows for are below it; a tokenizer may know more. */
  readonly vocabSize: number;
  /** Token types are below it; 0: the model has none, or `model_input_names` leaves them out. */
  readonly typeVocabSize: number;
  /** Tokens of the longest text, special tokens included. */
  readonly maxLength: number;
  /** Texts are lowered before they are tokenised. */
  readonly lowerCase: boolean;
  readonly prompts: Prompts;
  readonly embedding: EmbeddingSettings;
  /** Of models that make sparse vectors. */
  readonly sparse: SparseSettings | undefined;
  /** Of models that make one vector per token. */
  readonly multiVector: MultiVectorSettings | undefined;
  /** `similarity_fn_name`: how the model's vectors are compared; undefined where the folder names none. */
  readonly similarity: string | undefined;
  /** The class of torch that a cross-encoder's score goes through; undefined where the folder names none. */
  readonly activation: string | undefined;
}

const lengthFile = "sentence_bert_config.json";
const promptFile = "config_sentence_transformers.json";
const tokenizerFile = "tokenizer_config.json";

/** @throws CheckpointError on malformed files. What is well formed and not computed is refused where it would be used. */
export async function readSettings(
  folder: ModelFolder,
  { maxLength, vocabSize, typeVocabSize, hiddenSize }: EncoderInfo,
): Promise<TextSettings> {
  const lengths = await readJsonObject(folder, lengthFile);
  const texts = withPrefixes(await readJsonObject(folder, promptFile));
  const tokenizer = await readJsonObject(folder, tokenizerFile);
  const modules = await listModules(folder);
  const foreign = unknownKeys(texts, lengths);
  const count = "a positive whole number";
  const stated =
    field(folder, lengthFile, lengths, "max_seq_length", count, isCount) ??
    field(folder, tokenizerFile, tokenizer, "model_max_length", count, isCount);
  const inputs = field(folder, tokenizerFile, tokenizer, "model_input_names", "a list of names", isTexts);
  return {
    vocabSize,
    typeVocabSize: inputs?.includes("token_type_ids") === false ? 0 : typeVocabSize,
    maxLength: Math.min(stated ?? maxLength, maxLength),
    lowerCase: field(folder, lengthFile, lengths, "do_lower_case", "true or false", isFlag) ?? false,
    prompts: readPrompts(
      folder,
      promptFile,
      texts,
      field(folder, promptFile, texts, "default_prompt_name", "a text", isText),
    ),
    embedding: await readEmbedding(folder, modules, texts, hiddenSize, foreign),
    sparse: await readSparse(folder, modules, foreign),
    multiVector: await readMultiVector(folder, modules, { texts, transformer: lengths }, hiddenSize, foreign),
    similarity: field(folder, promptFile, texts, "similarity_fn_name", "the name of a function", isText),
    activation: await readActivation(folder, texts),
  };
}
