/** A Hugging Face folder, wherever its files are, to a model on a device, one tensor at a time: the host holds the largest tensor, never the whole model. */
import { float32Precision, sizeOf } from "@modernbert-ts/tensor-core";
import type { Precision, Runtime, Shape } from "@modernbert-ts/tensor-core";
import { openCheckpoint } from "@modernbert-ts/safetensors";
import type { Folder, SafetensorsReader } from "@modernbert-ts/safetensors";
import type { Head, ModernBertConfig } from "../config/config.ts";
import { CheckpointError, listNames } from "../errors.ts";
import { initialiseParameter } from "../initialise.ts";
import { ModernBert } from "../model.ts";
import { embeddingName, parameterShapes } from "../parameters.ts";
import { WeightStore } from "../weights.ts";
import type { WeightFormat } from "../weights.ts";
import { matchNames } from "./match-names.ts";
import type { NameMatch } from "./match-names.ts";
import { readFolderConfig } from "./read-config.ts";

export interface LoadOptions {
  readonly runtime: Runtime;
  /** By default the one that config.json names. */
  readonly head?: Head;
  /** Default: all f32. Parameters are converted to `precision.params` on the way. */
  readonly precision?: Precision;
  /** In fewer bytes the model is for inference only. Default: f32, or what `precision` says. */
  readonly weights?: WeightFormat;
  /** Draws the head's parameters that the folder lacks (a classifier to be trained, say). Without it they are an error. */
  readonly initialiseMissing?: { readonly seed: number };
  /** Changes the config before anything is loaded: other labels, other dropout. */
  readonly configure?: (config: ModernBertConfig) => ModernBertConfig;
}

export interface LoadedModel {
  readonly model: ModernBert;
  /** Parameters that were drawn, not loaded. */
  readonly initialised: readonly string[];
  /** Tensors of the folder that belong to another head. */
  readonly unused: readonly string[];
}

/**
 * @throws ConfigError, CheckpointError (missing, unexpected or wrongly shaped tensors, by name) or SafetensorsError (corrupt files).
 */
export async function loadModelFolder(files: Folder, options: LoadOptions): Promise<LoadedModel> {
  const { runtime, precision = float32Precision, weights = "f32", configure = (config) => config } = options;
  const { name: folder } = files;
  const stored = await readFolderConfig(files);
  const config = configure(stored.config);
  const head = options.head ?? stored.head;
  if (head === undefined) {
    throw new CheckpointError("loadModel", `expected architectures in ${folder}/config.json, got none: give a head`);
  }
  const shapes = parameterShapes(config, head);
  await using checkpoint = await openCheckpoint(files);
  const match = matchNames(checkpoint, shapes, head, folder);
  if (match.missing.length > 0 && !options.initialiseMissing) {
    throw new CheckpointError(
      "loadModel",
      `expected ${listNames(match.missing)} in ${folder} for head "${head}", got none: choose a model that was trained for this head, or train this one first`,
    );
  }
  if (match.missing.length > 0 && weights !== "f32") {
    throw new CheckpointError(
      "loadModel",
      `expected weights f32 where ${listNames(match.missing)} are drawn, got ${weights}: train in f32, then load the trained model`,
    );
  }
  await checkTiedDecoder(checkpoint, match, folder);
  const { params } = precision;
  const store = new WeightStore(runtime, weights, params);
  try {
    const read = reader(checkpoint, shapes);
    for (const [name, shape] of shapes) {
      const source = match.stored.get(name);
      if (source !== undefined) store.put(name, shape, await read(source, shape));
      else
        store.parameters.set(
          name,
          initialiseParameter(runtime, config, head, name, shape, { ...options.initialiseMissing!, dtype: params }),
        );
    }
    const { parameters, int8 } = store;
    const model = new ModernBert({ runtime, config, head, parameters, int8, precision });
    return { model, initialised: match.missing, unused: match.unused };
  } catch (error) {
    store.dispose();
    throw error;
  }
}

/** Reads through one buffer as large as the largest parameter. */
function reader(
  checkpoint: SafetensorsReader,
  shapes: ReadonlyMap<string, Shape>,
): (name: string, shape: Shape) => Promise<Float32Array> {
  const buffer = new Float32Array(Math.max(...Array.from(shapes.values(), sizeOf)));
  return (name, shape) => checkpoint.readFloat32(name, buffer.subarray(0, sizeOf(shape)));
}

/** A stored decoder beside a tied embedding must be the embedding: otherwise the folder and its config contradict each other. */
async function checkTiedDecoder(checkpoint: SafetensorsReader, match: NameMatch, folder: string): Promise<void> {
  if (match.tiedDecoder === undefined) return;
  const decoder = await checkpoint.readFloat32(match.tiedDecoder);
  const embedding = await checkpoint.readFloat32(match.stored.get(embeddingName)!);
  if (decoder.length === embedding.length && decoder.every((value, at) => Object.is(value, embedding[at]))) return;
  throw new CheckpointError(
    "loadModel",
    `expected ${match.tiedDecoder} of ${folder} to equal the embedding, got other values: set tie_word_embeddings to false in config.json`,
  );
}
