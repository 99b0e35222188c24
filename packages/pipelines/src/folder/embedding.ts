/** How a folder's texts become vectors: pooling, what follows it, dimensions, as sentence-transformers reads them. */
import { CheckpointError } from "@modernbert-ts/encoder";
import type { JsonObject } from "@modernbert-ts/encoder";
import type { Folder } from "@modernbert-ts/safetensors";
import { field, isCount, isFlag, readJsonObject } from "./json-file.ts";
import { configOf, readModules } from "./modules.ts";
import type { Module } from "./modules.ts";
import { readSteps } from "./steps.ts";
import type { Step } from "./steps.ts";
import type { ModelFolder } from "./uncertain.ts";

export const poolingModes = ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"] as const;
export type PoolingMode = (typeof poolingModes)[number];

/** The vectors of several modes are put one behind another. */
export type PoolingModes = PoolingMode | readonly PoolingMode[];

export interface EmbeddingSettings {
  /** Names the folder in errors. */
  readonly folder: string;
  /** Pooling modes as the folder names them. */
  readonly poolingModes: readonly string[];
  /** Whether the tokens of a prompt count in the pooling. */
  readonly includePrompt: boolean;
  /** What makes a vector of the pooled one, in order. */
  readonly steps: readonly Step[];
  /** Whether vectors are scaled to length 1 at the end. */
  readonly normalize: boolean;
  /** Numbers of a whole vector. */
  readonly width: number;
  /** The first so many numbers of a vector are kept; all where undefined. */
  readonly dimensions: number | undefined;
  /** The pooling's settings, where modules.json names them and they are not there. */
  readonly missingPooling: string | undefined;
  /** Files that are not in this folder though its model may have them. */
  readonly uncertain: readonly string[];
  /** Modules of modules.json and settings of theirs that are not computed: vectors would be others. */
  readonly refusedModules: readonly string[];
  /** What to do where they are refused. */
  readonly remedy: string;
}

/**
 * @param list the modules of the folder.
 * @param texts config_sentence_transformers.json.
 * @param hiddenSize of the encoder.
 * @param foreign settings of the model's texts that are not known.
 * @throws CheckpointError on malformed files.
 */
export async function readEmbedding(
  folder: ModelFolder,
  list: readonly Module[] | undefined,
  texts: JsonObject | undefined,
  hiddenSize: number,
  foreign: readonly string[],
): Promise<EmbeddingSettings> {
  const modules = readModules(list);
  const { listed, poolingPath } = modules;
  const path = configOf(poolingPath ?? "");
  const pooling = poolingPath === undefined ? {} : await readJsonObject(folder, path);
  const modes = poolingPath === undefined ? [] : modesOf(folder, path, pooling ?? {});
  const { steps, width, refused } = await readSteps(folder, modules.steps, hiddenSize * Math.max(1, modes.length));
  return {
    folder: folder.name,
    poolingModes: modes,
    includePrompt: field(folder, path, pooling, "include_prompt", "true or false", isFlag) ?? true,
    steps,
    normalize: steps.at(-1)?.kind === "Normalize",
    width,
    dimensions: field(
      folder,
      "config_sentence_transformers.json",
      texts,
      "truncate_dim",
      "a positive whole number",
      isCount,
    ),
    missingPooling: listed && pooling === undefined ? path : undefined,
    uncertain: folder.uncertain ?? [],
    refusedModules: [
      ...refusedUses(texts),
      ...modules.refused,
      ...refusedPooling(path, pooling),
      ...refused,
      ...foreign,
    ],
    remedy: remedies.get(String(texts?.["model_type"])) ?? "use another model for embeddings",
  };
}

/**
 * The pooling to compute: the one asked for, else the folder's.
 * @throws CheckpointError where the folder's vectors need what is not computed, by name.
 */
export function requirePooling(settings: EmbeddingSettings, asked?: PoolingModes): PoolingModes {
  const { folder, missingPooling, refusedModules, remedy } = settings;
  if (refusedModules.length > 0) {
    throw new CheckpointError(
      "embed",
      `expected modules that are computed (Transformer, Pooling, Dense, LayerNorm, Normalize) in ${folder}/modules.json, got ${refusedModules.join(", ")}: ${remedy}`,
    );
  }
  if (asked) return asked;
  if (missingPooling !== undefined) {
    throw new CheckpointError(
      "embed",
      `expected ${missingPooling} in ${folder}, which modules.json names, got no such file: put it there, or choose cls or mean`,
    );
  }
  const modes = settings.poolingModes;
  if (modes.length > 0 && modes.every(isMode)) return modes.length === 1 ? modes[0]! : modes;
  throw new CheckpointError(
    "embed",
    `expected pooling ${poolingModes.join(", ")} in ${folder}, got ${modes.join(" and ") || "none"}, which is not computed: choose cls or mean`,
  );
}

function isMode(mode: string): mode is PoolingMode {
  return (poolingModes as readonly string[]).includes(mode);
}

const remedies: ReadonlyMap<string, string> = new Map([
  ["SparseEncoder", "embedSparse makes its vectors"],
  ["MultiVectorEncoder", "embedMulti makes its vectors"],
  ["ColBERT", "embedMulti makes its vectors"],
  ["CrossEncoder", "it scores pairs, rerank with it"],
]);

/** Kinds of models of which a vector per text is not what they were made for. */
function refusedUses(texts: JsonObject | undefined): string[] {
  const kind = texts?.["model_type"];
  return kind === undefined || kind === null || kind === "SentenceTransformer"
    ? []
    : [`model_type ${JSON.stringify(kind)} of config_sentence_transformers.json`];
}

/** Settings of the pooling that are not known; flags of modes are refused as modes. */
function refusedPooling(path: string, pooling: JsonObject = {}): string[] {
  const known = ["word_embedding_dimension", "embedding_dimension", "pooling_mode", "include_prompt"];
  return Object.keys(pooling)
    .filter((key) => !known.includes(key) && !key.startsWith("pooling_mode_"))
    .map((key) => `${key} of ${path}`);
}

/** `pooling_mode_cls_token: true` of older files, by the names of the newer. */
const flags: Readonly<Record<string, string>> = {
  pooling_mode_cls_token: "cls",
  pooling_mode_max_tokens: "max",
  pooling_mode_mean_tokens: "mean",
  pooling_mode_mean_sqrt_len_tokens: "mean_sqrt_len_tokens",
  pooling_mode_weightedmean_tokens: "weightedmean",
  pooling_mode_lasttoken: "lasttoken",
};

/** Both forms of the file: `pooling_mode` is a mode or a list of them, or each mode has a flag; mean where nothing is said. */
function modesOf(folder: Folder, path: string, config: JsonObject): readonly string[] {
  const modes = field(folder, path, config, "pooling_mode", "a mode or a list of modes", isModes);
  if (modes !== undefined) return [modes].flat();
  const unknown = Object.keys(config).filter((key) => key.startsWith("pooling_mode_") && !(key in flags));
  const on = [...Object.keys(flags), ...unknown].filter((key) => config[key] === true);
  return on.length === 0 ? ["mean"] : on.map((key) => flags[key] ?? key);
}

function isModes(value: unknown): value is string | readonly string[] {
  return [value].flat().every((mode) => typeof mode === "string");
}
