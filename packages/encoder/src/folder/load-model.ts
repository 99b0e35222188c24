/**
 * A Hugging Face folder, wherever its files are, to a model on a device. Weights that are stored as they are held stay in their file where
 * the backend can map it; others are read one at a time: the host holds the largest tensor, never the whole model.
 */
import { float32Precision } from "@modernbert-ts/tensor-core";
import type { Precision, Runtime } from "@modernbert-ts/tensor-core";
import { openCheckpoint } from "@modernbert-ts/safetensors";
import type { Folder, SafetensorsReader } from "@modernbert-ts/safetensors";
import type { Architecture } from "../architecture.ts";
import type { Encoder } from "../encoder.ts";
import { CheckpointError, listNames } from "../errors.ts";
import type { HeadConfig } from "../config/head-config.ts";
import type { Head } from "../info.ts";
import { drawParameter } from "../weights/initialise.ts";
import type { WeightFormat } from "../weights/formats.ts";
import { WeightLoader } from "./weight-loader.ts";
import { MappedWeights } from "../weights/mapped.ts";
import { WeightStore } from "../weights/store.ts";
import { matchNames } from "./match-names.ts";
import type { NameMatch } from "./match-names.ts";
import { wholeMatrices } from "./quantized-tensors.ts";
import { readFolderConfig, requireHead } from "./read-config.ts";
import type { FolderConfig } from "./read-config.ts";

export interface LoadOptions<C extends HeadConfig = HeadConfig> {
  readonly runtime: Runtime;
  /** By default the one that config.json names. */
  readonly head?: Head;
  /** Default: all f32. Parameters are converted to `precision.params` on the way. */
  readonly precision?: Precision;
  /** In fewer bytes the model is for inference only. Default: f32; that of a quantised folder, which allows no other. */
  readonly weights?: WeightFormat;
  /** Default true: weights may stay in their files, which must not be changed meanwhile. Of little use where all are written to. */
  readonly mapped?: boolean;
  /** Draws the head's parameters that the folder lacks (a classifier to be trained, say). Without it they are an error. */
  readonly initialiseMissing?: { readonly seed: number };
  /** Changes the config before anything is loaded: other labels, other dropout. */
  readonly configure?: (config: C) => C;
}

export interface LoadedModel<C extends HeadConfig = HeadConfig, E extends Encoder<C> = Encoder<C>> {
  readonly model: E;
  /** Parameters that were drawn, not loaded. */
  readonly initialised: readonly string[];
  /** Tensors of the folder that nothing of this model is computed from: another head's, or unknown ones. */
  readonly unused: readonly string[];
}

/**
 * @param architectures the ones to choose from by `model_type`.
 * @throws ConfigError, CheckpointError (missing or wrongly shaped tensors, by name) or SafetensorsError (corrupt files).
 */
export async function loadModelFolder<C extends HeadConfig, E extends Encoder<C>>(
  folder: Folder,
  architectures: readonly Architecture<C, E>[],
  options: LoadOptions<C>,
): Promise<LoadedModel<C, E>> {
  const { runtime, precision = float32Precision, mapped = true } = options;
  const stored = await readFolderConfig(folder, architectures);
  const { kind, create } = stored.architecture;
  const config = options.configure?.(stored.config) ?? stored.config;
  const head = requireHead(folder.name, stored, options.head);
  const specs = kind.parameters(config, head);
  const weights = weightsOf(stored, folder.name, options.weights);
  await using checkpoint = await openCheckpoint(folder);
  const names = kind.names(head);
  const match = matchNames(
    stored.quantized ? await wholeMatrices(checkpoint, stored.quantized) : checkpoint,
    specs,
    { names, storedNames: kind.storedNames },
    config,
    folder.name,
  );
  checkMissing(match, head, folder.name, { ...options, weights });
  await checkTwins(checkpoint, match, folder.name);
  const { params } = precision;
  const store = new WeightStore(runtime, weights, params);
  using files = new MappedWeights(runtime, checkpoint);
  try {
    const loader = new WeightLoader(checkpoint, specs, store, {
      quantized: stored.quantized,
      ...(mapped && { files }),
    });
    for (const [name, spec] of specs) {
      const source = match.stored.get(name);
      if (source !== undefined) {
        await loader.load(name, spec, source);
        continue;
      }
      const draw = { ...options.initialiseMissing!, dtype: params };
      const initial = kind.initial(config, head, name, spec);
      store.parameters.set(name, drawParameter(runtime, name, spec.shape, initial, draw));
    }
    const { parameters, quantized } = store;
    const model = create({ runtime, config, head, parameters, quantized, precision });
    return { model, initialised: match.missing, unused: match.unused };
  } catch (error) {
    store.dispose();
    throw error;
  }
}

function checkMissing<C extends HeadConfig>(
  { missing }: NameMatch,
  head: Head,
  folder: string,
  { initialiseMissing, weights = "f32" }: LoadOptions<C>,
): void {
  if (missing.length === 0) return;
  if (!initialiseMissing) {
    throw new CheckpointError(
      "loadModel",
      `expected ${listNames(missing)} in ${folder} for head "${head}", got none: choose a model that was trained for this head, or train this one first`,
    );
  }
  if (weights !== "f32") {
    throw new CheckpointError(
      "loadModel",
      `expected weights f32 where ${listNames(missing)} are drawn, got ${weights}: train in f32, then load the trained model`,
    );
  }
}

/** The format asked for, or the folder's own. @throws CheckpointError where the folder has no other. */
export function weightsOf(
  { quantized }: Pick<FolderConfig, "quantized">,
  folder: string,
  asked: WeightFormat = quantized ?? "f32",
): WeightFormat {
  if (!quantized || asked === quantized) return asked;
  throw new CheckpointError(
    "loadModel",
    `expected weights ${quantized} for ${folder}, whose linear layers are stored so, got ${asked}: take the model that it was made of`,
  );
}

/** What is stored twice must be the same: otherwise the folder and its config contradict each other. */
async function checkTwins(checkpoint: SafetensorsReader, { twins }: NameMatch, folder: string): Promise<void> {
  for (const [name, used] of twins) {
    const [one, other] = [await checkpoint.readFloat32(name), await checkpoint.readFloat32(used)];
    if (one.length === other.length && one.every((value, at) => Object.is(value, other[at]))) continue;
    throw new CheckpointError(
      "loadModel",
      `expected ${name} of ${folder} to equal ${used}, got other values: set tie_word_embeddings to false in config.json where it is a decoder of its own`,
    );
  }
}
