/** The tensors of an adapter under the names of the model's parameters, from a PEFT folder or a checkpoint of a run with LoRA. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { EncoderKind, Head } from "@modernbert-ts/encoder";
import type { TensorEntry } from "@modernbert-ts/safetensors";
import { openSafetensors, writeSafetensors } from "@modernbert-ts/safetensors/node";
import { checkpointFiles } from "../checkpoint/format.ts";
import { DataError } from "../errors.ts";
import { averagePrefix, isAverageState } from "../optimizer/averaged-optimizer.ts";
import { nameInModel, peftName } from "./peft-names.ts";

export const adapterFiles = {
  config: "adapter_config.json",
  weights: "adapter_model.safetensors",
  /** Ours: which base it belongs to. */
  base: "base_model.json",
} as const;

export interface AdapterTensors extends AsyncDisposable {
  /** Where they are from, for messages. */
  readonly source: string;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  read(name: string): Promise<Float32Array>;
  /** Whether they are a moving average. */
  readonly averaged: boolean;
}

/** Whether a folder is an adapter, or a checkpoint of one, and no whole model. */
export function isAdapter(folder: string): boolean {
  return existsSync(join(folder, adapterFiles.config));
}

/**
 * @param options.raw of a checkpoint with a moving average of the weights: the weights themselves.
 * @throws DataError `missing`, `invalid` (names that are not PEFT's); SafetensorsError.
 */
export async function openAdapterTensors(
  folder: string,
  { raw = false }: { readonly raw?: boolean } = {},
): Promise<AdapterTensors> {
  if (existsSync(join(folder, checkpointFiles.manifest))) return fromCheckpoint(folder, raw);
  const source = join(folder, adapterFiles.weights);
  if (!existsSync(source))
    throw new DataError("missing", "lora", `expected ${source}, got no such file: save the adapter as safetensors`);
  const reader = await openSafetensors(source);
  const stored = new Map<string, string>();
  for (const name of reader.names()) {
    const own = nameInModel(name);
    if (own === undefined) {
      await reader.close();
      throw new DataError("invalid", "lora", `expected names of PEFT in ${source}, got ${name}`);
    }
    stored.set(own, name);
  }
  return {
    source,
    shapes: new Map([...stored].map(([own, name]) => [own, reader.info(name).shape])),
    read: (name) => reader.readFloat32(stored.get(name)!),
    averaged: false,
    [Symbol.asyncDispose]: () => reader.close(),
  };
}

async function fromCheckpoint(folder: string, raw: boolean): Promise<AdapterTensors> {
  const source = join(folder, checkpointFiles.model);
  const weights = await openSafetensors(source);
  const state = await openSafetensors(join(folder, checkpointFiles.optimizer));
  const averaged = !raw && state.names().some(isAverageState);
  return {
    source,
    shapes: new Map(weights.names().map((name) => [name, weights.info(name).shape])),
    read(name) {
      const average = averagePrefix + name;
      return averaged && state.has(average) ? state.readFloat32(average) : weights.readFloat32(name);
    },
    averaged,
    async [Symbol.asyncDispose]() {
      await weights.close();
      await state.close();
    },
  };
}

/** As PEFT stores them, in f32. */
export function writeAdapterTensors(
  tensors: AdapterTensors,
  { kind, head }: { readonly kind: Pick<EncoderKind, "bareName">; readonly head: Head },
  target: string,
): Promise<void> {
  const entries = [...tensors.shapes].map(([name, shape]): TensorEntry => ({
    name: peftName(kind, head, name),
    dtype: "F32",
    shape,
    data: () => tensors.read(name),
  }));
  return writeSafetensors(target, entries);
}
