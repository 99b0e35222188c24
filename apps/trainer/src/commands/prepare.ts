/**
 * Text to token shards: a folder with `train/`, `validation/` and `tokenizer.json` that `run` trains on. Which documents are held
 * out depends on the seed and their place in the order only. The folder carries a fingerprint of its sources and settings;
 * preparing the same again does nothing, and after a kill goes on behind the shards that were finished.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import {
  DataError,
  fileSha256,
  fingerprint,
  openTokenShards,
  outputFormats,
  TextSource,
} from "@modernbert-ts/training";
import { UserError } from "../errors.ts";
import { formatCount } from "../format.ts";
import { leftOut, noTexts } from "../prepare/left-out.ts";
import type { PrepareOptions, PrepareResult } from "../prepare/options.ts";
import { localInputs, nameOrigin } from "../prepare/remote.ts";
import { shardsOf, writeSegments } from "../prepare/segments.ts";
import { chooseTokenizer, tokenizerPrint } from "../prepare/tokenizer.ts";
import { WorkFolder } from "../prepare/work-folder.ts";
import type { Part } from "../prepare/work-folder.ts";
import { roleTokens } from "../run/data/token-roles.ts";
import { dataLayout } from "../run/data/training-data.ts";

/** @throws UserError, DataError, TokenizerError; of what cannot be gone on from nothing is left behind then. */
export async function prepare(options: PrepareOptions): Promise<PrepareResult> {
  const { inputs, output, onNotice } = options;
  const paths = await localInputs(inputs, onNotice);
  const source = new TextSource([...paths.keys()], options);
  const print = await sourceFingerprint(source, options);
  if (hasPart(output, "train", print, options)) {
    expectWhole(output, print, options);
    onNotice(`${output} is up to date: same texts, same settings`);
    return "up to date";
  }
  if (existsSync(output) && readdirSync(output).length > 0)
    throw new UserError(
      `expected a new or empty folder, got ${output}, which holds files; choose another or delete it`,
    );
  const work = new WorkFolder(output);
  try {
    const found = await work.open(print);
    if (found) onNotice(found);
    const tokenizer = await work.tokenizer(print, () => chooseTokenizer(source, options));
    if (roleTokens(tokenizer).mask === undefined)
      onNotice("this tokenizer has no mask token (such as [MASK]): masked_lm will refuse these data");
    if (!(await writeSegments(source, tokenizer, work, options))) {
      onNotice(`stopped with ${work.segments.length} shards finished; the same command goes on behind them`);
      return "stopped";
    }
    complete(source, work, { ...options, fingerprint: print, tokenizerSize: tokenizer.vocabSize });
    work.commit();
  } catch (error) {
    // Room can be made and the same go on; what is wrong with the texts stays wrong.
    if (!(error instanceof DataError && error.code === "io")) work.discard();
    nameOrigin(error, paths);
    throw error;
  } finally {
    work.close();
  }
  onNotice(`wrote ${output}`);
  return "written";
}

interface Completion extends PrepareOptions {
  readonly fingerprint: string;
  readonly tokenizerSize: number;
}

/** Writes what makes both parts data sets, and says what is in them. */
function complete(source: TextSource, work: WorkFolder, options: Completion): void {
  const { validation, onNotice, fingerprint: print, tokenizerSize: vocabSize } = options;
  const format = outputFormats[options.outputFormat ?? "shards"];
  const { documents } = source.report;
  if (documents === 0) throw noTexts(source);
  const counts = { train: 0, validation: 0, tokens: 0 };
  for (const part of ["train", "validation"] as const) {
    for (const shard of shardsOf(work, part)) {
      counts[part] += shard.documents;
      counts.tokens += shard.tokens;
    }
  }
  if (counts.train === 0 || (validation > 0 && counts.validation === 0))
    throw new UserError(
      `expected documents to train on and to hold out, got ${counts.train} and ${counts.validation}: cut the texts into more documents (--split blank-line), or change --validation`,
    );
  format.complete(work.folder("train"), shardsOf(work, "train"), { vocabSize, fingerprint: print });
  if (validation > 0)
    format.complete(work.folder("validation"), shardsOf(work, "validation"), { vocabSize, fingerprint: print });
  work.addSources(source.report.documentsByFile);
  onNotice(`${documents} documents, ${counts.validation} of them held out; ${formatCount(counts.tokens)} tokens`);
  for (const line of leftOut(source.report)) onNotice(line);
}

function hasPart(output: string, part: Part, print: string, { outputFormat = "shards" }: PrepareOptions): boolean {
  return outputFormats[outputFormat].has(join(output, dataLayout[part]), print);
}

/** @throws UserError when parts of a folder that was made from the same texts are gone; DataError when shards have other sizes. */
function expectWhole(output: string, print: string, options: PrepareOptions): void {
  if ((options.outputFormat ?? "shards") === "shards") openTokenShards(join(output, dataLayout.train));
  const parts: string[] = [dataLayout.tokenizer, dataLayout.tokenizerConfig];
  const lacking = parts.find((name) => !existsSync(join(output, name)));
  const heldOut = options.validation === 0 || hasPart(output, "validation", print, options);
  const missing = lacking ?? (heldOut ? undefined : dataLayout.validation);
  if (missing === undefined) return;
  throw new UserError(
    `${output} was made from these texts, but its ${missing} is gone: delete the folder and prepare again`,
  );
}

/** Of all that the result depends on. */
async function sourceFingerprint(source: TextSource, options: PrepareOptions): Promise<string> {
  const { vocabSize, validation, seed, format = null, split = null, field = null, badRecords } = options;
  const { outputFormat, shardTokens } = options;
  const files = [];
  for (const path of source.files) files.push(await fileSha256(path));
  return fingerprint({
    files,
    tokenizer: await tokenizerPrint(options.tokenizer),
    vocabSize,
    validation,
    seed,
    format,
    split,
    field,
    badRecords,
    specialTokens: "text",
    outputFormat: outputFormat === "shards" ? undefined : outputFormat,
    shardTokens,
  });
}
