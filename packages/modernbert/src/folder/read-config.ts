/** config.json of a model folder, and the head that its `architectures` names. */
import { readText } from "@modernbert-ts/safetensors";
import type { Folder } from "@modernbert-ts/safetensors";
import { architectures } from "../config/config-json.ts";
import type { Head, ModernBertConfig } from "../config/config.ts";
import { parseConfig } from "../config/parse-config.ts";
import { CheckpointError, ConfigError, show } from "../errors.ts";

export interface FolderConfig {
  readonly config: ModernBertConfig;
  /** undefined where config.json has no `architectures`. */
  readonly head: Head | undefined;
}

/** @throws CheckpointError when there is no readable config.json, ConfigError when it describes no ModernBERT. */
export async function readFolderConfig(folder: Folder): Promise<FolderConfig> {
  const path = `${folder.name}/config.json`;
  const text = await readText(folder, "config.json");
  if (text === undefined) {
    throw new CheckpointError("readConfig", `expected ${path}, got no such file: give a Hugging Face model folder`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new CheckpointError("readConfig", `expected JSON in ${path}, got ${show((cause as Error).message)}`, {
      cause,
    });
  }
  const config = parseConfig(json);
  return { config, head: headOf((json as Record<string, unknown>)["architectures"]) };
}

function headOf(names: unknown): Head | undefined {
  const name: unknown = Array.isArray(names) ? names[0] : undefined;
  if (name === undefined) return undefined;
  const found = Object.entries(architectures).find(([, architecture]) => architecture === name);
  if (found) return found[0] as Head;
  const known = Object.values(architectures).join(", ");
  throw new ConfigError("config", `expected architectures[0] to be one of ${known}, got ${show(name)}`);
}
