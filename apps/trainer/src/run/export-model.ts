/** A checkpoint as a Hugging Face model folder, or its adapter as a PEFT folder: weights, config and tokenizer without what only training needs. */
import { closeSync, copyFileSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  AtomicDirectory,
  bestCheckpoints,
  filesBesideWeights,
  foldAdapter,
  ioError,
  isAdapter,
  openCheckpoint,
  openLatestCheckpoint,
  saveAdapter,
  trainingStateOf,
  writeAverage,
} from "@modernbert-ts/training";
import { architectures } from "../architectures/all.ts";
import { UserError } from "../errors.ts";
import { runLayout } from "../run-folder.ts";
import { comeApart } from "./sound.ts";

const weights = "model.safetensors";

export interface ExportOptions {
  /** Replace a folder that is there. */
  readonly overwrite?: boolean;
  /** Write the weights themselves where the checkpoint has a moving average of them, which is what was evaluated. */
  readonly raw?: boolean;
}

/**
 * Every hash of the checkpoint is compared first; the folder appears whole or not at all. Resolves to whether it holds a moving average.
 * @throws CheckpointError, DataError (folder in use, disk).
 */
export async function exportCheckpoint(
  checkpoint: string,
  target: string,
  { overwrite = false, raw = false }: ExportOptions = {},
): Promise<boolean> {
  await openCheckpoint(checkpoint);
  const write = async (): Promise<boolean> =>
    isAdapter(checkpoint)
      ? foldAdapter(checkpoint, target, { architectures, raw })
      : writeInto(new AtomicDirectory(target), checkpoint, raw);
  return replacing(target, overwrite, write);
}

/** The adapter alone of a checkpoint of a run with LoRA, as PEFT has it; otherwise as `exportCheckpoint`. */
export async function exportAdapter(
  checkpoint: string,
  target: string,
  { overwrite = false, raw = false }: ExportOptions = {},
): Promise<boolean> {
  await openCheckpoint(checkpoint);
  return replacing(target, overwrite, () => saveAdapter(checkpoint, target, { architectures, raw }));
}

/** What is there comes back when `write` fails. */
async function replacing(target: string, overwrite: boolean, write: () => Promise<boolean>): Promise<boolean> {
  const earlier = `${target}.earlier`;
  const replaces = overwrite && existsSync(target);
  if (replaces) {
    try {
      rmSync(earlier, { recursive: true, force: true });
      renameSync(target, earlier);
    } catch (error) {
      throw ioError("export", target, error);
    }
  }
  try {
    const averaged = await write();
    rmSync(earlier, { recursive: true, force: true });
    return averaged;
  } catch (error) {
    if (replaces) renameSync(earlier, target);
    throw error;
  }
}

async function writeInto(folder: AtomicDirectory, checkpoint: string, raw: boolean): Promise<boolean> {
  try {
    const averaged = !raw && (await writeAverage(checkpoint, join(folder.path, weights)));
    const files = filesBesideWeights.filter((name) => existsSync(join(checkpoint, name)));
    for (const name of averaged ? files : [...files, weights]) {
      const path = join(folder.path, name);
      mkdirSync(dirname(path), { recursive: true });
      copyFileSync(join(checkpoint, name), path);
      const descriptor = openSync(path, "r+");
      fsyncSync(descriptor);
      closeSync(descriptor);
    }
    folder.commit();
    return averaged;
  } catch (error) {
    folder.discard();
    throw ioError("export", folder.target, error);
  }
}

/** The checkpoint that a path means: itself, or of a run's folder the latest whole one, and the best where training ends by that. @throws UserError, also where that one is not sound; CheckpointError. */
export async function checkpointAt(path: string, onNotice: (notice: string) => void): Promise<string> {
  const folder = join(path, runLayout.checkpoints);
  if (!existsSync(folder)) return path;
  const latest = await openLatestCheckpoint(folder, onNotice);
  if (!latest) throw new UserError(`there is no checkpoint in ${folder} yet: train first`);
  const { best } = trainingStateOf(latest);
  const [kept] = best ? bestCheckpoints(folder, 1, best) : [];
  if (kept) {
    onNotice(`taking the best checkpoint, ${best!.metric} ${kept.value.toPrecision(4)}: ${kept.path}`);
    return kept.path;
  }
  const apart = comeApart(latest, folder);
  if (!apart) return latest.path;
  const { sound, what } = apart;
  throw new UserError(`${what}: name the checkpoint to take${sound ? `, such as ${sound}` : ""}`);
}
