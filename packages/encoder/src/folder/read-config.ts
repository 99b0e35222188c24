/** config.json of a model folder: its architecture by `model_type`, and the head that its `architectures` names. */
import { readText } from "@modernbert-ts/safetensors";
import type { Folder } from "@modernbert-ts/safetensors";
import type { Architecture } from "../architecture.ts";
import { isJsonObject } from "../config/json-fields.ts";
import type { Encoder } from "../encoder.ts";
import { CheckpointError, ConfigError, listNames, show } from "../errors.ts";
import type { HeadConfig } from "../config/head-config.ts";
import { headNames, heads } from "../heads/registry.ts";
import type { Head } from "../info.ts";
import type { QuantizedFormat } from "../weights/formats.ts";
import { quantizationOf } from "./quantization.ts";

export interface FolderConfig<C extends HeadConfig = HeadConfig, E extends Encoder<C> = Encoder<C>> {
  readonly architecture: Architecture<C, E>;
  readonly config: C;
  /** undefined where config.json names no class, or one that is not known: the encoder can be used without a head all the same. */
  readonly head: Head | undefined;
  /** What its linear layers are stored in; undefined for floating point. */
  readonly quantized: QuantizedFormat | undefined;
  /** `architectures[0]` as it stands, for messages. */
  readonly className: unknown;
}

/**
 * @param architectures the ones to choose from.
 * @throws CheckpointError when there is no readable config.json, ConfigError when it describes no model of these architectures.
 */
export async function readFolderConfig<C extends HeadConfig, E extends Encoder<C>>(
  folder: Folder,
  architectures: readonly Architecture<C, E>[],
): Promise<FolderConfig<C, E>> {
  const json = await readConfigJson(folder);
  const modelType: unknown = json["model_type"];
  const architecture = architectures.find(({ kind }) => kind.modelType === modelType);
  if (!architecture) {
    const known = listNames(architectures.map(({ kind }) => `"${kind.modelType}"`));
    throw new ConfigError(
      "config",
      `expected model_type to be ${known} (no other is implemented), got ${show(modelType)}: choose a model of one of these types`,
    );
  }
  const classes: unknown = json["architectures"];
  const className: unknown = Array.isArray(classes) ? classes[0] : undefined;
  const head = headNames.find((name) => classNameOf(architecture, name) === className);
  return {
    architecture,
    config: architecture.kind.parseConfig(json),
    head,
    quantized: quantizationOf(json),
    className,
  };
}

/** transformers' class of an architecture with a head. */
export function classNameOf({ kind }: { readonly kind: { readonly className: string } }, head: Head): string {
  const { classSuffix } = heads[head];
  return kind.className + classSuffix;
}

/**
 * The head to put on: the one asked for, else the one that config.json names.
 * @throws CheckpointError where neither says.
 */
export function requireHead<C extends HeadConfig, E extends Encoder<C>>(
  folder: string,
  { architecture, head, className }: FolderConfig<C, E>,
  asked?: Head,
): Head {
  const found = asked ?? head;
  if (found !== undefined) return found;
  const known = headNames.map((name) => classNameOf(architecture, name)).join(", ");
  throw new CheckpointError(
    "loadModel",
    `expected architectures[0] of ${folder}/config.json to be one of ${known}, got ${show(className)}: give a head`,
  );
}

async function readConfigJson(folder: Folder): Promise<Readonly<Record<string, unknown>>> {
  const path = `${folder.name}/config.json`;
  const text = await readText(folder, "config.json");
  if (text === undefined) {
    throw new CheckpointError("readConfig", `expected ${path}, got no such file: give a Hugging Face model folder`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new CheckpointError("readConfig", `expected JSON in ${path}, got ${show((cause as Error).message)}`, {
      cause,
    });
  }
  if (!isJsonObject(json)) throw new ConfigError("config", `expected config.json to be an object, got ${show(json)}`);
  return json;
}
