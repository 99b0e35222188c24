/**
 * A model to a Hugging Face folder that transformers and `loadModel` read: config.json, model.safetensors (a tied decoder is left out)
 * and the caller's files. All of it is written aside and synced first, so that a full disk leaves an earlier model as it was. Then the
 * files are renamed into place one by one, the weights last: no system call swaps a whole folder for another.
 */
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DType, Tensor } from "@modernbert-ts/tensor-core";
import { syncFolder, WriteError, writeFileAtomic, writeSafetensors } from "@modernbert-ts/safetensors/node";
import type { SafetensorsDType, TensorEntry } from "@modernbert-ts/safetensors";
import type { Encoder } from "../encoder.ts";
import { CheckpointError } from "../errors.ts";
import { configText } from "../folder/config-text.ts";
import type { HeadConfig } from "../config/head-config.ts";

/** A file to be put beside the model, such as tokenizer.json. */
export interface FolderFile {
  /** Without a path. */
  readonly name: string;
  readonly content: string | Uint8Array;
}

export interface SaveOptions {
  readonly files?: readonly FolderFile[];
}

const configFile = "config.json";
const weightsFile = "model.safetensors";

/** How each parameter dtype is stored, and what config.json calls it. */
const storage: Readonly<Partial<Record<DType, { readonly dtype: SafetensorsDType; readonly name: string }>>> = {
  f32: { dtype: "F32", name: "float32" },
  f64: { dtype: "F64", name: "float64" },
  f16: { dtype: "F16", name: "float16" },
  bf16: { dtype: "BF16", name: "bfloat16" },
};

/**
 * Creates `folder` where it is missing. Whatever fails or is killed while the files are written leaves an earlier model whole. Only
 * between the renames at the end can an earlier model's weights stand beside the new config and files; weights are old or new, never
 * half of each, and saving again repairs it. A killed process leaves its `.save-XXXXXX` folder behind.
 * @throws WriteError when the disk refuses.
 */
export async function saveModel<C extends HeadConfig>(
  folder: string,
  model: Encoder<C>,
  { files = [] }: SaveOptions = {},
): Promise<void> {
  for (const { name } of files) {
    if (name === configFile || name === weightsFile || !/^[^/\\]+$/.test(name) || name.startsWith(".")) {
      throw new CheckpointError("saveModel", `expected a plain file name other than the model's own, got "${name}"`);
    }
  }
  if (model.int8.size > 0) {
    throw new CheckpointError(
      "saveModel",
      "expected floating weights, got int8: load the model with weights f32 to save it",
    );
  }
  const aside = await makeAside(folder).catch((cause: NodeJS.ErrnoException) => {
    throw new WriteError(folder, cause, "it must be a folder, or a place for one; nothing was written");
  });
  try {
    await writeSafetensors(join(aside, weightsFile), entriesOf(model));
    const [first] = model.parameters.values();
    const config = configText(model.kind, model.config, model.head, storageOf(first!).name);
    await writeText(join(aside, configFile), config);
    for (const { name, content } of files) await writeText(join(aside, name), content);
    await moveInto(folder, aside).catch((cause: NodeJS.ErrnoException) => {
      throw new WriteError(folder, cause, "some files there may be new and others old: save again");
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function makeAside(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  return mkdtemp(join(folder, ".save-"));
}

/** The weights come last, and after the rest has reached the disk: where new weights are, all that belongs to them is. */
async function moveInto(folder: string, aside: string): Promise<void> {
  const others = (await readdir(aside)).filter((name) => name !== weightsFile);
  for (const names of [others, [weightsFile]]) {
    for (const name of names) await rename(join(aside, name), join(folder, name));
    await syncFolder(folder);
  }
}

function* entriesOf<C extends HeadConfig>(model: Encoder<C>): Generator<TensorEntry> {
  for (const [name, tensor] of model.parameters) {
    yield {
      name: model.head === "none" ? model.kind.bareName(name) : name,
      dtype: storageOf(tensor).dtype,
      shape: tensor.shape,
      data: () => tensor.read(),
    };
  }
}

function storageOf({ dtype }: Tensor): { readonly dtype: SafetensorsDType; readonly name: string } {
  const found = storage[dtype];
  if (found) return found;
  throw new CheckpointError("saveModel", `expected floating parameters, got ${dtype}`);
}

async function writeText(path: string, content: string | Uint8Array): Promise<void> {
  await writeFileAtomic(path, [typeof content === "string" ? new TextEncoder().encode(content) : content]);
}
