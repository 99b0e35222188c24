/** What the HTTP side knows of a model without loading its weights: config, tokenizer, pooling, prompts and the longest input. */
import type { EncoderInfo, Head, QuantizedFormat } from "@modernbert-ts/encoder";
import {
  checkConfig,
  noticeAssumptions,
  openFolder,
  promptText,
  quantizationOf,
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
  /** What the folder says of the model; modules that make scores make it a classifier. */
  readonly info: EncoderInfo;
  /** What its linear layers are stored in; undefined for floating point. */
  readonly quantized: QuantizedFormat | undefined;
  /** The head that its weights are loaded with. */
  readonly head: Head;
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
  const { head, ...encoder } = await readInfo(opened);
  const { info, tokenizer, settings } = await readTextSide(opened, { ...encoder, head }, onNotice);
  const { embedding } = settings;
  checkTypes(tokenizer, info);
  const maxInputLength = fitLength(settings.maxLength, options, onNotice);
  const vectors = vectorKindOf(info, settings, options.pooling);
  if (vectors.name === "pooled") noticeAssumptions(embedding, onNotice);
  return {
    folder,
    sha: snapshotCommit(folder) ?? null,
    info,
    quantized: await quantizationOf(opened),
    head,
    tokenizer,
    vectors,
    settings: { ...settings, maxLength: maxInputLength },
    maxInputLength,
    defaultPrompt: defaultPrompt(options, settings),
  };
}

/** @throws StartError for a template that types single texts: texts travel as ids. */
function checkTypes(tokenizer: Tokenizer, { typeVocabSize }: EncoderInfo): void {
  if (typeVocabSize === 0) return;
  const type = tokenizer.encode("a", { truncation: false, padding: false }).typeIds.find((id) => id > 0);
  if (type === undefined) return;
  throw new StartError(
    `the template of a single text in tokenizer.json has token type ${type}, which is not served: write type_id 0 there`,
  );
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
