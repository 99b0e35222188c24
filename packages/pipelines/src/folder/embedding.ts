/** How a folder's texts become vectors: pooling, normalisation, dimensions, as sentence-transformers reads them. */
import { CheckpointError } from "@modernbert-ts/encoder";
import type { JsonObject, Pooling } from "@modernbert-ts/encoder";
import type { Folder } from "@modernbert-ts/safetensors";
import { field, isCount, isFlag, readJsonObject } from "./json-file.ts";
import { readModules } from "./modules.ts";
import type { ModelFolder } from "./uncertain.ts";

export interface EmbeddingSettings {
  /** Names the folder in errors. */
  readonly folder: string;
  /** Pooling modes as the folder names them; one of cls and mean is computed. */
  readonly poolingModes: readonly string[];
  /** Whether the tokens of a prompt count in the pooling. */
  readonly includePrompt: boolean;
  /** Whether vectors are scaled to length 1. */
  readonly normalize: boolean;
  /** The first so many numbers of a vector are kept; all where undefined. */
  readonly dimensions: number | undefined;
  /** The pooling's settings, where modules.json names them and they are not there. */
  readonly missingPooling: string | undefined;
  /** Files that are not in this folder though its model may have them. */
  readonly uncertain: readonly string[];
  /** Modules of modules.json that are not computed: their vectors would be others. */
  readonly refusedModules: readonly string[];
}

/** @param texts config_sentence_transformers.json. @throws CheckpointError on malformed files. */
export async function readEmbedding(folder: ModelFolder, texts: JsonObject | undefined): Promise<EmbeddingSettings> {
  const { listed, poolingPath, normalize, refused } = await readModules(folder);
  const path = [...(poolingPath ? [poolingPath] : []), "config.json"].join("/");
  const pooling = poolingPath === undefined ? {} : await readJsonObject(folder, path);
  return {
    folder: folder.name,
    poolingModes: poolingPath === undefined ? [] : modesOf(folder, path, pooling ?? {}),
    includePrompt: field(folder, path, pooling, "include_prompt", "true or false", isFlag) ?? true,
    normalize,
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
    refusedModules: refused,
  };
}

/**
 * The pooling to compute: the one asked for, else the folder's.
 * @throws CheckpointError where the folder's vectors need what is not computed, by name.
 */
export function requirePooling(settings: EmbeddingSettings, asked?: Pooling): Pooling {
  const { folder, poolingModes, missingPooling, refusedModules } = settings;
  if (refusedModules.length > 0) {
    throw new CheckpointError(
      "embed",
      `expected modules that are computed (Transformer, Pooling, Normalize) in ${folder}/modules.json, got ${refusedModules.join(", ")}: use another model for embeddings`,
    );
  }
  const [mode] = poolingModes;
  if (asked) return asked;
  if (missingPooling !== undefined) {
    throw new CheckpointError(
      "embed",
      `expected ${missingPooling} in ${folder}, which modules.json names, got no such file: put it there, or choose cls or mean`,
    );
  }
  if (poolingModes.length === 1 && (mode === "cls" || mode === "mean")) return mode;
  throw new CheckpointError(
    "embed",
    `expected pooling cls or mean in ${folder}, got ${poolingModes.join(" and ") || "none"}, which is not computed: choose cls or mean`,
  );
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
  const on = Object.keys(config).filter((key) => key.startsWith("pooling_mode_") && config[key] === true);
  return on.length === 0 ? ["mean"] : on.map((key) => flags[key] ?? key);
}

function isModes(value: unknown): value is string | readonly string[] {
  return [value].flat().every((mode) => typeof mode === "string");
}
