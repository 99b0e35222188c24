/** The tokenizer that belongs to a model folder. */
import { isJsonObject } from "@modernbert-ts/encoder";
import { readText, textLimits } from "@modernbert-ts/safetensors";
import type { Folder } from "@modernbert-ts/safetensors";
import { loadModernBertTokenizer, Tokenizer, TokenizerError } from "@modernbert-ts/tokenizer";
import { ModelNotFoundError } from "../errors.ts";

const builtInVocabulary = 50368;

/** What a model asks of its tokenizer. */
export interface TokenizerNeeds {
  readonly vocabSize: number;
  /** Texts are lowered first. */
  readonly lowerCase?: boolean;
}

/**
 * The folder's tokenizer, which may know more ids than the model has rows; the built-in vocabulary where there is none and the model
 * has ModernBERT's 50,368 tokens.
 * @throws ModelNotFoundError when neither fits the model, TokenizerError or SafetensorsError on a broken file.
 */
export async function readTokenizer(
  folder: Folder,
  { vocabSize, lowerCase = false }: TokenizerNeeds,
  onNotice?: (notice: string) => void,
): Promise<Tokenizer> {
  const tokenizer = await readTokenizerFile(folder, "tokenizer.json", lowerCase);
  if (tokenizer !== undefined) return tokenizer;
  if (!lowerCase) return builtIn(folder.name, vocabSize, onNotice);
  throw new ModelNotFoundError(
    `there is no tokenizer.json in ${folder.name}, and the built-in tokenizer does not lower texts as do_lower_case asks: put the model's tokenizer.json there`,
  );
}

/**
 * A tokenizer.json with what lies beside it (tokenizer_config.json, special_tokens_map.json); a file of another name counts alone.
 * Undefined where there is none.
 * @throws TokenizerError or SafetensorsError on a broken file.
 */
export async function readTokenizerFile(
  folder: Folder,
  file = "tokenizer.json",
  lowerCase = false,
): Promise<Tokenizer | undefined> {
  try {
    return await Tokenizer.fromFolder(async (name) => {
      if (name !== "tokenizer.json") return file === "tokenizer.json" ? readText(folder, name) : undefined;
      const text = await readText(folder, file, textLimits.tokenizer);
      return lowerCase && text !== undefined ? lowered(text) : text;
    });
  } catch (error) {
    if (!(error instanceof TokenizerError)) throw error;
    const beside = /^(tokenizer_config|special_tokens_map)\b/.exec(error.field ?? "")?.[0];
    const named = `${folder.name}/${beside === undefined ? file : `${beside}.json`}`;
    throw new TokenizerError(withFile(error.message, named), error.field);
  }
}

/** A tokenizer.json whose normalizer lowers first: special tokens are found before that, as they are. */
function lowered(text: string): string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return text; // the tokenizer says what is wrong with it
  }
  if (!isJsonObject(json)) return text;
  const normalizers = [{ type: "Lowercase" }, ...(json["normalizer"] ? [json["normalizer"]] : [])];
  return JSON.stringify({ ...json, normalizer: { type: "Sequence", normalizers } });
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
