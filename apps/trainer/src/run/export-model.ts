/** A checkpoint as a Hugging Face model folder: weights, config and tokenizer without what only training needs. */
import { closeSync, copyFileSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { AtomicDirectory, ioError, openCheckpoint, openLatestCheckpoint } from "@modernbert-ts/training";
import { UserError } from "../errors.ts";
import { runLayout } from "../run-folder.ts";

const exported = ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"];

/** Of models of sentence-transformers. */
const exportedIfThere = [
  "modules.json",
  "sentence_bert_config.json",
  "config_sentence_transformers.json",
  "1_Pooling/config.json",
];

export interface ExportOptions {
  /** Replace a folder that is there. */
  readonly overwrite?: boolean;
}

/**
 * Every hash of the checkpoint is compared first; the folder appears whole or not at all.
 * @throws CheckpointError, DataError (folder in use, disk).
 */
export async function exportCheckpoint(checkpoint: string, target: string, options: ExportOptions = {}): Promise<void> {
  await openCheckpoint(checkpoint);
  const earlier = `${target}.earlier`;
  const replaces = options.overwrite === true && existsSync(target);
  if (replaces) {
    try {
      rmSync(earlier, { recursive: true, force: true });
      renameSync(target, earlier);
    } catch (error) {
      throw ioError("export", target, error);
    }
  }
  try {
    copyInto(new AtomicDirectory(target), checkpoint);
  } catch (error) {
    if (replaces) renameSync(earlier, target);
    throw error;
  }
  rmSync(earlier, { recursive: true, force: true });
}

function copyInto(folder: AtomicDirectory, checkpoint: string): void {
  try {
    const more = exportedIfThere.filter((name) => existsSync(join(checkpoint, name)));
    for (const name of [...exported, ...more]) {
      const path = join(folder.path, name);
      mkdirSync(dirname(path), { recursive: true });
      copyFileSync(join(checkpoint, name), path);
      const descriptor = openSync(path, "r+");
      fsyncSync(descriptor);
      closeSync(descriptor);
    }
    folder.commit();
  } catch (error) {
    folder.discard();
    throw ioError("export", folder.target, error);
  }
}

/** The checkpoint that a path means: itself, or the latest whole one of a run's folder. @throws UserError, CheckpointError. */
export async function checkpointAt(path: string, onNotice: (notice: string) => void): Promise<string> {
  const folder = join(path, runLayout.checkpoints);
  if (!existsSync(folder)) return path;
  const latest = await openLatestCheckpoint(folder, onNotice);
  if (latest) return latest.path;
  throw new UserError(`there is no checkpoint in ${folder} yet: train first`);
}
