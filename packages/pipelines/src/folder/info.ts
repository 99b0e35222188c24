/** What a folder's config.json says of its model, without weights. */
import { readFolderConfig } from "@modernbert-ts/encoder";
import type { EncoderInfo } from "@modernbert-ts/encoder";
import type { Folder } from "@modernbert-ts/safetensors";
import { architectures } from "../architectures.ts";
import { viewFolder } from "./decision.ts";

/** The head is "none" where config.json names no known class. @throws CheckpointError, ConfigError */
export async function readInfo(folder: Folder): Promise<EncoderInfo> {
  const { architecture, config, head = "none" } = await readFolderConfig(await viewFolder(folder), architectures);
  return architecture.kind.info(config, head);
}

/** Whether its linear layers are stored in bytes, and so computed with. @throws CheckpointError, ConfigError */
export async function isQuantized(folder: Folder): Promise<boolean> {
  return (await readFolderConfig(await viewFolder(folder), architectures)).quantized;
}
