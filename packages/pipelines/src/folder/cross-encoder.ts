/** A cross-encoder in modules, as sentence-transformers 5.4 and later save one: encoder, pooling and steps, of which the last writes the scores. */
import { CheckpointError } from "@modernbert-ts/encoder";
import type { EncoderInfo, JsonObject } from "@modernbert-ts/encoder";
import type { Folder } from "@modernbert-ts/safetensors";
import { readJsonObject } from "./json-file.ts";
import { configOf, readModules } from "./modules.ts";
import type { Module } from "./modules.ts";
import { isPoolingMode, readPooling } from "./pooling.ts";
import type { PoolingMode } from "./pooling.ts";
import { readSteps } from "./steps.ts";
import type { Step } from "./steps.ts";

export interface CrossEncoderSettings {
  /** Names the folder in errors. */
  readonly folder: string;
  readonly pooling: readonly string[];
  /** What makes the scores of a pooled row, in order. */
  readonly steps: readonly Step[];
  /** Scores of an input. */
  readonly width: number;
  /** What is asked for and not computed. */
  readonly refused: readonly string[];
}

const result = "scores";

/**
 * undefined where the folder has no modules that make scores: its head makes them, where it has one.
 * @param texts config_sentence_transformers.json. @param foreign settings of the model's texts that are not known.
 * @throws CheckpointError on malformed files.
 */
export async function readCrossEncoder(
  folder: Folder,
  list: readonly Module[] | undefined,
  texts: JsonObject | undefined,
  hiddenSize: number,
  foreign: readonly string[],
): Promise<CrossEncoderSettings | undefined> {
  const last = list?.at(-1);
  if (!list || !last || list.length < 2) return undefined;
  const scored = last.name === "Dense" && (await readJsonObject(folder, configOf(last.path)))?.["module_output_name"];
  if (scored !== result && texts?.["model_type"] !== "CrossEncoder") return undefined;
  const modules = readModules(list);
  const pooling = await readPooling(folder, modules.poolingPath);
  const { modes } = pooling;
  const pooled = hiddenSize * Math.max(1, modes.length);
  const { steps, width, refused } = await readSteps(folder, modules.steps, pooled, "sentence_embedding", result);
  return {
    folder: folder.name,
    pooling: modes,
    steps,
    width,
    refused: [
      ...modules.refused,
      ...(modules.poolingPath === undefined ? ["no Pooling"] : []),
      ...(pooling.missing === undefined ? [] : [`no ${pooling.missing}`]),
      ...modes.filter((mode) => !isPoolingMode(mode)).map((mode) => `pooling ${mode}`),
      ...pooling.refused,
      ...refused,
      ...(scored === result ? [] : [`no Dense at the end with module_output_name ${JSON.stringify(result)}`]),
      ...foreign,
    ],
  };
}

/** @throws CheckpointError where the scores need what is not computed, by name. */
export function requireCrossEncoder(
  operation: string,
  { folder, refused, pooling }: CrossEncoderSettings,
): readonly PoolingMode[] {
  if (refused.length === 0) return pooling as readonly PoolingMode[];
  throw new CheckpointError(
    operation,
    `expected modules that are computed (Transformer, Pooling, Dense, LayerNorm, Normalize) in ${folder}/modules.json, got ${refused.join(", ")}: use another model for pairs`,
  );
}

/** The model with modules that make scores as what it is: a sequence classifier with a label for each score. */
export function asClassifier(info: EncoderInfo, settings: CrossEncoderSettings | undefined): EncoderInfo {
  if (!settings) return info;
  const { width } = settings;
  const labels = info.labels.length === width ? info.labels : Array.from({ length: width }, (_, id) => `LABEL_${id}`);
  return { ...info, head: "sequence-classification", labels };
}
