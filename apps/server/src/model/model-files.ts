/** What the HTTP side knows of a model without loading its weights: config, tokenizer, pooling, prompts and the longest input. */
import { basename, dirname } from "node:path";
import type { EncoderInfo, Pooling } from "@modernbert-ts/encoder";
import { openTokenizer, readInfo, resolveModelFolder } from "@modernbert-ts/pipelines";
import { diskFolder } from "@modernbert-ts/safetensors/node";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import { StartError } from "../errors.ts";
import type { ServeOptions } from "../options.ts";
import { readSentenceTransformers } from "./sentence-transformers.ts";

export interface ModelFiles {
  readonly folder: string;
  /** Commit of a model from the hub. */
  readonly sha: string | null;
  readonly info: EncoderInfo;
  readonly tokenizer: Tokenizer;
  readonly pooling: Pooling;
  /** Tokens of one input, special tokens included. */
  readonly maxInputLength: number;
  readonly prompts: ReadonlyMap<string, string>;
  /** Put before every text that names no prompt. */
  readonly defaultPrompt: string | undefined;
}

export async function readModelFiles(options: ServeOptions, onNotice: (notice: string) => void): Promise<ModelFiles> {
  const folder = await resolveModelFolder(options.model, {
    ...(options.revision && { revision: options.revision }),
    onNotice,
  });
  const info = await readInfo(diskFolder(folder));
  const tokenizer = await openTokenizer(folder, info.vocabSize, onNotice);
  const extras = await readSentenceTransformers(folder, options.pooling);
  if (!extras.pooling) onNotice("pooling cls, because there is no 1_Pooling/config.json; --pooling mean changes it");
  const longest = Math.min(extras.maxSeqLength ?? info.maxLength, info.maxLength);
  return {
    folder,
    sha: shaOf(folder),
    info,
    tokenizer,
    pooling: extras.pooling ?? "cls",
    maxInputLength: fitLength(longest, options, onNotice),
    prompts: extras.prompts,
    defaultPrompt: defaultPrompt(options, extras.prompts, extras.defaultPromptName),
  };
}

function fitLength(longest: number, options: ServeOptions, onNotice: (notice: string) => void): number {
  const { maxBatchTokens, autoTruncate } = options;
  if (longest <= maxBatchTokens) return longest;
  if (!autoTruncate) {
    throw new StartError(
      `the model takes ${longest} tokens, a batch only ${maxBatchTokens}: raise --max-batch-tokens or set --auto-truncate`,
    );
  }
  onNotice(`inputs are limited to ${maxBatchTokens} tokens by --max-batch-tokens (the model would take ${longest})`);
  return maxBatchTokens;
}

function defaultPrompt(
  options: ServeOptions,
  prompts: ReadonlyMap<string, string>,
  modelDefault: string | undefined,
): string | undefined {
  if (options.defaultPrompt !== undefined) return options.defaultPrompt;
  const name = options.defaultPromptName ?? modelDefault;
  if (name === undefined) return undefined;
  const prompt = prompts.get(name);
  if (prompt !== undefined) return prompt;
  const known = [...prompts.keys()].join(", ") || "none";
  throw new StartError(`the model has no prompt ${JSON.stringify(name)}: it knows ${known}`);
}

/** Hub models lie in a folder named after their commit. */
function shaOf(folder: string): string | null {
  const name = basename(folder);
  return basename(dirname(folder)) === "snapshots" && /^[0-9a-f]{40}$/.test(name) ? name : null;
}
