/** What `prepare` made, opened for a run: shards, tokenizer, loaders. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openTokenizerFile } from "@modernbert-ts/pipelines";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import { batchesOf, openTokenShards } from "@modernbert-ts/training";
import type { Batch, BatchSettings, Objective, TokenShardReader } from "@modernbert-ts/training";
import { UserError } from "../errors.ts";

/** Names inside the data folder. */
export const dataLayout = {
  train: "train",
  validation: "validation",
  tokenizer: "tokenizer.json",
  tokenizerConfig: "tokenizer_config.json",
} as const;

export interface RoleTokens {
  readonly cls: number;
  readonly sep: number;
  readonly mask: number;
  readonly pad: number;
}

export interface TrainingData {
  readonly tokenizer: Tokenizer;
  readonly roles: RoleTokens;
  readonly train: TokenShardReader;
  readonly validation: TokenShardReader | undefined;
}

/** Errors: UserError (no such folder, no tokenizer), DataError, TokenizerError, SafetensorsError. */
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
    train: openTokenShards(join(path, dataLayout.train), { vocabSize }),
    validation: existsSync(validation) ? openTokenShards(validation, { vocabSize }) : undefined,
  };
}

/** Errors: UserError when the tokenizer lacks one of the four. */
export function roleTokens({ specialTokens: { cls, sep, mask, pad } }: Tokenizer): RoleTokens {
  if (cls === undefined || sep === undefined || mask === undefined || pad === undefined)
    throw new UserError(
      "expected a tokenizer with tokens for cls, sep, mask and pad (such as [CLS], [SEP], [MASK] and [PAD]), got one without: take another tokenizer, or name them in its tokenizer_config.json",
    );
  return { cls, sep, mask, pad };
}

/** The same batches each time, whatever the run's seed: at most about `tokens` tokens. */
export function validationBatches(
  objective: Objective,
  { roles }: TrainingData,
  store: TokenShardReader,
  settings: Omit<BatchSettings, "seed" | "rows">,
  tokens: number,
): Iterable<Batch<unknown>> {
  const loader = objective.loader({ store, roles }, { ...settings, seed: 0, rows: 1 }, 1);
  return batchesOf(loader, Math.max(1, Math.ceil(tokens / settings.rowLength)));
}
