/**
 * A model to a Hugging Face folder that transformers and `loadModel` read: config.json, model.safetensors (a tied decoder is left out)
 * and the caller's files. All of it is written aside and synced first, so that a full disk leaves an earlier model as it was.
 */
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DType, Tensor } from "@modernbert-ts/tensor-core";
import { writeFileAtomic, writeSafetensors } from "@modernbert-ts/safetensors/node";
import type { SafetensorsDType, TensorEntry } from "@modernbert-ts/safetensors";
import { configToJSON, stringifyConfig } from "../config/config-json.ts";
import { CheckpointError } from "../errors.ts";
import type { ModernBert } from "../model.ts";

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

/** Creates `folder` where it is missing. @throws WriteError when the disk refuses; an earlier model there stays whole. */
export async function saveModel(folder: string, model: ModernBert, { files = [] }: SaveOptions = {}): Promise<void> {
  for (const { name } of files) {
    if (name === configFile || name === weightsFile || !/^[^/\\]+$/.test(name) || name.startsWith(".")) {
      throw new CheckpointError("saveModel", `expected a plain file name other than the model's own, got "${name}"`);
    }
  }
  await mkdir(folder, { recursive: true });
  const aside = await mkdtemp(join(folder, ".save-"));
  try {
    await writeSafetensors(join(aside, weightsFile), entriesOf(model));
    await writeText(join(aside, configFile), stringifyConfig(configOf(model)));
    for (const { name, content } of files) await writeText(join(aside, name), content);
    for (const name of await readdir(aside)) await rename(join(aside, name), join(folder, name));
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

function* entriesOf(model: ModernBert): Generator<TensorEntry> {
  for (const [name, tensor] of model.parameters) {
    yield {
      name: model.head === "none" ? name.replace(/^model\./, "") : name,
      dtype: storageOf(tensor).dtype,
      shape: tensor.shape,
      data: () => tensor.read(),
    };
  }
}

function configOf(model: ModernBert): Record<string, unknown> {
  const [first] = model.parameters.values();
  return { ...configToJSON(model.config, { head: model.head }), torch_dtype: storageOf(first!).name };
}

function storageOf({ dtype }: Tensor): { readonly dtype: SafetensorsDType; readonly name: string } {
  const found = storage[dtype];
  if (found) return found;
  throw new CheckpointError("saveModel", `expected floating parameters, got ${dtype}`);
}

async function writeText(path: string, content: string | Uint8Array): Promise<void> {
  await writeFileAtomic(path, [typeof content === "string" ? new TextEncoder().encode(content) : content]);
}
