/** Which files of a repository make a model folder, in the order in which they are wanted: what is small and says most comes first. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decisionFiles } from "../folder/decision.ts";

const settings = [
  "config.json",
  "modules.json",
  "config_sentence_transformers.json",
  "sentence_bert_config.json",
  "1_Pooling/config.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "tokenizer.json",
  ...decisionFiles,
];
export const weightsFile = "model.safetensors";
const indexFile = "model.safetensors.index.json";
/** The files of which one is or names the weights, the first that is there. */
export const weightsEntries: readonly string[] = [weightsFile, indexFile];

/** Settings and tokenizer of which `has` knows. */
export function settingsFiles(has: (path: string) => boolean): readonly string[] {
  return settings.filter(has);
}

/** A file of each of the modules that a folder's modules.json names, wherever they lie. */
export async function moduleFiles(folder: string, file: string): Promise<readonly string[]> {
  const modules = await readJson(folder, "modules.json");
  if (!Array.isArray(modules)) return [];
  return (modules as readonly ({ readonly path?: unknown } | null)[])
    .map((module) => module?.path)
    .filter((path): path is string => typeof path === "string" && isInside(path))
    .map((path) => `${path}/${file}`);
}

/** The files of the weights: `entry` itself, or the shards that it names in a folder. */
export async function weightFiles(folder: string, entry: string): Promise<readonly string[]> {
  if (entry === weightsFile) return [weightsFile];
  const index = (await readJson(folder, entry)) as { readonly weight_map?: object } | null | undefined;
  const shards: unknown[] = Object.values(index?.weight_map ?? {});
  return [...new Set(shards.filter((path): path is string => typeof path === "string" && isInside(path)))];
}

/** JSON of a file in a folder; undefined where it cannot be read: whoever loads the folder says why. */
async function readJson(folder: string, path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(folder, path), "utf8"));
  } catch {
    return undefined;
  }
}

/** Whether a path from a file stays in the folder. */
function isInside(path: string): boolean {
  return !/[\\:]/.test(path) && path.split("/").every((part) => !["", ".", ".."].includes(part));
}
