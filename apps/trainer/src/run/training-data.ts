/** What a run trains on, and how what `prepare` made is opened for it: shards and tokenizer. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openTokenizerFile } from "@modernbert-ts/pipelines";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import { openTokenShards } from "@modernbert-ts/training";
import type { TokenRoles, TokenShardReader, TrainingStore } from "@modernbert-ts/training";
import { UserError } from "../errors.ts";
import { roleTokens } from "./token-roles.ts";

/** Names inside the data folder. */
export const dataLayout = {
  train: "train",
  validation: "validation",
  tokenizer: "tokenizer.json",
  tokenizerConfig: "tokenizer_config.json",
} as const;

/** Documents or examples. */
export type DataStore = TrainingStore & { readonly tokens: number };

export interface TrainingData {
  readonly tokenizer: Tokenizer;
  readonly roles: TokenRoles;
  readonly train: DataStore;
  readonly validation: DataStore | undefined;
  /** Of the classes, where the data have any. */
  readonly labels: readonly string[];
}

export interface ShardData extends TrainingData {
  readonly train: TokenShardReader;
  readonly validation: TokenShardReader | undefined;
}

/** @throws UserError (no such folder, no tokenizer), DataError, TokenizerError, SafetensorsError. */
export async function openTrainingData(path: string): Promise<ShardData> {
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
    train: openTokenShards(join(path, dataLayout.train), { vocabSize }),
    validation: existsSync(validation) ? openTokenShards(validation, { vocabSize }) : undefined,
    labels: [],
  };
}
