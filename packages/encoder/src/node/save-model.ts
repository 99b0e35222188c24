/**
 * A model to a Hugging Face folder that transformers and `loadModel` read: config.json, model.safetensors (a tied decoder is left out)
 * and the caller's files. All of it is written aside and synced first, so that a full disk leaves an earlier model as it was. Then the
 * files are renamed into place one by one, the weights last: no system call swaps a whole folder for another.
 */
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { cast } from "@modernbert-ts/tensor-core";
import type { DType, HostArray, Tensor } from "@modernbert-ts/tensor-core";
import { syncFolder, WriteError, writeFileAtomic, writeSafetensors } from "@modernbert-ts/safetensors/node";
import type { SafetensorsDType, TensorEntry } from "@modernbert-ts/safetensors";
import type { Encoder } from "../encoder.ts";
import { CheckpointError } from "../errors.ts";
import { configText } from "../folder/config-text.ts";
import { inOrder } from "../folder/packed-words.ts";
import { quantizationToJSON } from "../folder/quantization.ts";
import { matrixTensors } from "../folder/quantized-tensors.ts";
import type { HeadConfig } from "../config/head-config.ts";
import { safetensorsDType } from "../weights/stored-dtype.ts";

/** A file to be put beside the model, such as tokenizer.json. */
export interface FolderFile {
  /** Without a path. */
  readonly name: string;
  readonly content: string | Uint8Array;
}

export interface SaveOptions {
  readonly files?: readonly FolderFile[];
  /** The dtype in which matrices are stored; default: as they are held. */
  readonly matrices?: "bf16" | "f16";
}

const configFile = "config.json";
const weightsFile = "model.safetensors";

/** What config.json calls each dtype of parameters. */
const torchNames: Readonly<Partial<Record<DType, string>>> = {
  f32: "float32",
  f64: "float64",
  f16: "float16",
  bf16: "bfloat16",
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
  { files = [], matrices }: SaveOptions = {},
): Promise<void> {
  for (const { name } of files) {
    if (name === configFile || name === weightsFile || !/^[^/\\]+$/.test(name) || name.startsWith(".")) {
      throw new CheckpointError("saveModel", `expected a plain file name other than the model's own, got "${name}"`);
    }
  }
  const aside = await makeAside(folder).catch((cause: NodeJS.ErrnoException) => {
    throw new WriteError(folder, cause, "it must be a folder, or a place for one; nothing was written");
  });
  try {
    await writeSafetensors(join(aside, weightsFile), [...entriesOf(model, matrices), ...quantizedOf(model)]);
    const [first] = model.parameters.values();
    const dtype = storageOf(matrices ?? first!.dtype).name;
    const [quantized] = model.quantized.values();
    const quantization = quantized ? quantizationToJSON(quantized.format, floatingLayers(model)) : {};
    const config = configText(model.kind, model.config, model.head, dtype, quantization);
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

const storedName = <C extends HeadConfig>({ head, kind }: Encoder<C>, name: string): string =>
  head === "none" ? kind.bareName(name) : name;

function* entriesOf<C extends HeadConfig>(model: Encoder<C>, matrices?: "bf16" | "f16"): Generator<TensorEntry> {
  for (const [name, tensor] of model.parameters) {
    const dtype = tensor.rank < 2 ? tensor.dtype : (matrices ?? tensor.dtype);
    yield {
      name: storedName(model, name),
      dtype: storageOf(dtype).dtype,
      shape: tensor.shape,
      data: () => readAs(tensor, dtype),
    };
  }
}

async function readAs(tensor: Tensor, dtype: DType): Promise<HostArray> {
  if (tensor.dtype === dtype) return tensor.read();
  const converted = tensor.runtime.scope(() => cast(tensor, dtype));
  try {
    return await converted.read();
  } finally {
    converted.dispose();
  }
}

/** Quantised matrices and their scales. */
function* quantizedOf<C extends HeadConfig>(model: Encoder<C>): Generator<TensorEntry> {
  const specs = model.kind.parameters(model.config, model.head);
  for (const [name, { format, words, scales }] of model.quantized) {
    const [rows, columns] = specs.get(name)!.shape as readonly [number, number];
    const parts = matrixTensors(format, storedName(model, name));
    const read = async (): Promise<Int32Array> => (await words.read()) as Int32Array;
    yield { name: parts.scales, dtype: "F32", shape: [rows, scales.shape[1] ?? 1], data: () => scales.read() };
    if (parts.shape) {
      const data = async (): Promise<Int32Array> => inOrder(await read(), rows, columns);
      yield { name: parts.units, dtype: "I32", shape: [rows, Math.ceil(columns / 8)], data };
      yield {
        name: parts.shape,
        dtype: "I64",
        shape: [2],
        data: () => BigInt64Array.of(BigInt(rows), BigInt(columns)),
      };
    } else {
      const data = async (): Promise<Uint8Array> => rowsOfBytes(await read(), columns);
      yield { name: parts.units, dtype: "I8", shape: [rows, columns], data };
    }
  }
}

/** Words without the zeros at the end of each row. */
function rowsOfBytes(words: Int32Array, columns: number): Uint8Array {
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  const width = 4 * Math.ceil(columns / 4);
  if (width === columns) return bytes;
  const rows = new Uint8Array((bytes.length / width) * columns);
  for (let from = 0, to = 0; from < bytes.length; from += width, to += columns)
    rows.set(bytes.subarray(from, from + columns), to);
  return rows;
}

/** The linear layers that are not in bytes, by transformers' names of them. */
function floatingLayers<C extends HeadConfig>(model: Encoder<C>): string[] {
  const tied = model.head === "masked-lm" ? [model.names.decoder] : [];
  const matrices = [...model.kind.parameters(model.config, model.head)].filter(
    ([name, { shape, role }]) => shape.length === 2 && role !== "embedding" && !model.quantized.has(name),
  );
  const names = [...matrices.map(([name]) => storedName(model, name)), ...tied];
  return [...new Set(names.map((name) => name.replace(/\.weight$/, "")))];
}

function storageOf(dtype: DType): { readonly dtype: SafetensorsDType; readonly name: string } {
  const name = torchNames[dtype];
  if (name) return { dtype: safetensorsDType[dtype], name };
  throw new CheckpointError("saveModel", `expected floating parameters, got ${dtype}`);
}

async function writeText(path: string, content: string | Uint8Array): Promise<void> {
  await writeFileAtomic(path, [typeof content === "string" ? new TextEncoder().encode(content) : content]);
}
