/** The checkpoint in a folder: one file, or an index of shards. */

import { quote, SafetensorsError } from "./errors.ts";
import { isObject } from "./header.ts";
import type { Folder } from "./folder.ts";
import { openSources, type ByteSource, type SafetensorsReader } from "./reader.ts";
import { readText, textLimits } from "./text.ts";

const modelFile = "model.safetensors";
const indexFile = "model.safetensors.index.json";

/**
 * Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names. Only headers are read. Close the reader when done.
 * @throws SafetensorsError on a missing, corrupt or truncated file.
 */
export async function openCheckpoint(folder: Folder): Promise<SafetensorsReader> {
  const source = await folder.open(modelFile);
  if (source !== undefined) return openAll([source]);
  const index = await readText(folder, indexFile, textLimits.index);
  if (index !== undefined) return openShards(folder, indexFile, index);
  throw new SafetensorsError(
    folder.name,
    `expected ${modelFile} or ${indexFile} in this folder, got neither; give a folder that was saved in the safetensors format`,
  );
}

/**
 * Opens the shards that an index (its file name and text) gives.
 * @throws SafetensorsError on a malformed index, and on a missing, corrupt or truncated shard.
 */
export async function openShards(folder: Folder, file: string, index: string): Promise<SafetensorsReader> {
  const shardOf = parseIndex(`${folder.name}/${file}`, index);
  const sources: ByteSource[] = [];
  try {
    for (const shard of new Set(shardOf.values())) {
      const source = await folder.open(shard);
      if (source === undefined)
        throw new SafetensorsError(`${folder.name}/${shard}`, `expected this shard, as ${file} says, got no such file`);
      sources.push({ ...source, name: shard });
    }
  } catch (error) {
    await closeAll(sources);
    throw error;
  }
  return openAll(sources, shardOf);
}

/** As `openSources`, but closes the sources when they cannot be read. */
export async function openAll(
  sources: readonly ByteSource[],
  shardOf?: ReadonlyMap<string, string>,
): Promise<SafetensorsReader> {
  try {
    return await openSources(sources, shardOf);
  } catch (error) {
    await closeAll(sources);
    throw error;
  }
}

async function closeAll(sources: readonly ByteSource[]): Promise<void> {
  for (const source of sources) await source.close?.();
}

/** Tensor name to shard path. */
function parseIndex(file: string, text: string): ReadonlyMap<string, string> {
  let index: unknown;
  try {
    index = JSON.parse(text);
  } catch (cause) {
    throw new SafetensorsError(file, `expected a JSON index, got ${quote((cause as Error).message)}`, undefined, {
      cause,
    });
  }
  const weightMap = isObject(index) ? index["weight_map"] : undefined;
  if (!isObject(weightMap))
    throw new SafetensorsError(file, `expected an object "weight_map", got ${quote(weightMap)}`);
  const shardOf = new Map<string, string>();
  for (const [name, shard] of Object.entries(weightMap)) {
    if (!isShardPath(shard)) {
      throw new SafetensorsError(
        file,
        `expected the name of a .safetensors file beside the index or in a folder there, got ${quote(shard)}`,
        name,
      );
    }
    shardOf.set(name, shard);
  }
  return shardOf;
}

/** A path that stays below the index: names joined by `/`, none of them a step up, nothing that a file system or a URL reads otherwise. */
function isShardPath(value: unknown): value is string {
  return (
    typeof value === "string" &&
    value.endsWith(".safetensors") &&
    value.split("/").every((name) => /^[^\\:%?#\p{Cc}]+$/u.test(name) && name !== "." && name !== "..")
  );
}
