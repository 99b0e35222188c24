/** Which tokenizer `prepare` takes: the built-in one, one of a file, or one that is learned from the texts. */
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { openTokenizerFile } from "@modernbert-ts/pipelines";
import { loadModernBertTokenizer, trainBpe, trainWordPiece } from "@modernbert-ts/tokenizer";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import { fileSha256 } from "@modernbert-ts/training";
import type { TextSource } from "@modernbert-ts/training";
import { UserError } from "../errors.ts";
import { formatCount } from "../format.ts";
import { dataLayout } from "../run/data/training-data.ts";
import { isHeldOut } from "./held-out.ts";
import { noTexts } from "./left-out.ts";
import type { PrepareOptions } from "./options.ts";

/** What a tokenizer is read from. */
export const tokenizerFiles: readonly string[] = [
  dataLayout.tokenizer,
  dataLayout.tokenizerConfig,
  "special_tokens_map.json",
];

/** Characters of text that a vocabulary is trained on at most: more changes a vocabulary little and costs memory. */
const MAX_CHARACTERS = 200_000_000;

export async function chooseTokenizer(source: TextSource, options: PrepareOptions): Promise<Tokenizer> {
  switch (options.tokenizer) {
    case "modernbert":
      return loadModernBertTokenizer();
    case "train":
      return learn(source, options, trainBpe);
    case "train-wordpiece":
      return learn(source, options, trainWordPiece);
    default:
      return (await openTokenizerFile(tokenizerPath(options.tokenizer)))!;
  }
}

async function learn(
  source: TextSource,
  { vocabSize, seed, validation, onNotice }: PrepareOptions,
  train: (texts: Iterable<string>, options: { readonly vocabSize: number }) => Tokenizer,
): Promise<Tokenizer> {
  const texts: string[] = [];
  let characters = 0;
  let index = 0;
  for await (const { text } of source) {
    if (isHeldOut(index++, seed, validation)) continue;
    texts.push(text);
    if ((characters += text.length) >= MAX_CHARACTERS) {
      onNotice(`the vocabulary is learned from the first ${formatCount(characters)} characters`);
      break;
    }
  }
  if (index === 0) throw noTexts(source);
  onNotice(`learning a vocabulary of ${vocabSize} from ${formatCount(characters)} characters`);
  const tokenizer = train(texts, { vocabSize });
  if (tokenizer.vocabSize < vocabSize)
    onNotice(
      `these texts give a vocabulary of ${tokenizer.vocabSize} only, not of ${vocabSize}: nothing is left to merge`,
    );
  return tokenizer;
}

/** Identifies the tokenizer that options ask for: of a file, by all the files that it is read from. */
export async function tokenizerPrint(tokenizer: string): Promise<string> {
  if (["modernbert", "train", "train-wordpiece"].includes(tokenizer)) return tokenizer;
  const path = tokenizerPath(tokenizer);
  const beside =
    basename(path) === dataLayout.tokenizer ? tokenizerFiles.slice(1).map((name) => join(dirname(path), name)) : [];
  const hashes = [];
  for (const file of [path, ...beside.filter((name) => existsSync(name))]) hashes.push(await fileSha256(file));
  return hashes.join(" ");
}

/** A tokenizer.json given as a file or by its folder. */
function tokenizerPath(given: string): string {
  const inside = join(given, dataLayout.tokenizer);
  const path = existsSync(inside) ? inside : given;
  if (existsSync(path)) return path;
  throw new UserError(
    `there is no tokenizer ${given}: expected modernbert, train, train-wordpiece, or the path of a tokenizer.json`,
  );
}
