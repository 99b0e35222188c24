/** The activation that a folder names for the scores of a cross-encoder of sentence-transformers. */
import { isJsonObject } from "@modernbert-ts/encoder";
import type { JsonObject } from "@modernbert-ts/encoder";
import type { Folder } from "@modernbert-ts/safetensors";
import { field, isText, readJsonObject } from "./json-file.ts";

const modelFile = "config.json";
const isObject = (value: unknown): value is JsonObject => isJsonObject(value);

/**
 * A class of torch such as `torch.nn.modules.activation.Sigmoid`; undefined where no file names one.
 * @param texts what config_sentence_transformers.json says. @throws CheckpointError on a value that is no text.
 */
export async function readActivation(folder: Folder, texts: JsonObject | undefined): Promise<string | undefined> {
  const config = await readJsonObject(folder, modelFile);
  const saved = field(folder, modelFile, config, "sentence_transformers", "an object", isObject);
  const name = "the name of a class";
  return (
    field(folder, "config_sentence_transformers.json", texts, "activation_fn", name, isText) ??
    field(folder, modelFile, saved, "activation_fn", name, isText) ??
    field(folder, modelFile, config, "sbert_ce_default_activation_function", name, isText)
  );
}
