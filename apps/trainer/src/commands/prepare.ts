/**
 * Text to token shards: a folder with `train/`, `validation/` and `tokenizer.json` that `run` trains on. Which documents are held
 * out depends on the seed and their place in the order only. The folder carries a fingerprint of its sources and settings;
 * preparing the same again does nothing.
 */
import { existsSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { openTokenizerFile } from "@modernbert-ts/pipelines";
import { philox4x32 } from "@modernbert-ts/tensor-core";
import { loadModernBertTokenizer, trainBpe } from "@modernbert-ts/tokenizer";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import {
  AtomicDirectory,
  fileSha256,
  fingerprint,
  hasTokenShards,
  openTokenShards,
  TextSource,
  TokenShardWriter,
} from "@modernbert-ts/training";
import type { TextSourceOptions, TextSourceReport } from "@modernbert-ts/training";
import { UserError } from "../errors.ts";
import { formatCount } from "../format.ts";
import { roleTokens } from "../run/token-roles.ts";
import { dataLayout } from "../run/training-data.ts";

export interface PrepareOptions extends TextSourceOptions {
  /** Text files and folders. */
  readonly inputs: readonly string[];
  readonly output: string;
  /** `modernbert` (built in), `train` (a BPE on these texts), or the path of a tokenizer.json or of a folder that holds one. */
  readonly tokenizer: string;
  /** For `train`. */
  readonly vocabSize: number;
  /** Share of the documents to hold out, 0..1. */
  readonly validation: number;
  readonly seed: number;
  readonly onNotice: (notice: string) => void;
}

/** Characters of text that a BPE is trained on at most: more changes a vocabulary little and costs memory. */
const MAX_BPE_CHARACTERS = 200_000_000;

/** @throws UserError, DataError, TokenizerError; nothing is left behind then. */
export async function prepare(options: PrepareOptions): Promise<void> {
  const { inputs, output, onNotice } = options;
  const source = new TextSource(inputs, options);
  const print = await sourceFingerprint(source, options);
  if (existsSync(output) && hasTokenShards(join(output, dataLayout.train), print)) {
    expectWhole(output, print, options);
    onNotice(`${output} is up to date: same texts, same settings`);
    return;
  }
  const tokenizer = await chooseTokenizer(source, options);
  if (roleTokens(tokenizer).mask === undefined)
    onNotice("this tokenizer has no mask token (such as [MASK]): masked_lm will refuse these data");
  const folder = new AtomicDirectory(output);
  try {
    await writeShards(source, tokenizer, folder.path, print, options);
    const write = (name: string, value: unknown): void =>
      writeFileSync(join(folder.path, name), JSON.stringify(value), { flush: true });
    write(dataLayout.tokenizer, tokenizer);
    write(dataLayout.tokenizerConfig, tokenizer.toConfigJSON());
    folder.commit();
  } finally {
    folder.discard();
  }
  onNotice(`wrote ${output}`);
}

/** @throws UserError when parts of a folder that was made from the same texts are gone; DataError when shards have other sizes. */
function expectWhole(output: string, print: string, { validation }: PrepareOptions): void {
  openTokenShards(join(output, dataLayout.train));
  const parts: string[] = [dataLayout.tokenizer, dataLayout.tokenizerConfig];
  const lacking = parts.find((name) => !existsSync(join(output, name)));
  const heldOut = validation === 0 || hasTokenShards(join(output, dataLayout.validation), print);
  const missing = lacking ?? (heldOut ? undefined : dataLayout.validation);
  if (missing === undefined) return;
  throw new UserError(
    `${output} was made from these texts, but its ${missing} is gone: delete the folder and prepare again`,
  );
}

async function writeShards(
  source: TextSource,
  tokenizer: Tokenizer,
  folder: string,
  print: string,
  { validation, seed, onNotice }: PrepareOptions,
): Promise<void> {
  const common = { vocabSize: tokenizer.vocabSize, fingerprint: print };
  const writers = {
    train: new TokenShardWriter({ ...common, directory: join(folder, dataLayout.train) }),
    validation: new TokenShardWriter({ ...common, directory: join(folder, dataLayout.validation) }),
  };
  const counts = { train: 0, validation: 0, tokens: 0 };
  try {
    let lastNotice = performance.now();
    let index = 0;
    for await (const { text } of source) {
      const { ids } = tokenizer.encode(text, { truncation: false, padding: false });
      const part = isHeldOut(index++, seed, validation) ? "validation" : "train";
      writers[part].add(ids);
      counts[part]++;
      counts.tokens += ids.length;
      if (performance.now() - lastNotice > 5000) {
        lastNotice = performance.now();
        onNotice(`${formatCount(index)} documents, ${formatCount(counts.tokens)} tokens so far`);
      }
    }
    if (counts.train === 0 || (validation > 0 && counts.validation === 0))
      throw new UserError(
        `expected documents to train on and to hold out, got ${counts.train} and ${counts.validation}: cut the texts into more documents (--split blank-line), or change --validation`,
      );
    writers.train.finish();
    if (validation > 0) writers.validation.finish();
  } finally {
    writers.train.abort();
    writers.validation.abort();
  }
  const { documents } = source.report;
  onNotice(`${documents} documents, ${counts.validation} of them held out; ${formatCount(counts.tokens)} tokens`);
  for (const line of leftOut(source.report)) onNotice(line);
}

/** The first three of them. */
function some(all: Iterable<string>): string {
  const names = [...all];
  return names.length > 3 ? `${names.slice(0, 3).join(", ")}, …` : names.join(", ");
}

/** What of the sources is not in the shards as it was. */
function leftOut(report: TextSourceReport): string[] {
  const { emptyDocuments, replaced, badRecords, badPlaces, skippedFiles, repeatedFiles } = report;
  const sequences = [...replaced.values()].reduce((sum, count) => sum + count, 0);
  return [
    emptyDocuments > 0 ? `${emptyDocuments} empty documents were left out` : "",
    sequences > 0 ? `${sequences} invalid UTF-8 sequences were replaced by U+FFFD, in ${some(replaced.keys())}` : "",
    badRecords > 0 ? `${badRecords} records that cannot be read were passed over: ${some(badPlaces)}` : "",
    skippedFiles.length > 0
      ? `${skippedFiles.length} files of no known format were passed over: ${some(skippedFiles)}`
      : "",
    repeatedFiles.length > 0
      ? `${repeatedFiles.length} files were given more than once and taken once: ${some(repeatedFiles)}`
      : "",
  ].filter((line) => line !== "");
}

/** A draw of its own for each document: the others do not matter. */
function isHeldOut(index: number, seed: number, share: number): boolean {
  return philox4x32([index, 0, 0, 0], [seed >>> 0, 0x76616c])[0] / 2 ** 32 < share;
}

async function sourceFingerprint(source: TextSource, options: PrepareOptions): Promise<string> {
  const { tokenizer, vocabSize, validation, seed, format = null, split = null, field = null, badRecords } = options;
  const files = [];
  for (const path of source.files) files.push(await fileSha256(path));
  const named = tokenizer === "modernbert" || tokenizer === "train";
  const tokenizerHash = named ? tokenizer : await tokenizerSha256(tokenizerPath(tokenizer));
  return fingerprint({
    files,
    tokenizer: tokenizerHash,
    vocabSize,
    validation,
    seed,
    format,
    split,
    field,
    badRecords,
  });
}

async function chooseTokenizer(
  source: TextSource,
  { tokenizer, vocabSize, seed, validation, onNotice }: PrepareOptions,
): Promise<Tokenizer> {
  switch (tokenizer) {
    case "modernbert":
      return loadModernBertTokenizer();
    case "train": {
      const texts: string[] = [];
      let characters = 0;
      let index = 0;
      for await (const { text } of source) {
        if (isHeldOut(index++, seed, validation)) continue;
        texts.push(text);
        if ((characters += text.length) >= MAX_BPE_CHARACTERS) {
          onNotice(`the vocabulary is learned from the first ${formatCount(characters)} characters`);
          break;
        }
      }
      onNotice(`learning a vocabulary of ${vocabSize} from ${formatCount(characters)} characters`);
      return trainBpe(texts, { vocabSize });
    }
    default:
      return (await openTokenizerFile(tokenizerPath(tokenizer)))!;
  }
}

/** Of all the files that a tokenizer is read from; of the tokenizer.json itself where nothing lies beside it. */
async function tokenizerSha256(path: string): Promise<string> {
  const beside =
    basename(path) === dataLayout.tokenizer
      ? ["tokenizer_config.json", "special_tokens_map.json"].map((name) => join(dirname(path), name))
      : [];
  const hashes = [];
  for (const file of [path, ...beside.filter((name) => existsSync(name))]) hashes.push(await fileSha256(file));
  return hashes.join(" ");
}

/** A tokenizer.json given as a file or by its folder. */
function tokenizerPath(given: string): string {
  const inside = join(given, dataLayout.tokenizer);
  const path = existsSync(inside) ? inside : given;
  if (existsSync(path)) return path;
  throw new UserError(`there is no tokenizer ${given}: expected modernbert, train, or the path of a tokenizer.json`);
}
