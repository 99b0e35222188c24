/** What `prepare` made, opened for a run: shards, tokenizer, loaders. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Tokenizer } from "@modernbert-ts/tokenizer";
import { batchesOf, openTokenShards, PackedMlmLoader } from "@modernbert-ts/training";
import type { PackedMlmBatch, PackedMlmLoaderState, TokenShardReader, TokenSchedule } from "@modernbert-ts/training";
import { UserError } from "../errors.ts";

/** Names inside the data folder. */
export const dataLayout = { train: "train", validation: "validation", tokenizer: "tokenizer.json" } as const;

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

/** Errors: UserError (no such folder, no tokenizer), DataError, TokenizerError. */
export function openTrainingData(path: string): TrainingData {
  const tokenizerPath = join(path, dataLayout.tokenizer);
  if (!existsSync(tokenizerPath))
    throw new UserError(
      `there is no ${tokenizerPath}: make the data with \`modernbert-train prepare TEXT... --output ${path}\``,
    );
  const tokenizer = Tokenizer.fromJSON(readFileSync(tokenizerPath, "utf8"));
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
      "expected a tokenizer with [CLS], [SEP], [MASK] and [PAD], got one without: take another tokenizer",
    );
  return { cls, sep, mask, pad };
}

export interface LoaderSettings {
  readonly seed: number;
  readonly maxLength: number;
  readonly longDocuments: "split" | "truncate";
  readonly rowLength: number;
  readonly rows: TokenSchedule;
  readonly maskProbability: number;
  readonly maskSpecials: boolean;
}

export function trainLoader(
  data: TrainingData,
  settings: LoaderSettings,
  state?: PackedMlmLoaderState,
): PackedMlmLoader {
  return createLoader(data.train, data.roles, settings, undefined, state);
}

/** The same batches with the same masks each time, whatever the run's seed: at most about `tokens` tokens. */
export function validationBatches(
  { roles }: TrainingData,
  store: TokenShardReader,
  settings: Omit<LoaderSettings, "seed" | "rows">,
  tokens: number,
): Iterable<PackedMlmBatch> {
  const loader = createLoader(store, roles, { ...settings, seed: 0, rows: 1 }, 1);
  return batchesOf(loader, Math.max(1, Math.ceil(tokens / settings.rowLength)));
}

function createLoader(
  store: TokenShardReader,
  { cls, sep, mask, pad }: RoleTokens,
  { maskSpecials, ...settings }: LoaderSettings,
  epochs: number | undefined,
  state?: PackedMlmLoaderState,
): PackedMlmLoader {
  return new PackedMlmLoader(
    {
      ...settings,
      store,
      clsId: cls,
      sepId: sep,
      mask: { maskId: mask, specialIds: [cls, sep, pad, mask], maskSpecials },
      ...(epochs === undefined ? {} : { epochs }),
    },
    state,
  );
}
