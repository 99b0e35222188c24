/** A checkpoint of a run with LoRA as a PEFT folder. */
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { readFolderConfig } from "@modernbert-ts/encoder";
import type { Architecture, Encoder, HeadConfig } from "@modernbert-ts/encoder";
import { diskFolder } from "@modernbert-ts/safetensors/node";
import { DataError, ioError } from "../errors.ts";
import { AtomicDirectory } from "../files/atomic-directory.ts";
import { adapterFiles, openAdapterTensors, writeAdapterTensors } from "./adapter-tensors.ts";

const beside = [adapterFiles.config, adapterFiles.base, "config.json", "tokenizer.json", "tokenizer_config.json"];

/**
 * The folder appears whole or not at all. Resolves to whether it holds a moving average.
 * @throws DataError for a checkpoint of a whole model, a folder in use, the disk; SafetensorsError.
 */
export async function saveAdapter<C extends HeadConfig, E extends Encoder<C>>(
  checkpoint: string,
  target: string,
  { architectures, raw = false }: { readonly architectures: readonly Architecture<C, E>[]; readonly raw?: boolean },
): Promise<boolean> {
  if (!existsSync(join(checkpoint, adapterFiles.config)))
    throw new DataError(
      "invalid",
      "lora",
      `expected a checkpoint of a run with lora, got ${checkpoint}, which holds a whole model`,
    );
  const { architecture, head = "none" } = await readFolderConfig(diskFolder(checkpoint), architectures);
  await using tensors = await openAdapterTensors(checkpoint, { raw });
  const aside = new AtomicDirectory(target);
  try {
    await writeAdapterTensors(tensors, { kind: architecture.kind, head }, join(aside.path, adapterFiles.weights));
    for (const file of beside)
      if (existsSync(join(checkpoint, file))) copyFileSync(join(checkpoint, file), join(aside.path, file));
    aside.commit();
  } catch (error) {
    throw error instanceof Error && "code" in error && error.code === "ENOSPC" ? ioError("lora", target, error) : error;
  } finally {
    aside.discard();
  }
  return tensors.averaged;
}
