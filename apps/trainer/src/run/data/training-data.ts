/** What a run trains on, and how what `prepare` made is opened for it: shards of one folder or of several that are mixed, and their tokenizer. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openTokenizerFile } from "@modernbert-ts/pipelines";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import { joinStores, mixStores, openTokenShards } from "@modernbert-ts/training";
import type { CutOptions, DocumentStore, TokenRoles, TokenShardReader, TrainingStore } from "@modernbert-ts/training";
import type { DocumentsConfig, SourceConfig } from "../../config/documents-section.ts";
import { UserError } from "../../errors.ts";
import { roleTokens } from "./token-roles.ts";
import { wordEdgesOf } from "./word-edges.ts";

/** Names inside the data folder. */
export const dataLayout = {
  train: "train",
  validation: "validation",
  tokenizer: "tokenizer.json",
  tokenizerConfig: "tokenizer_config.json",
  /** Which files it was made of. */
  sources: "sources.json",
} as const;

/** The shards of one folder. */
interface FolderShards {
  readonly name: string;
  readonly language?: string | undefined;
  readonly train: TokenShardReader;
  readonly validation: TokenShardReader | undefined;
}

export interface HeldOutSource {
  readonly name: string;
  readonly store: TrainingStore;
  /** Of all held-out tokens. */
  readonly share: number;
}

export interface TrainingData {
  readonly tokenizer: Tokenizer;
  readonly roles: TokenRoles;
  readonly wordEdges: Uint8Array;
  /** Documents or examples. */
  readonly train: TrainingStore;
  readonly validation: TrainingStore | undefined;
  readonly trainTokens: number;
  readonly validationTokens: number;
  /** The held-out documents of each source, where there are several. */
  readonly validationSources: readonly HeldOutSource[];
  /** Of the classes, where the data have any. */
  readonly labels: readonly string[];
}

export interface ShardData extends TrainingData {
  readonly train: DocumentStore;
  /** The held-out documents of all sources, each once. */
  readonly validation: DocumentStore | undefined;
  readonly folders: readonly [FolderShards, ...FolderShards[]];
}

/**
 * @param cut how documents become sequences: shares of a mixture are shares of what is left of them.
 * @throws UserError (no such folder, no tokenizer, another tokenizer), DataError, TokenizerError, SafetensorsError.
 */
export async function openTrainingData(
  {
    path,
    sources = [{ name: "data", path: path! }],
    temperature,
  }: Pick<DocumentsConfig, "path" | "sources" | "temperature">,
  cut: CutOptions,
): Promise<ShardData> {
  const [first, ...others] = sources as [SourceConfig, ...SourceConfig[]];
  const tokenizer = await tokenizerOf(first);
  const text = JSON.stringify(tokenizer);
  for (const other of others) {
    if (JSON.stringify(await tokenizerOf(other)) !== text)
      throw new UserError(
        `expected one tokenizer for all sources, got others in ${first.path} and ${other.path}: prepare one with --tokenizer ${first.path}`,
      );
  }
  const folders = sources.map((source) => openShards(source, tokenizer)) as [FolderShards, ...FolderShards[]];
  const train = folders.map(({ name, train: store }) => ({ name, store }));
  const heldOut = folders.flatMap(({ name, validation: store }) => (store ? [{ name, store }] : []));
  const validationTokens = sum(heldOut.map(({ store }) => store.tokens));
  const weights = sources.flatMap(({ weight }) => weight ?? []);
  const mixing = { ...(weights.length > 0 && { weights }), ...(temperature !== undefined && { temperature }) };
  return {
    tokenizer,
    roles: roleTokens(tokenizer),
    wordEdges: wordEdgesOf(tokenizer),
    train: others.length === 0 ? train[0]!.store : mixStores(train, cut, mixing),
    validation: heldOut.length === 0 ? undefined : joinStores(heldOut),
    trainTokens: sum(folders.map((folder) => folder.train.tokens)),
    validationTokens,
    validationSources:
      heldOut.length < 2
        ? []
        : heldOut.map(({ name, store }) => ({ name, store, share: store.tokens / validationTokens })),
    labels: [],
    folders,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

async function tokenizerOf({ path }: SourceConfig): Promise<Tokenizer> {
  const file = join(path, dataLayout.tokenizer);
  const tokenizer = await openTokenizerFile(file);
  if (tokenizer) return tokenizer;
  throw new UserError(`there is no ${file}: make the data with \`modernbert-train prepare TEXT... --output ${path}\``);
}

function openShards({ name, path, language }: SourceConfig, { vocabSize }: Tokenizer): FolderShards {
  const validation = join(path, dataLayout.validation);
  return {
    name,
    language,
    train: openTokenShards(join(path, dataLayout.train), { vocabSize }),
    validation: existsSync(validation) ? openTokenShards(validation, { vocabSize }) : undefined,
  };
}

/** Compares every shard with its hash. @throws DataError `corrupt` that names the file. */
export async function verifyShards({ folders }: ShardData): Promise<void> {
  for (const { train, validation } of folders) {
    await train.verify();
    await validation?.verify();
  }
}
