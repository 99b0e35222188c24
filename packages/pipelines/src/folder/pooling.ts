/** How the tokens of a text become one row: the settings of a Pooling of sentence-transformers. */
import type { JsonObject } from "@modernbert-ts/encoder";
import type { Folder } from "@modernbert-ts/safetensors";
import { field, isFlag, readJsonObject } from "./json-file.ts";
import { configOf } from "./modules.ts";

export const poolingModes = ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"] as const;
export type PoolingMode = (typeof poolingModes)[number];

/** The vectors of several modes are put one behind another. */
export type PoolingModes = PoolingMode | readonly PoolingMode[];

export interface PoolingSettings {
  /** As the folder names them; none where it has no pooling. */
  readonly modes: readonly string[];
  /** Whether the tokens of a prompt count. */
  readonly includePrompt: boolean;
  /** The file of the settings, where it is not there. */
  readonly missing: string | undefined;
  /** What is asked for and not known. */
  readonly refused: readonly string[];
}

/** @param at where the pooling lies; undefined where there is none. @throws CheckpointError on a malformed file. */
export async function readPooling(folder: Folder, at: string | undefined): Promise<PoolingSettings> {
  if (at === undefined) return { modes: [], includePrompt: true, missing: undefined, refused: [] };
  const path = configOf(at);
  const found = await readJsonObject(folder, path);
  const config = found ?? {};
  return {
    modes: modesOf(folder, path, config),
    includePrompt: field(folder, path, config, "include_prompt", "true or false", isFlag) ?? true,
    missing: found ? undefined : path,
    refused: unknownSettings(path, config),
  };
}

export function isPoolingMode(mode: string): mode is PoolingMode {
  return (poolingModes as readonly string[]).includes(mode);
}

/** Settings that are not known; flags of modes are refused as modes. */
function unknownSettings(path: string, config: JsonObject): string[] {
  const known = ["word_embedding_dimension", "embedding_dimension", "pooling_mode", "include_prompt"];
  return Object.keys(config)
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
