/** What the HTTP side knows of a model without loading its weights: config, tokenizer, pooling, prompts and the longest input. */
import type { EncoderInfo } from "@modernbert-ts/encoder";
import {
  checkConfig,
  noticeAssumptions,
  openFolder,
  promptText,
  readInfo,
  readTextSide,
  resolveModelFolder,
  snapshotCommit,
} from "@modernbert-ts/pipelines";
import type { TextSettings } from "@modernbert-ts/pipelines";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import { StartError } from "../errors.ts";
import type { ServeOptions } from "../options.ts";
import { vectorKindOf } from "./vector-kind.ts";
import type { VectorKind } from "./vector-kind.ts";

export interface ModelFiles {
  readonly folder: string;
  /** Commit of a model from the hub. */
  readonly sha: string | null;
  readonly info: EncoderInfo;
  readonly tokenizer: Tokenizer;
  readonly vectors: VectorKind;
  /** What the folder says of texts and vectors. */
  readonly settings: TextSettings;
  /** Tokens of one input, special tokens included. */
  readonly maxInputLength: number;
  /** Put before every text that names no prompt. */
  readonly defaultPrompt: string | undefined;
}

export async function readModelFiles(options: ServeOptions, onNotice: (notice: string) => void): Promise<ModelFiles> {
  const folder = await resolveModelFolder(options.model, {
    ...(options.revision && { revision: options.revision }),
    check: checkConfig,
    onNotice,
  });
  const opened = await openFolder(folder);
  const info = await readInfo(opened);
  const { tokenizer, settings } = await readTextSide(opened, info, onNotice);
  const { embedding } = settings;
  const maxInputLength = fitLength(settings.maxLength, options, onNotice);
  const vectors = vectorKindOf(info, settings, options.pooling);
  if (vectors.name === "pooled") noticeAssumptions(embedding, onNotice);
  return {
    folder,
    sha: snapshotCommit(folder) ?? null,
    info,
    tokenizer,
    vectors,
    settings: { ...settings, maxLength: maxInputLength },
    maxInputLength,
    defaultPrompt: defaultPrompt(options, settings),
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
  { defaultPrompt: prompt, defaultPromptName: promptName }: ServeOptions,
  settings: TextSettings,
): string | undefined {
  const text = promptText(settings, { ...(prompt !== undefined && { prompt }), ...(promptName && { promptName }) });
  return text === "" ? undefined : text;
}
