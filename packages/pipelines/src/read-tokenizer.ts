/** The tokenizer that belongs to a model folder. */
import { readText, textLimits } from "@modernbert-ts/safetensors";
import type { Folder } from "@modernbert-ts/safetensors";
import { loadModernBertTokenizer, Tokenizer, TokenizerError } from "@modernbert-ts/tokenizer";
import { ModelNotFoundError } from "./errors.ts";

const builtInVocabulary = 50368;

/**
 * The folder's tokenizer.json; the built-in vocabulary where there is none and the model has ModernBERT's 50,368 tokens.
 * @throws ModelNotFoundError when neither fits the model, TokenizerError on a broken file.
 */
export async function readTokenizer(
  folder: Folder,
  vocabSize: number,
  onNotice?: (notice: string) => void,
): Promise<Tokenizer> {
  const file = `${folder.name}/tokenizer.json`;
  const text = await readText(folder, "tokenizer.json", textLimits.tokenizer);
  if (text === undefined) return builtIn(folder.name, vocabSize, onNotice);
  const tokenizer = parse(file, text);
  if (tokenizer.vocabSize <= vocabSize) return tokenizer;
  throw new ModelNotFoundError(
    `${file} has ids up to ${tokenizer.vocabSize - 1} and the model's vocab_size is ${vocabSize}: they do not belong together`,
  );
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

function parse(file: string, text: string): Tokenizer {
  try {
    return Tokenizer.fromJSON(text);
  } catch (error) {
    if (!(error instanceof TokenizerError)) throw error;
    throw new TokenizerError(withFile(error.message, file), error.field);
  }
}
