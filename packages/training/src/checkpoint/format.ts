/**
 * A checkpoint on disk: a folder `step-00000100` with
 *   model.safetensors      parameters under the model's own names; with the caller's files (config.json, tokenizer.json) beside
 *                          it the folder is a Hugging Face model folder;
 *   optimizer.safetensors  moments and the other device state of the optimizer;
 *   training.json          step, tokens, loader, settings: what is not a tensor;
 *   manifest.json          size and SHA-256 of each, written last: a folder without it is not a checkpoint.
 * It is written under another name and renamed, so it is there complete or not at all.
 */
import fs from "node:fs";
import { basename, join } from "node:path";
import { fingerprint } from "../files/fingerprint.ts";
import type { JsonValue } from "../files/fingerprint.ts";
import { CheckpointError } from "./errors.ts";

export const CHECKPOINT_FORMAT = "modernbert-ts/checkpoint";
export const CHECKPOINT_VERSION = 1;
export const checkpointFiles = {
  manifest: "manifest.json",
  model: "model.safetensors",
  optimizer: "optimizer.safetensors",
  state: "training.json",
} as const;

/** What lies beside the weights of a model folder; the last four in those of sentence-transformers only. */
export const filesBesideWeights = [
  "config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "modules.json",
  "sentence_bert_config.json",
  "config_sentence_transformers.json",
  "1_Pooling/config.json",
] as const;

export interface CheckpointManifest {
  readonly format: typeof CHECKPOINT_FORMAT;
  readonly version: number;
  readonly step: number;
  readonly files: readonly CheckpointFile[];
  /** Of the rest of the manifest; absent in those of earlier releases. */
  readonly fingerprint?: string;
}

export function manifestOf(step: number, files: readonly CheckpointFile[]): CheckpointManifest {
  const manifest = { format: CHECKPOINT_FORMAT, version: CHECKPOINT_VERSION, step, files } as const;
  return { ...manifest, fingerprint: printOf(manifest) };
}

/** Name, size in bytes, hex SHA-256. */
export interface CheckpointFile {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

function printOf(manifest: Omit<Partial<CheckpointManifest>, "fingerprint">): string {
  return fingerprint(manifest as unknown as JsonValue);
}

export function checkpointName(step: number): string {
  return `step-${String(step).padStart(8, "0")}`;
}

/** The step in a folder's name; undefined for any other name. */
export function stepOfName(name: string): number | undefined {
  const match = /^step-(\d{8,})$/.exec(name);
  return match ? Number(match[1]) : undefined;
}

/**
 * Reads the manifest and compares the sizes of all files (not the hashes: `openCheckpoint` does).
 * @throws CheckpointError `missing`, `corrupt`, `mismatch` (newer version).
 */
export function readCheckpointManifest(path: string): CheckpointManifest {
  const corrupt = (found: string): CheckpointError =>
    new CheckpointError(
      "corrupt",
      "readCheckpoint",
      `expected a complete checkpoint in ${path}, got ${found}; use an earlier one`,
    );
  if (!fs.existsSync(path))
    throw new CheckpointError("missing", "readCheckpoint", `expected a checkpoint in ${path}, got no such folder`);
  let manifest: Partial<CheckpointManifest> | null;
  try {
    manifest = JSON.parse(fs.readFileSync(join(path, checkpointFiles.manifest), "utf8")) as typeof manifest;
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw corrupt(absent ? "a folder without manifest.json" : "a manifest that is not JSON");
  }
  if (manifest?.format !== CHECKPOINT_FORMAT) throw corrupt("another kind of manifest");
  const { fingerprint: known, ...rest } = manifest;
  if ("fingerprint" in manifest && known !== printOf(rest)) throw corrupt("a manifest that was changed");
  if (manifest.version !== CHECKPOINT_VERSION)
    throw new CheckpointError(
      "mismatch",
      "readCheckpoint",
      `expected format version ${CHECKPOINT_VERSION}, got ${manifest.version} in ${path}; update this package`,
    );
  if (!isManifest(manifest) || manifest.step !== (stepOfName(basename(path)) ?? manifest.step))
    throw corrupt("a manifest that lacks what it should say");
  for (const { file, bytes } of manifest.files) {
    const size = fs.statSync(join(path, file), { throwIfNoEntry: false })?.size;
    if (size !== bytes) throw corrupt(`${file} with ${size ?? "no"} bytes instead of ${bytes}`);
  }
  return manifest;
}

/** Whether all fields are there, no others, and all files that a checkpoint has. */
function isManifest(value: Partial<CheckpointManifest>): value is CheckpointManifest {
  const { step, files } = value;
  const keys = ["format", "version", "step", "files", "fingerprint"];
  if (!isCount(step) || !Array.isArray(files) || Object.keys(value).some((key) => !keys.includes(key))) return false;
  const names = files.map((entry: Partial<CheckpointFile> | null) => (isFile(entry) ? entry.file : undefined));
  const { manifest: _, ...needed } = checkpointFiles;
  return !names.includes(undefined) && Object.values(needed).every((name) => names.includes(name));
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isFile(entry: Partial<CheckpointFile> | null): entry is CheckpointFile {
  if (entry === null || typeof entry !== "object" || Object.keys(entry).length !== 3) return false;
  const { file, bytes, sha256 } = entry;
  return (
    typeof file === "string" &&
    /^([\w-]+\/)?[\w.-]+$/.test(file) &&
    isCount(bytes) &&
    /^[0-9a-f]{64}$/.test(String(sha256))
  );
}
