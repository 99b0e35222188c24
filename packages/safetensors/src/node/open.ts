/** Opens a checkpoint by path: one file, an index of shards, or a folder that holds either under its standard name. */

import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { quote, SafetensorsError } from "../errors.ts";
import { isObject } from "../header.ts";
import { openSources, type ByteSource, type SafetensorsReader } from "../reader.ts";
import { openFileSource } from "./file-source.ts";

const modelFile = "model.safetensors";
const indexFile = "model.safetensors.index.json";

/**
 * Opens a .safetensors file, a `*.safetensors.index.json`, or a folder with `model.safetensors` or `model.safetensors.index.json`.
 * Only headers are read. Close the reader when done. Rejects with SafetensorsError on a missing, corrupt or truncated file.
 */
export async function openSafetensors(pathOrDir: string): Promise<SafetensorsReader> {
  const path = await resolveCheckpoint(pathOrDir);
  if (!path.endsWith(".index.json")) return openAll([path]);
  const shardOf = await readIndex(path);
  return openAll(
    [...new Set(shardOf.values())].map((shard) => join(dirname(path), shard)),
    shardOf,
  );
}

async function resolveCheckpoint(path: string): Promise<string> {
  if (!(await isKind(path, "directory"))) return path;
  for (const name of [modelFile, indexFile]) {
    if (await isKind(join(path, name), "file")) return join(path, name);
  }
  throw new SafetensorsError(
    path,
    `expected ${modelFile} or ${indexFile} in this folder, got neither; give a folder that was saved in the safetensors format`,
  );
}

async function isKind(path: string, kind: "file" | "directory"): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return kind === "file" ? found?.isFile() === true : found?.isDirectory() === true;
}

async function openAll(paths: readonly string[], shardOf?: ReadonlyMap<string, string>): Promise<SafetensorsReader> {
  const sources: ByteSource[] = [];
  try {
    for (const path of paths) sources.push(await openFileSource(path, shardOf === undefined ? path : basename(path)));
    return await openSources(sources, shardOf);
  } catch (error) {
    for (const source of sources) await source.close?.();
    throw error;
  }
}

/** Tensor name to shard file name. Shards must lie beside the index: a path in it could point anywhere on the disk. */
async function readIndex(path: string): Promise<ReadonlyMap<string, string>> {
  let index: unknown;
  try {
    index = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new SafetensorsError(path, `expected a JSON index, got ${quote((cause as Error).message)}`, undefined, {
      cause,
    });
  }
  const weightMap = isObject(index) ? index["weight_map"] : undefined;
  if (!isObject(weightMap))
    throw new SafetensorsError(path, `expected an object "weight_map", got ${quote(weightMap)}`);
  const shardOf = new Map<string, string>();
  for (const [name, shard] of Object.entries(weightMap)) {
    if (typeof shard !== "string" || !/^[^/\\]+\.safetensors$/.test(shard)) {
      throw new SafetensorsError(
        path,
        `expected the name of a .safetensors file beside the index, got ${quote(shard)}`,
        name,
      );
    }
    shardOf.set(name, shard);
  }
  return shardOf;
}
