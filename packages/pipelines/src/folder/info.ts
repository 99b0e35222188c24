/** What a folder's config.json says of its model, without weights. */
import { readFolderConfig } from "@modernbert-ts/encoder";
import type { EncoderInfo, QuantizedFormat } from "@modernbert-ts/encoder";
import type { Folder } from "@modernbert-ts/safetensors";
import { architectures } from "../architectures.ts";
import { viewFolder } from "./decision.ts";

/** The head is "none" where config.json names no known class. @throws CheckpointError, ConfigError */
export async function readInfo(folder: Folder): Promise<EncoderInfo> {
  const { architecture, config, head = "none" } = await readFolderConfig(await viewFolder(folder), architectures);
  return architecture.kind.info(config, head);
}

/** What its linear layers are stored in, and so computed with; undefined for floating point. @throws CheckpointError, ConfigError */
export async function quantizationOf(folder: Folder): Promise<QuantizedFormat | undefined> {
  return (await readFolderConfig(await viewFolder(folder), architectures)).quantized;
}
