/** What `prepare` made, opened for a run: shards, tokenizer, loaders. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openTokenizerFile } from "@modernbert-ts/pipelines";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import { openTokenShards } from "@modernbert-ts/training";
import type { TokenRoles, TokenShardReader } from "@modernbert-ts/training";
import { UserError } from "../errors.ts";
import { wordEdgesOf } from "./word-edges.ts";

/** Names inside the data folder. */
export const dataLayout = {
  train: "train",
  validation: "validation",
  tokenizer: "tokenizer.json",
  tokenizerConfig: "tokenizer_config.json",
} as const;

export interface TrainingData {
  readonly tokenizer: Tokenizer;
  readonly roles: TokenRoles;
  readonly wordEdges: Uint8Array;
  readonly train: TokenShardReader;
  readonly validation: TokenShardReader | undefined;
}

/** @throws UserError (no such folder, no tokenizer), DataError, TokenizerError, SafetensorsError. */
export async function openTrainingData(path: string): Promise<TrainingData> {
  const tokenizerPath = join(path, dataLayout.tokenizer);
  const tokenizer = await openTokenizerFile(tokenizerPath);
  if (tokenizer === undefined)
    throw new UserError(
      `there is no ${tokenizerPath}: make the data with \`modernbert-train prepare TEXT... --output ${path}\``,
    );
  const { vocabSize } = tokenizer;
  const validation = join(path, dataLayout.validation);
  return {
    tokenizer,
    roles: roleTokens(tokenizer),
    wordEdges: wordEdgesOf(tokenizer),
    train: openTokenShards(join(path, dataLayout.train), { vocabSize }),
    validation: existsSync(validation) ? openTokenShards(validation, { vocabSize }) : undefined,
  };
}

/** Compares every shard with its hash. @throws DataError `corrupt` that names the file. */
export async function verifyShards({ train, validation }: TrainingData): Promise<void> {
  await train.verify();
  await validation?.verify();
}

/** @throws UserError when the tokenizer lacks one that every objective needs. */
export function roleTokens({ specialTokens: { cls, sep, mask, pad } }: Tokenizer): TokenRoles {
  if (cls === undefined || sep === undefined || pad === undefined)
    throw new UserError(
      "expected a tokenizer with tokens for cls, sep and pad (such as [CLS], [SEP] and [PAD]), got one without: take another tokenizer, or name them in its tokenizer_config.json",
    );
  return { cls, sep, mask, pad };
}
