/** The input file of `modernbert forward`: padded rows of ids as transformers takes them, and what the head's loss needs. */
import { headNames, heads, unpad, unpadValues } from "@modernbert-ts/encoder";
import type { Encoder, ForwardInputs, Labels } from "@modernbert-ts/encoder";
import { openSafetensors } from "@modernbert-ts/safetensors/node";
import type { SafetensorsReader } from "@modernbert-ts/safetensors";
import { CliError } from "../errors.ts";

/** The batch, and what of the file is not used. */
interface InputFile extends ForwardInputs {
  /** Tensors of the file that mean nothing here. */
  readonly unused: readonly string[];
}

/** The labels of all heads: those of another head are told from tensors that mean nothing. */
const labelNames = [...new Set(headNames.flatMap((head) => heads[head].labelNames))];

/** @throws CliError, BatchError or SafetensorsError, one line each, on anything that this model cannot take. */
export async function readInputs(path: string, { info }: Encoder): Promise<InputFile> {
  await using file = await openSafetensors(path);
  const { shape } = file.info("input_ids");
  const rank = heads[info.head].choices ? 3 : 2;
  if (shape.length !== rank || shape.includes(0)) {
    const wanted = rank === 3 ? "[questions, choices, length]" : "[batch, length]";
    throw new CliError(`${path}: expected input_ids of shape ${wanted}, got [${shape.join(", ")}]`);
  }
  const ids = await readIntegers(file, path, "input_ids");
  const mask = (await readLike(file, path, "attention_mask", shape)) ?? new Int32Array(ids.length).fill(1);
  const types = info.typeVocabSize > 0 ? await readLike(file, path, "token_type_ids", shape) : undefined;
  const columns = shape.at(-1)!;
  const bad = ids.findIndex((id, at) => mask[at] !== 0 && (id < 0 || id >= info.vocabSize));
  if (bad !== -1) {
    throw new CliError(
      `${path}: expected input_ids from 0 to ${info.vocabSize - 1} (the model's vocabulary), got ${ids[bad]} in row ${Math.floor(bad / columns)}, column ${bad % columns}`,
    );
  }
  const labels = new Map<string, Labels>();
  for (const name of labelNames) if (file.has(name)) labels.set(name, await readLabels(file, name));
  const known = ["input_ids", "attention_mask", ...(types ? ["token_type_ids"] : []), ...labelNames];
  const rows = unpad(ids, mask, [ids.length / columns, columns]);
  const unpadded = types ? { ...rows, batch: { ...rows.batch, typeIds: unpadValues(types, rows) } } : rows;
  return { shape, unpadded, labels, unused: file.names().filter((name) => !known.includes(name)) };
}

/** One value for each of the ids; undefined where the file has none. */
async function readLike(
  file: SafetensorsReader,
  path: string,
  name: string,
  shape: readonly number[],
): Promise<Int32Array | undefined> {
  if (!file.has(name)) return undefined;
  const found = file.info(name).shape.join(", ");
  if (found === shape.join(", ")) return readIntegers(file, path, name);
  throw new CliError(`${path}: expected ${name} of the shape of input_ids [${shape.join(", ")}], got [${found}]`);
}

async function readIntegers(file: SafetensorsReader, path: string, name: string): Promise<Int32Array> {
  const { dtype } = file.info(name);
  if (isFloat(dtype)) throw new CliError(`${path}: expected ${name} as integers, got ${dtype}: save it as int64`);
  return file.readInt32(name);
}

function isFloat(dtype: string): boolean {
  return /^B?F\d/.test(dtype);
}

async function readLabels(file: SafetensorsReader, name: string): Promise<Labels> {
  const { dtype, shape } = file.info(name);
  const data = isFloat(dtype) ? await file.readFloat32(name) : await file.readInt32(name);
  return { shape, data };
}
