/** The tokenizer that belongs to a model folder. */
import { readText, textLimits } from "@modernbert-ts/safetensors";
import type { Folder } from "@modernbert-ts/safetensors";
import { loadModernBertTokenizer, Tokenizer, TokenizerError } from "@modernbert-ts/tokenizer";
import { ModelNotFoundError } from "./errors.ts";

const builtInVocabulary = 50368;

/**
 * The folder's tokenizer; the built-in vocabulary where there is none and the model has ModernBERT's 50,368 tokens.
 * @throws ModelNotFoundError when neither fits the model, TokenizerError or SafetensorsError on a broken file.
 */
export async function readTokenizer(
  folder: Folder,
  vocabSize: number,
  onNotice?: (notice: string) => void,
): Promise<Tokenizer> {
  const tokenizer = await readTokenizerFile(folder);
  if (tokenizer === undefined) return builtIn(folder.name, vocabSize, onNotice);
  if (tokenizer.vocabSize <= vocabSize) return tokenizer;
  throw new ModelNotFoundError(
    `${folder.name}/tokenizer.json has ids up to ${tokenizer.vocabSize - 1} and the model's vocab_size is ${vocabSize}: they do not belong together`,
  );
}

/**
 * A tokenizer.json with what lies beside it (tokenizer_config.json, special_tokens_map.json); a file of another name counts alone.
 * Undefined where there is none.
 * @throws TokenizerError or SafetensorsError on a broken file.
 */
export async function readTokenizerFile(folder: Folder, file = "tokenizer.json"): Promise<Tokenizer | undefined> {
  try {
    return await Tokenizer.fromFolder(async (name) => {
      if (name === "tokenizer.json") return readText(folder, file, textLimits.tokenizer);
      return file === "tokenizer.json" ? readText(folder, name) : undefined;
    });
  } catch (error) {
    if (!(error instanceof TokenizerError)) throw error;
    const beside = /^(tokenizer_config|special_tokens_map)\b/.exec(error.field ?? "")?.[0];
    const named = `${folder.name}/${beside === undefined ? file : `${beside}.json`}`;
    throw new TokenizerError(withFile(error.message, named), error.field);
  }
}

async function builtIn(folder: string, vocabSize: number, onNotice?: (notice: string) => void): Promise<Tokenizer> {
  if (vocabSize !== builtInVocabulary) {
    throw new ModelNotFoundError(
      `there is no tokenizer.json in ${folder}, and the built-in tokenizer has ${builtInVocabulary} tokens where the model has ${vocabSize}: put the model's tokenizer.json there`,
    );
  }
  onNotice?.(`no tokenizer.json in ${folder}: using the built-in ModernBERT tokenizer`);
  return loadModernBertTokenizer();
}

/** The file after the tag: every message of the library starts with `[operation]`. */
function withFile(message: string, file: string): string {
  const tag = /^\[[^\]]+\] /.exec(message)?.[0] ?? "[tokenizer] ";
  return `${tag}${file}: ${message.startsWith(tag) ? message.slice(tag.length) : message}`;
}
